"""Whatever a packet of faces, voices or words holds: sane windows, or one line why not."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.degradation import KINDS, WordsDamage
from models.features.face_reader import LOOK_SIZE
from models.reliability import face_evidence, words_evidence
from streamer.packets import (
    FACE_MEASURES,
    SECOND,
    FaceFrames,
    Flags,
    Stream,
    VoiceFrames,
    Window,
    Word,
    Words,
)
from streamer.settings import WindowSettings
from streamer.windows import WindowAssembler
from tests.degradation_fixtures import HOP, damage
from tests.test_bad_features import EVERY, LOOKS, STEPS, SURE, assert_within, estimator
from tests.test_windows import FACE

SETTINGS = WindowSettings(length=4.0, hop=0.5, deadline=0.3)


def faces(hop: int, **changed: Any) -> FaceFrames:
    times = hop * HOP + np.arange(7, dtype=np.int64) * (HOP // 7)
    whole = {
        "captured_at": times,
        "features": LOOKS[:7],
        "found": EVERY[:7],
        "measures": np.tile(FACE, (7, 1)),
    }
    return FaceFrames(hop, **(whole | changed))


def windows_of(*packets: FaceFrames | VoiceFrames, rate: float = 14.0) -> list[Window]:
    stream: Stream = "vision" if isinstance(packets[0], FaceFrames) else "audio"
    assembler = WindowAssembler(SETTINGS, (stream,), rate, deadline=None)
    for packet in packets:
        assembler.add(packet)
    return [item for item in assembler.ready(0) if isinstance(item, Window)]


@pytest.mark.parametrize(
    "changed",
    [
        {"features": np.full((7, LOOK_SIZE), np.nan, np.float32)},
        {"features": np.full((7, LOOK_SIZE), 1e37, np.float32)},
        {"measures": np.full((7, len(FACE_MEASURES)), np.nan, np.float32)},
        {"measures": np.full((7, len(FACE_MEASURES)), np.inf, np.float32)},
        {"captured_at": np.full(7, -(10**18))},
        {"captured_at": np.full(7, 10**18)},
        {"found": np.zeros(7, np.bool_)},
    ],
    ids=["no numbers", "huge", "unmeasured", "infinite", "long ago", "to come", "nobody"],
)
def test_odd_faces_make_windows_with_evidence(changed: dict[str, Any]) -> None:
    with np.errstate(all="ignore"):
        found = windows_of(faces(0), faces(1, **changed), faces(2))
        assert len(found) == 3
        for item in found:
            assert_within(estimator().estimate(item))


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf])
def test_a_rate_that_is_none_reads_zero(rate: float) -> None:
    (found,) = windows_of(faces(0), rate=rate)
    assert found.streams["vision"].evidence.score == 0


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"features": LOOKS[:5]}, r"face features \(5, 87\) float32: must be \(7, 87\) floats"),
        ({"features": LOOKS[:7, :3]}, r"face features .* must be \(7, 87\)"),
        ({"measures": np.zeros((7, 4), np.float32)}, r"measures .* must be \(7, 12\)"),
        ({"found": np.ones(7)}, "found .* flags"),
        ({"captured_at": np.linspace(0, 1, 7)}, "captured_at .* whole numbers"),
    ],
)
def test_a_packet_of_another_shape_is_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        windows_of(faces(0), faces(1, **changed))


@pytest.mark.parametrize("mask", [EVERY[:5], np.ones(20)], ids=["short", "floats"])
def test_a_voice_whose_mask_does_not_fit_is_refused(mask: Flags) -> None:
    with pytest.raises(ValueError, match="voice mask"):
        windows_of(VoiceFrames(0, STEPS, mask, SURE))


@pytest.mark.parametrize("kind", KINDS["text"])
@given(
    probability=st.floats(),
    figures=st.tuples(st.floats(), st.floats(), st.floats()),
    times=st.tuples(*[st.integers(-(10**12), 10**12)] * 3),
)
@settings(max_examples=20)
def test_damage_takes_odd_words(
    kind: str, probability: float, figures: tuple[float, float, float], times: tuple[int, int, int]
) -> None:
    start, end, until = times
    words = Words(3, (Word("so", start, end, probability),), until, *figures)
    spoilt = WordsDamage([damage("text", kind, 0.7, 0, None)], np.random.default_rng(0), HOP)
    said = spoilt.apply(words)
    window = Window(3, 0, 2 * SECOND, 0, said.words, 0, said, {})
    assert 0 <= words_evidence(window, 1.0, EVERY[:10]).score <= 1


def test_pictures_and_measures_must_fit() -> None:
    measures = np.zeros((60, len(FACE_MEASURES)), np.float32)
    flags = np.ones(60, np.bool_)
    ages = np.linspace(4, 0, 60, dtype=np.float32)
    assert 0 <= face_evidence(measures, flags, ages, 4, 15).score <= 1
    for bad, found, times in (
        (measures[:, :4], flags, ages), (measures[:5], flags, ages), (measures[0], flags, ages),
        (measures, flags.astype(int), ages), (measures.astype(object), flags, ages),
        (measures, flags, ages[:5]), (measures, flags, flags), (measures, flags, ages[None]),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="must be"):
            face_evidence(bad, found, times, 4, 15)
