import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from models.degradation import speech_shaped_noise
from models.reliability import (
    AUDIO,
    FACE,
    LOW,
    WORDS,
    absent,
    audio_evidence,
    combine,
    face_evidence,
    words_evidence,
)
from models.voice_activity import VoiceActivity
from streamer.media import decode_audio
from streamer.packets import FACE_MEASURES, SAMPLE_RATE, SECOND, Evidence, Floats, Word

WINDOW = 4 * SAMPLE_RATE
REASONS = {ramp.reason for table in (AUDIO, WORDS, FACE) for ramp in table.values()}

wild_numbers = st.floats(width=32, allow_nan=True, allow_infinity=True)
severities = st.floats(0, 1, width=32)


def talk(pauses: bool = True, seed: int = 0) -> tuple[Floats, Floats]:
    """Sound with the rhythm of speech, four syllables a second over quiet room noise, and the
    voice activity of it."""
    rng = np.random.default_rng(seed)
    time = np.arange(WINDOW) / SAMPLE_RATE
    syllables = np.clip(np.sin(2 * np.pi * 4 * time) + 0.3, 0, 1)
    phrases = (time % 2 < 1.5) if pauses else np.ones(WINDOW, bool)
    voice = speech_shaped_noise(WINDOW, rng) * syllables * phrases
    samples = 0.05 * voice + 0.0003 * rng.standard_normal(WINDOW)
    return samples.astype(np.float32), phrases[160::320].astype(np.float32)


def faces(count: int = 60, **changed: float | Floats) -> Floats:
    clean = {"face_size": 180, "sharpness": 50, "blockiness": 1, "brightness": 120}
    columns = [np.broadcast_to((clean | changed).get(m, 0), count) for m in FACE_MEASURES]
    return np.stack(columns, axis=1).astype(np.float32)


def seen(measures: Floats, found: float = 1.0, expected: float = 60) -> Evidence:
    """Evidence of pictures of which the first ``found`` share shows a face."""
    flags = np.arange(len(measures)) < found * len(measures)
    return face_evidence(measures, flags, expected)


def words(text: str = "it was the best of times", probability: float = 0.9) -> tuple[Word, ...]:
    return tuple(
        Word(word, i * SECOND // 3, (i + 1) * SECOND // 3, probability)
        for i, word in enumerate(text.split())
    )


def heard(
    said: tuple[Word, ...],
    age: float = 1.0,
    no_speech: float = 0.1,
    log_probability: float = -0.3,
    compression: float = 1.2,
    speech_share: float = 0.7,
) -> Evidence:
    return words_evidence(
        said, round(age * SECOND), no_speech, log_probability, compression, speech_share
    )


def assert_sane(evidence: Evidence) -> None:
    assert 0 <= evidence.score <= 1
    assert all(math.isfinite(value) for value in evidence.measures.values())
    assert evidence.reason in REASONS if evidence.score < LOW else evidence.reason is None


def assert_never_rises(scores: list[float]) -> None:
    assert scores[0] > 0.8
    assert scores[-1] < LOW
    assert all(later <= before + 0.02 for before, later in pairwise(scores))


@given(
    samples=arrays.arrays(np.float32, st.integers(0, 2000), elements=wild_numbers),
    speech=arrays.arrays(np.float32, st.integers(0, 20), elements=wild_numbers),
)
def test_any_sound_gives_sane_evidence(samples: Floats, speech: Floats) -> None:
    assert_sane(audio_evidence(samples, speech))


@given(
    measures=arrays.arrays(
        np.float32,
        st.tuples(st.integers(0, 20), st.just(len(FACE_MEASURES))),
        elements=wild_numbers,
    ),
    expected=wild_numbers,
    seed=st.integers(0, 9),
)
def test_any_pictures_give_sane_evidence(measures: Floats, expected: float, seed: int) -> None:
    found = np.random.default_rng(seed).random(len(measures)) < 0.5
    assert_sane(face_evidence(measures, found, expected))


@given(
    texts=st.lists(st.text(max_size=5), max_size=8),
    figures=st.tuples(wild_numbers, wild_numbers, wild_numbers, wild_numbers, wild_numbers),
    age=st.integers(-(2**62), 2**62),
)
def test_any_words_give_sane_evidence(
    texts: list[str], figures: tuple[float, ...], age: int
) -> None:
    probability, no_speech, log_probability, compression, share = figures
    said = [Word(text, 0, 1, probability) for text in texts]
    assert_sane(words_evidence(said, age, no_speech, log_probability, compression, share))


@pytest.mark.parametrize(
    ("samples", "speech", "reason"),
    [
        (np.full(WINDOW, np.nan), 0.9, "no sound from the microphone"),
        (np.zeros(0), 0.9, "no sound from the microphone"),
        (np.zeros(WINDOW), 0.0, "silent or muted microphone"),
        (np.full(WINDOW, 0.25), 0.0, "silent or muted microphone"),
        (talk()[0], 0.0, "no speech"),
        (talk()[0] / 1000 + 1e-4 * np.sin(np.arange(WINDOW)), 0.9, "too quiet"),
    ],
    ids=["missing", "empty", "zeros", "constant", "nobody-speaks", "quiet"],
)
def test_dead_sound_is_worth_nothing_and_says_why(
    samples: Floats, speech: float, reason: str
) -> None:
    evidence = audio_evidence(samples.astype(np.float32), np.full(200, speech, np.float32))
    assert (evidence.score, evidence.reason) == (0, reason)


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


def test_a_clean_face_is_worth_all() -> None:
    assert seen(faces()) == Evidence(1.0, None, seen(faces()).measures)


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (seen(faces(0)), "no pictures from the camera"),
        (seen(faces(5)), "no pictures from the camera"),
        (seen(faces(), found=0), "no face"),
        (seen(faces(unchanged=1)), "picture frozen"),
        (seen(faces(face_size=25)), "face too small"),
        (seen(faces(sharpness=3)), "blurred"),
        (seen(faces(brightness=10)), "too dark"),
        (seen(faces(brightness=250, sharpness=900)), "too bright"),
        (seen(faces(noise=9)), "noisy picture"),
        (seen(faces(blockiness=4)), "coarsely coded picture"),
        (seen(faces(hidden=0.95)), "face covered"),
        (seen(faces(yaw=-65)), "face turned away"),
        (seen(faces(pitch=55)), "face turned away"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_picture_says_why(evidence: Evidence, reason: str) -> None:
    assert evidence.score < LOW / 2
    assert evidence.reason == reason


def test_a_dark_face_is_not_called_blurred() -> None:
    light = 0.15
    evidence = seen(faces(brightness=120 * light, sharpness=50 * light**2))
    assert evidence.reason == "too dark"


@pytest.mark.parametrize(
    "scores",
    [
        [seen(faces(), found=share).score for share in (1, 0.9, 0.7, 0.5, 0.3, 0)],
        [seen(faces(count)).score for count in (60, 40, 30, 20, 10, 1)],
        [seen(faces(sharpness=s)).score for s in (300, 50, 20, 10, 4, 0)],
        [seen(faces(yaw=s)).score for s in (0, 20, 40, 50, 60, 90)],
        [seen(faces(unchanged=np.arange(60) < n)).score for n in (0, 20, 40, 50, 60)],
    ],
    ids=["cover", "gaps", "blur", "turn", "freeze"],
)
def test_pictures_are_worth_less_the_more_they_are_damaged(scores: list[float]) -> None:
    assert_never_rises(scores)


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (heard(()), "no words"),
        (heard((), speech_share=0), "no speech"),
        (heard(words(), speech_share=0), "no speech"),
        (heard(words(), age=7), "words are late"),
        (heard(words(), no_speech=0.97), "probably no speech"),
        (heard(words(), log_probability=-1.5), "uncertain words"),
        (heard(words(probability=0.1)), "uncertain words"),
        (heard(words(), compression=2.5), "words repeat"),
        (heard(words("thank you. Thank you! thank you, thank you")), "words repeat"),
        (heard(words(), log_probability=math.nan), "uncertain words"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_words_say_why(evidence: Evidence, reason: str) -> None:
    assert evidence.score < LOW
    assert evidence.reason == reason


def test_rhetoric_is_not_taken_for_a_loop() -> None:
    evidence = heard(words("it was the best of times, it was the worst of times"))
    assert (evidence.score, evidence.reason) == (1, None)


def test_an_absent_stream_is_worth_nothing() -> None:
    assert absent("camera is off") == Evidence(0, "camera is off", {})
    assert combine(0.9, absent("camera is off")) == 0


@given(severities, severities, severities)
def test_reliability_rises_with_both_its_sources(model: float, more: float, score: float) -> None:
    low, high = sorted((model, more))
    evidence, better = Evidence(score, None, {}), Evidence(max(score, 0.5), None, {})
    assert 0 <= combine(low, evidence) <= combine(high, evidence) <= 1
    assert combine(low, evidence) <= combine(low, better)
    assert combine(0, evidence) == 0


def test_a_model_that_gives_no_number_is_not_trusted() -> None:
    assert combine(math.nan, Evidence(1, None, {})) == 0


@settings(deadline=None, max_examples=5)
@given(seed=st.integers(0, 99))
def test_the_samples_given_are_left_as_they_are(seed: int) -> None:
    samples, speech = talk(seed=seed)
    samples[:100] = np.nan
    before = samples.copy()
    audio_evidence(samples, speech)
    np.testing.assert_array_equal(samples, before)


@pytest.mark.parametrize("clip", ["jfk.flac", "talking_head_en_8s.mp4", "grid_swiz3n.mpg"])
def test_clean_recordings_are_trusted(data_folder: Path, clip: str) -> None:
    path = data_folder / "clips" / clip
    samples = np.concatenate([chunk.samples for chunk in decode_audio(str(path))])
    samples = samples[: len(samples) // 320 * 320]
    speech = VoiceActivity()(samples)
    for start in range(0, max(1, len(samples) - WINDOW + 1), SAMPLE_RATE // 2):
        part = slice(start, start + WINDOW)
        evidence = audio_evidence(samples[part], speech[start // 320 : (start + WINDOW) // 320])
        assert evidence.score > 0.8, evidence
