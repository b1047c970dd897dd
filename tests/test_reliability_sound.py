"""What sound is worth, the worse it gets."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from models.degradation import speech_shaped_noise
from models.reliability import AUDIO, RECENT_AUDIO, audio_evidence
from models.voice_activity import VoiceActivity
from streamer.media import decode_audio
from streamer.packets import SAMPLE_RATE, Evidence, Floats
from tests.degradation_fixtures import worst
from tests.evidence_fixtures import (
    WINDOW,
    assert_never_rises,
    assert_sane,
    talk,
    wild_numbers,
)

FAINT = (0, 10, 20, 30, 40, 50)
"""By how many dB."""


@given(
    samples=arrays.arrays(np.float32, st.integers(0, 2000), elements=wild_numbers),
    speech=arrays.arrays(np.float32, st.integers(0, 20), elements=wild_numbers),
)
def test_any_sound_gives_sane_evidence(samples: Floats, speech: Floats) -> None:
    assert_sane(audio_evidence(samples, speech))


@pytest.mark.parametrize(
    ("samples", "speech", "reason"),
    [
        (np.full(WINDOW, np.nan), 0.9, "no sound from the microphone"),
        (np.zeros(0), 0.9, "no sound from the microphone"),
        (np.zeros(WINDOW), 0.0, "silent or muted microphone"),
        (np.full(WINDOW, 0.25), 0.0, "silent or muted microphone"),
        (talk()[0], 0.0, "no speech"),
    ],
    ids=["missing", "empty", "zeros", "constant", "nobody-speaks"],
)
def test_dead_sound_is_worth_nothing_and_says_why(
    samples: Floats, speech: float, reason: str
) -> None:
    evidence = audio_evidence(samples.astype(np.float32), np.full(200, speech, np.float32))
    assert (evidence.score, evidence.reason) == (0, reason)


def test_faint_sound_is_worth_little_and_says_why() -> None:
    samples, speech = talk()
    results = [audio_evidence(samples * np.float32(10 ** (-down / 20)), speech) for down in FAINT]
    assert_never_rises([result.score for result in results])
    assert results[-1].score < 0.25
    # Its pauses are below the last bit.
    assert results[-1].reason in ("too quiet", "silent or muted microphone")


def test_a_buffer_that_sticks_is_worth_nothing_within_a_second() -> None:
    """One that stuck for a moment, seconds ago, is worth most of what it was."""
    samples, speech = talk()
    clean = audio_evidence(samples, speech).score
    stuck = WINDOW - 7 * SAMPLE_RATE // 10
    held = np.resize(samples[stuck - SAMPLE_RATE // 50 : stuck], WINDOW - stuck)
    evidence = audio_evidence(np.concatenate([samples[:stuck], held]), speech)
    assert (evidence.score, evidence.reason) == (pytest.approx(0, abs=0.05), "sound is stuck")
    short = np.concatenate([held[: SAMPLE_RATE // 10], samples[: WINDOW - SAMPLE_RATE // 10]])
    assert audio_evidence(short, speech).score > clean - 0.35


@pytest.mark.parametrize("pauses", [True, False], ids=["pauses", "continuous"])
def test_sound_is_worth_less_the_more_noise_it_holds(pauses: bool) -> None:
    samples, speech = talk(pauses)
    noise = speech_shaped_noise(WINDOW, np.random.default_rng(1))
    levels = (0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
    results = [audio_evidence(samples + np.float32(level) * noise, speech) for level in levels]
    assert_never_rises([result.score for result in results])
    assert results[-1].reason == "noise"


def test_sound_is_worth_less_the_more_of_it_is_missing() -> None:
    samples, speech = talk()
    order = np.random.default_rng(2).permutation(WINDOW // 1600)
    scores = []
    for lost in (0, 2, 5, 10, 15, 20, 30):
        holes = samples.copy()
        holes.reshape(-1, 1600)[order[:lost]] = np.nan
        scores.append(audio_evidence(holes, speech).score)
    assert_never_rises(scores)


def test_sound_is_worth_less_the_more_it_is_clipped() -> None:
    samples, speech = talk()
    results = [
        audio_evidence(np.clip(samples * np.float32(gain), -1, 1), speech)
        for gain in (1, 3, 6, 10, 20, 50, 100)
    ]
    assert_never_rises([result.score for result in results])
    assert results[-1].reason == "overdriven microphone"


def test_a_mute_shows_after_a_second_and_is_over_within_a_window() -> None:
    samples, speech = talk()
    for muted in (WINDOW - SAMPLE_RATE, WINDOW - 2 * SAMPLE_RATE):
        ending = np.where(np.arange(WINDOW) < muted, samples, 0)
        assert audio_evidence(ending, speech).score <= 0.5
    beginning = np.where(np.arange(WINDOW) > 2 * SAMPLE_RATE, samples, 0)
    assert audio_evidence(beginning, speech).score > 0.8


@settings(deadline=None, max_examples=5)
@given(seed=st.integers(0, 99))
def test_the_samples_given_are_left_as_they_are(seed: int) -> None:
    samples, speech = talk(seed=seed)
    samples[:100] = np.nan
    before = samples.copy()
    audio_evidence(samples, speech)
    np.testing.assert_array_equal(samples, before)


def recorded(path: Path) -> list[Evidence]:
    """Evidence of a window every half second of a recording."""
    samples = np.concatenate([chunk.samples for chunk in decode_audio(str(path))])
    samples = samples[: len(samples) // 320 * 320]
    speech = VoiceActivity()(samples)
    starts = range(0, max(1, len(samples) - WINDOW + 1), SAMPLE_RATE // 2)
    return [
        audio_evidence(
            samples[start : start + WINDOW], speech[start // 320 : (start + WINDOW) // 320]
        )
        for start in starts
    ]


@pytest.mark.parametrize("clip", ["talking_head_en_8s.mp4", "grid_swiz3n.mpg", "grid_bbaf2n.mpg"])
def test_clean_recordings_are_trusted(data_folder: Path, clip: str) -> None:
    for evidence in recorded(data_folder / "clips" / clip):
        assert evidence.score > 0.8, evidence


def test_an_old_recording_is_called_what_it_is(data_folder: Path) -> None:
    """Of 1961, out of doors: nothing above 7 kHz, and a crowd."""
    found = recorded(data_folder / "clips" / "jfk.flac")
    faults = {worst(evidence, AUDIO, RECENT_AUDIO) for evidence in found}
    assert faults == {"narrow band", "noise"}
    assert 0.5 < np.mean([evidence.score for evidence in found]) < 0.8
