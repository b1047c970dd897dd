from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.degradation import KINDS, AudioDamage, VideoDamage, check, speech_shaped_noise
from streamer.errors import SettingError
from streamer.packets import SAMPLE_RATE, SECOND, Floats, Image
from streamer.settings import DamageSettings

AUDIO_KINDS = sorted(KINDS["audio"])
VISION_KINDS = sorted(KINDS["vision"])
FRAME_RATE = 15


def damage(
    stream: str, kind: str, severity: float = 1.0, start: float = 1, end: float = 2
) -> DamageSettings:
    return DamageSettings.model_validate(
        {"stream": stream, "kind": kind, "severity": severity, "start": start, "end": end}
    )


def sound(seconds: float, seed: int = 0) -> Floats:
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal(round(seconds * SAMPLE_RATE))).astype(np.float32)


def in_pieces(damages: list[DamageSettings], samples: Floats, cuts: list[int]) -> Floats:
    applied = AudioDamage(damages, np.random.default_rng(7))
    edges = [0, *sorted(cuts), len(samples)]
    return np.concatenate(
        [applied.apply(samples[a:b], a * SECOND // SAMPLE_RATE) for a, b in pairwise(edges)]
    )


def pictures(count: int) -> list[Image]:
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(count)]


def shown(damages: list[DamageSettings], images: list[Image]) -> list[Image | None]:
    applied = VideoDamage(damages, np.random.default_rng(7))
    return [
        applied.apply(image, index * SECOND // FRAME_RATE) for index, image in enumerate(images)
    ]


@pytest.mark.parametrize("kind", AUDIO_KINDS)
def test_sound_is_touched_only_inside_the_stretch(kind: str) -> None:
    samples = sound(3)
    result = in_pieces([damage("audio", kind)], samples, [])
    changed = np.flatnonzero(~(result == samples))
    assert changed.min() == SAMPLE_RATE
    assert changed.max() == 2 * SAMPLE_RATE - 1


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
    assert changed == list(range(15, 30))


@pytest.mark.parametrize("kind", AUDIO_KINDS)
@given(cuts=st.lists(st.integers(0, 3 * SAMPLE_RATE), max_size=8), severity=st.floats(0.01, 1))
@settings(max_examples=15, deadline=None)
def test_the_cut_of_the_sound_makes_no_difference(
    kind: str, cuts: list[int], severity: float
) -> None:
    samples = sound(3)
    damages = [damage("audio", kind, severity, 0.7), damage("audio", "noise", 0.5, 1.5, 2.5)]
    whole = in_pieces(damages, samples, [])
    np.testing.assert_array_equal(in_pieces(damages, samples, cuts), whole)


@pytest.mark.parametrize("kind", AUDIO_KINDS)
def test_severity_zero_leaves_sound_alone(kind: str) -> None:
    samples = sound(3)
    np.testing.assert_array_equal(in_pieces([damage("audio", kind, 0)], samples, [500]), samples)


@pytest.mark.parametrize("kind", VISION_KINDS)
def test_severity_zero_leaves_pictures_alone(kind: str) -> None:
    images = pictures(30)
    for before, after in zip(images, shown([damage("vision", kind, 0)], images), strict=True):
        assert after is before


def test_mute_is_silence() -> None:
    assert not in_pieces([damage("audio", "mute")], sound(3), [])[
        SAMPLE_RATE : 2 * SAMPLE_RATE
    ].any()


@pytest.mark.parametrize("gain", [0.03, 0.3, 1.0])
@pytest.mark.parametrize(("severity", "decibels"), [(0.25, 20), (0.5, 10), (0.75, 0)])
def test_noise_has_its_ratio_to_the_sound_however_loud(
    gain: float, severity: float, decibels: float
) -> None:
    samples = sound(20) * np.float32(gain)
    noisy = in_pieces([damage("audio", "noise", severity, 18, 20)], samples, [])
    added = (noisy - samples)[18 * SAMPLE_RATE :]
    ratio = 10 * np.log10(np.mean(samples**2) / np.mean(added**2))
    assert ratio == pytest.approx(decibels, abs=1)


@given(severity=st.floats(0.05, 1))
@settings(max_examples=10, deadline=None)
def test_gaps_lose_as_much_as_the_severity_says(severity: float) -> None:
    lost = np.isnan(in_pieces([damage("audio", "gap", severity, 0, 60)], sound(60), []))
    assert lost.mean() == pytest.approx(severity, abs=0.1)


def test_more_severe_gaps_contain_the_lesser_ones() -> None:
    few, many = (
        np.isnan(in_pieces([damage("audio", "gap", severity, 0, 20)], sound(20), []))
        for severity in (0.3, 0.6)
    )
    assert few.any()
    assert not (few & ~many).any()


def test_clipping_crowds_samples_at_full_scale() -> None:
    result = in_pieces([damage("audio", "clip", 0.7)], sound(3), [])
    assert (np.abs(result[SAMPLE_RATE : 2 * SAMPLE_RATE]) == 1).mean() > 0.3


@pytest.mark.parametrize(("severity", "share"), [(0.2, 0.06), (0.5, 0.39), (1.0, 1.0)])
def test_cover_hides_the_documented_share_of_the_picture(severity: float, share: float) -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    covered = shown([damage("vision", "cover", severity, 0)], [image])[0]
    assert covered is not None
    assert covered.any(axis=2).mean() == pytest.approx(share, abs=0.02)


def _deviation(image: Image) -> float:
    return float(image.std())


def _brightness(image: Image) -> float:
    return float(image.mean())


@pytest.mark.parametrize(("kind", "measure"), [("blur", _deviation), ("dark", _brightness)])
def test_the_picture_loses_more_the_more_severe(
    kind: str, measure: Callable[[Image], float]
) -> None:
    image = pictures(1)[0]
    values = []
    for severity in (0.0, 0.25, 0.5, 0.75, 1.0):
        result = shown([damage("vision", kind, severity, 0)], [image])[0]
        assert result is not None
        values.append(measure(result))
    assert values == sorted(values, reverse=True)
    assert values[-1] < values[0] / 4


def test_freeze_repeats_the_last_picture_before_it() -> None:
    images = pictures(45)
    assert all(image is images[14] for image in shown([damage("vision", "freeze")], images)[15:30])


def test_what_comes_first_in_the_list_is_done_first() -> None:
    images = pictures(45)
    both = shown([damage("vision", "dark"), damage("vision", "freeze", 1, 1.5, 2.5)], images)
    assert both[37] is not None
    assert not both[37].any()


def test_other_streams_are_left_alone() -> None:
    samples, images = sound(3), pictures(3)
    assert in_pieces([damage("vision", "dark", 1, 0)], samples, []) is not None
    np.testing.assert_array_equal(in_pieces([damage("vision", "dark", 1, 0)], samples, []), samples)
    assert shown([damage("audio", "mute", 1, 0)], images)[0] is images[0]


def test_noise_can_be_looped_without_a_seam() -> None:
    noise = speech_shaped_noise(4096, np.random.default_rng(0))
    assert abs(noise[0] - noise[-1]) < 4 * np.abs(np.diff(noise)).std()
    assert np.sqrt(np.mean(noise**2)) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            damage("audio", "echo"),
            "damage.0.kind = 'echo': audio damage must be one of mute, noise",
        ),
        (damage("vision", "mute"), "vision damage must be one of cover, dark"),
        (damage("audio", "mute", 1, 5, 5), "damage.0.end = 5.0: must be after start 5.0"),
    ],
    ids=["unknown", "other-stream", "no-length"],
)
def test_wrong_damage_is_refused_with_what_is_allowed(wrong: DamageSettings, said: str) -> None:
    with pytest.raises(SettingError) as error:
        check([wrong])
    assert said in str(error.value)
    with pytest.raises(SettingError):
        AudioDamage([wrong], np.random.default_rng(0))
