"""What holds for every kind of damage to sound and pictures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.degradation import KINDS, AudioDamage, check
from streamer.errors import SettingError
from streamer.packets import SAMPLE_RATE, SECOND, Image
from streamer.settings import DamageSettings
from tests.degradation_fixtures import damage, in_pieces, pictures, shown, sound, voice

AUDIO_KINDS = sorted(KINDS["audio"])
VISION_KINDS = sorted(KINDS["vision"])
SEVERITIES = st.floats(0.01, 1)


@pytest.mark.parametrize("kind", AUDIO_KINDS)
def test_sound_is_touched_only_inside_the_stretch(kind: str) -> None:
    samples = sound(3)
    result = in_pieces([damage("audio", kind)], samples)
    changed = np.flatnonzero(~(result == samples))
    soft = 4 if kind == "clip" else 0  # samples that lie under the limit stay as they are
    assert SAMPLE_RATE <= changed.min() <= SAMPLE_RATE + soft
    assert 2 * SAMPLE_RATE - 1 - soft <= changed.max() < 2 * SAMPLE_RATE


@pytest.mark.parametrize("kind", VISION_KINDS)
def test_pictures_are_touched_only_inside_the_stretch(kind: str) -> None:
    images = pictures(45)
    changed = [
        index
        for index, (before, after) in enumerate(
            zip(images, shown([damage("vision", kind)], images), strict=True)
        )
        if after is None or not np.array_equal(before, after)
    ]
    first = 16 if kind == "frame_rate" else 15  # of few pictures, the first one is shown
    assert changed == list(range(first, 30))


def test_without_an_end_damage_lasts() -> None:
    endless = in_pieces([damage("audio", "mute", 1, 1, None)], sound(3))
    assert endless[:SAMPLE_RATE].all()
    assert not endless[SAMPLE_RATE:].any()
    dark = shown([damage("vision", "dark", 1, 0, None)], pictures(45))
    assert not any(image is None or image.any() for image in dark)


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize("kind", AUDIO_KINDS)
@given(cuts=st.lists(st.integers(0, 24_000), max_size=8), severity=SEVERITIES)
@settings(max_examples=6, deadline=None)
def test_the_cut_of_the_sound_makes_no_difference(
    kind: str, cuts: list[int], severity: float
) -> None:
    samples = voice(1.5)
    samples[7000:7100] = np.nan
    damages = [damage("audio", kind, severity, 0.3, 1.3), damage("audio", "clip", 0.5, 0.7, 1.2)]
    whole = in_pieces(damages, samples)
    np.testing.assert_array_equal(in_pieces(damages, samples, cuts), whole)


@pytest.mark.parametrize("kinds", [AUDIO_KINDS, AUDIO_KINDS[::-1]], ids=["to", "fro"])
def test_all_kinds_at_once_are_cut_as_they_like(kinds: list[str]) -> None:
    samples = voice(1.5)
    damages = [damage("audio", kind, 0.3, 0.2, 1.3) for kind in kinds]
    pieces = in_pieces(damages, samples, [1, 2, 5000, 5319, 5320, 5321, 20_000])
    np.testing.assert_array_equal(pieces, in_pieces(damages, samples))


@pytest.mark.parametrize("kind", AUDIO_KINDS)
def test_severity_zero_leaves_sound_alone(kind: str) -> None:
    samples = sound(3)
    np.testing.assert_array_equal(in_pieces([damage("audio", kind, 0)], samples, [500]), samples)


@pytest.mark.parametrize("kind", VISION_KINDS)
def test_severity_zero_leaves_pictures_alone(kind: str) -> None:
    images = pictures(30)
    for before, after in zip(images, shown([damage("vision", kind, 0)], images), strict=True):
        assert after is before


@pytest.mark.parametrize("kind", AUDIO_KINDS)
@given(severity=SEVERITIES, loudness=st.floats(0, 3))
@settings(max_examples=8, deadline=None)
def test_sound_keeps_its_form(kind: str, severity: float, loudness: float) -> None:
    samples = voice(1) * np.float32(loudness)
    samples[5000:5400] = np.inf
    result = in_pieces([damage("audio", kind, severity, 0.1, 0.9)], samples)
    assert result.shape == samples.shape
    assert result.dtype == np.float32
    inside = result[1600:14_400]
    lost = np.isnan(inside)
    assert lost[3400:3800].all()
    assert kind == "gap" or lost.sum() == 400
    assert np.isfinite(inside[~lost]).all()


@pytest.mark.parametrize("kind", VISION_KINDS)
@given(
    severity=SEVERITIES,
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    face=st.none() | st.tuples(*[st.floats(-200, 200)] * 4),
)
@settings(max_examples=8, deadline=None)
def test_pictures_keep_their_form(
    kind: str, severity: float, height: int, width: int, face: tuple[float, ...] | None
) -> None:
    images = [np.full((height, width, 3), value, np.uint8) for value in (0, 90, 255)]
    before = [image.copy() for image in images]
    landmarks = None if face is None else np.array(face, np.float32).reshape(2, 2)
    for image in shown([damage("vision", kind, severity, 0)], images, landmarks=landmarks):
        assert image is None or (image.shape == (height, width, 3) and image.dtype == np.uint8)
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize("kind", ["h264", "noise", "second_face", "freeze"])
def test_the_size_of_the_pictures_may_change(kind: str) -> None:
    images = [np.zeros(shape, np.uint8) for shape in ((48, 64, 3), (9, 9, 3), (480, 640, 3))]
    for image in shown([damage("vision", kind, 0.7, 0)], images):
        assert image is not None


@pytest.mark.parametrize("kind", AUDIO_KINDS)
def test_the_same_seed_gives_the_same_sound(kind: str) -> None:
    damages = [damage("audio", kind, 0.5, 0, 2)]
    first, again = in_pieces(damages, voice(2)), in_pieces(damages, voice(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("kind", VISION_KINDS)
def test_the_same_seed_gives_the_same_pictures(kind: str) -> None:
    damages = [damage("vision", kind, 0.5, 0)]
    for first, again in zip(*(shown(damages, pictures(15)) for _ in range(2)), strict=True):
        assert (first is None) == (again is None)
        assert first is None or np.array_equal(first, again)


@pytest.mark.parametrize(
    "kind", ["noise", "babble", "reverberation", "packet_loss", "concealed_loss", "gap", "stuck"]
)
def test_another_seed_gives_another_sound(kind: str) -> None:
    damages = [damage("audio", kind, 0.5, 0, 2)]
    first, other = (in_pieces(damages, voice(2), seed=seed) for seed in (1, 2))
    assert not np.array_equal(first, other, equal_nan=True)


def test_what_comes_after_changes_nothing_for_what_comes_before() -> None:
    alone = in_pieces([damage("audio", "gap", 0.5, 0, 1)], sound(2))
    both = [damage("audio", "gap", 0.5, 0, 1), damage("audio", "gap", 0.5, 1, 2)]
    np.testing.assert_array_equal(in_pieces(both, sound(2))[:SAMPLE_RATE], alone[:SAMPLE_RATE])


def test_damage_is_composed_in_the_order_of_the_list() -> None:
    mute, noise = damage("audio", "mute"), damage("audio", "noise")
    assert in_pieces([mute, noise], sound(3))[SAMPLE_RATE : 2 * SAMPLE_RATE].any()
    assert not in_pieces([noise, mute], sound(3))[SAMPLE_RATE : 2 * SAMPLE_RATE].any()
    images = pictures(45)
    both = shown([damage("vision", "dark"), damage("vision", "freeze", 1, 1.5, 2.5)], images)
    assert both[37] is not None
    assert not both[37].any()


def test_all_kinds_at_once_give_a_picture() -> None:
    kinds = [kind for kind in VISION_KINDS if kind not in ("gap", "frame_rate")]
    images = shown([damage("vision", kind, 0.5, 0) for kind in kinds], pictures(5))
    assert all(isinstance(image, np.ndarray) for image in images)


def test_other_streams_are_left_alone() -> None:
    samples, images = sound(3), pictures(3)
    np.testing.assert_array_equal(in_pieces([damage("vision", "dark", 1, 0)], samples), samples)
    assert shown([damage("audio", "mute", 1, 0)], images)[0] is images[0]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (damage("audio", "mask"), "damage.0.kind = 'mask': audio damage must be one of mute, "),
        (damage("vision", "mute"), "vision damage must be one of cover, mask"),
        (damage("text", "mute"), "text damage must be one of uncertain, drop"),
        (damage("audio", "mute", 1, 5, 5), "damage.0.end = 5.0: must be after start 5.0"),
        (damage("audio", "mute", file="a.wav"), "only these take a file: audio noise"),
        (damage("audio", "noise", file="none.wav"), "'none.wav': must be a sound file or"),
        (damage("vision", "second_face", file="."), "'.': must be a picture"),
    ],
    ids=["unknown", "other-stream", "words", "no-length", "no-file", "missing", "folder"],
)
def test_wrong_damage_is_refused_with_what_is_allowed(wrong: DamageSettings, said: str) -> None:
    with pytest.raises(SettingError) as error:
        check([wrong])
    assert said in str(error.value)
    with pytest.raises(SettingError):
        AudioDamage([wrong], np.random.default_rng(0))


def test_sound_may_begin_anywhere() -> None:
    applied = AudioDamage([damage("audio", "opus", 0.5, 0, None)], np.random.default_rng(0))
    assert applied.apply(voice(0.1), 1_000_000_007 * SECOND).shape == (1600,)


def test_an_empty_piece_stays_empty() -> None:
    nothing = sound(0)
    for kind in AUDIO_KINDS:
        assert in_pieces([damage("audio", kind, 0.5, 0, 1)], nothing).shape == (0,)


def test_the_box_is_that_of_the_landmarks() -> None:
    black: list[Image] = [np.zeros((480, 640, 3), np.uint8)]
    landmarks = np.array([[100, 200], [180, 300]], np.float32)
    masked = shown([damage("vision", "mask", 1, 0)], black, landmarks=landmarks)[0]
    assert masked is not None
    rows, columns = np.nonzero(masked.any(axis=2))
    assert rows.min() == pytest.approx(240, abs=2)
    assert rows.max() == pytest.approx(302, abs=2)
    assert columns.min() == pytest.approx(100, abs=3)
    assert columns.max() == pytest.approx(180, abs=3)
