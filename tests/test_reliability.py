import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

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
    RECENT_AUDIO,
    RECENT_FACE,
    WORDS,
    absent,
    audio_evidence,
    combine,
    face_evidence,
    words_evidence,
)
from models.voice_activity import VoiceActivity
from streamer.media import decode_audio
from streamer.packets import (
    FACE_MEASURES,
    SAMPLE_RATE,
    SECOND,
    STREAMS,
    Evidence,
    Flags,
    Floats,
    Stream,
    Window,
    Word,
    Words,
)
from tests.degradation_fixtures import worst

WINDOW = 4 * SAMPLE_RATE
RATE = 15
TABLES = (AUDIO, RECENT_AUDIO, WORDS, FACE, RECENT_FACE)
REASONS = {ramp.reason for table in TABLES for ramp in table.values()}

NOT_KNOWN = np.zeros(0, np.bool_)
AFTER_WORDS = np.arange(20) >= 12
"""Steps of 0.2 s with a voice: those after ``words``, by a pause."""

wild_numbers = st.floats(width=32, allow_nan=True, allow_infinity=True)
shares = st.floats(0, 1)
FAINT = (0, 10, 20, 30, 40, 50)
"""By how many dB."""


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


def faces(count: int = RATE * 4, **changed: float | Floats) -> Floats:
    clean = {"face_size": 180, "sharpness": 50, "blockiness": 1, "brightness": 120}
    columns = [np.broadcast_to((clean | changed).get(m, 0), count) for m in FACE_MEASURES]
    return np.stack(columns, axis=1).astype(np.float32)


def seen(measures: Floats, found: float | Flags = 1.0) -> Evidence:
    """Evidence of a window of 4 s with pictures at even distances, which show a face where they are
    ``found``, or that share of them does, evenly spread."""
    count = len(measures)
    if isinstance(found, float):
        found = np.diff(np.floor(np.arange(count + 1) * found)) > 0
    ages = 4 * (np.arange(count, 0, -1) - 0.5) / max(count, 1)
    return face_evidence(measures, found, ages.astype(np.float32), 4.0, RATE)


def words(text: str = "it was the best of times", probability: float = 0.98) -> tuple[Word, ...]:
    return tuple(
        Word(word, i * SECOND // 3, (i + 1) * SECOND // 3, probability)
        for i, word in enumerate(text.split())
    )


def window(
    said: Sequence[Word],
    age: int = SECOND,
    no_speech: float = 0.1,
    log_probability: float = -0.3,
    compression: float = 1.2,
) -> Window:
    told = Words(7, (), 0, no_speech, log_probability, compression)
    return Window(7, 0, 4 * SECOND, 0, tuple(said), age, told, {})


def heard(
    said: Sequence[Word],
    age: float = 1.0,
    speech_share: float = 0.7,
    spoken: Flags = NOT_KNOWN,
    **figures: float,
) -> Evidence:
    return words_evidence(window(said, round(age * SECOND), **figures), speech_share, spoken)


def together(said: Sequence[Word]) -> list[Word]:
    """All of them as soon as the first."""
    return [replace(word, start=0, end=SECOND) for word in said]


def assert_sane(evidence: Evidence) -> None:
    assert 0 <= evidence.score <= 1
    assert all(math.isfinite(value) for value in evidence.measures.values())
    assert evidence.reason in REASONS if evidence.score < LOW else evidence.reason is None


def assert_never_rises(scores: list[float]) -> None:
    assert scores[0] > 0.8
    assert scores[-1] < 0.5
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
    length=wild_numbers,
    rate=wild_numbers,
    seed=st.integers(0, 9),
    data=st.data(),
)
def test_any_pictures_give_sane_evidence(
    measures: Floats, length: float, rate: float, seed: int, data: st.DataObject
) -> None:
    found = np.random.default_rng(seed).random(len(measures)) < 0.5
    ages = data.draw(arrays.arrays(np.float32, len(measures), elements=wild_numbers))
    assert_sane(face_evidence(measures, found, ages, length, rate))


@given(
    texts=st.lists(st.text(max_size=5), max_size=8),
    figures=st.tuples(wild_numbers, wild_numbers, wild_numbers, wild_numbers, wild_numbers),
    times=st.lists(st.integers(-(2**62), 2**62), min_size=17, max_size=17),
    spoken=arrays.arrays(np.bool_, st.integers(0, 20)),
)
def test_any_words_give_sane_evidence(
    texts: list[str], figures: tuple[float, ...], times: list[int], spoken: Flags
) -> None:
    probability, no_speech, log_probability, compression, share = figures
    said = [Word(text, *times[2 * n : 2 * n + 2], probability) for n, text in enumerate(texts)]
    heard = window(said, times[-1], no_speech, log_probability, compression)
    assert_sane(words_evidence(heard, share, spoken))


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


def test_a_clean_face_is_worth_all() -> None:
    assert seen(faces()) == Evidence(1.0, None, seen(faces()).measures)


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (seen(faces(0)), "no pictures from the camera"),
        (seen(faces(5)), "no pictures from the camera"),
        (seen(faces(), found=0.0), "no face"),
        (seen(faces(), found=0.1), "no face"),
        (seen(faces(unchanged=1)), "picture frozen"),
        (seen(faces(face_size=25)), "face too small"),
        (seen(faces(sharpness=3)), "blurred"),
        (seen(faces(brightness=250, sharpness=900)), "too bright"),
        (seen(faces(blockiness=4)), "coarsely coded picture"),
        (seen(faces(hidden=0.95)), "face covered"),
        (seen(faces(yaw=-65)), "face turned away"),
        (seen(faces(pitch=55)), "face turned away"),
        (seen(faces(pitch=-55)), "face turned away"),
        (seen(faces(second_face=0.9)), "a second face"),
        (seen(faces(lost_contrast=0.7)), "against the light"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_picture_says_why(evidence: Evidence, reason: str) -> None:
    assert evidence.score < 0.5
    assert evidence.reason == reason


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (seen(faces(brightness=10)), "too dark"),
        (seen(faces(brightness=18, sharpness=50 * 0.15**2)), "too dark"),  # and not blurred
        (seen(faces(noise=12)), "noisy picture"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_alone_is_not_the_end_takes_off_a_third(evidence: Evidence, reason: str) -> None:
    """Where it costs more, something else is measured as well: blur, no face, blocks."""
    assert 0.5 < evidence.score < 0.67
    assert evidence.reason == reason


def test_a_face_half_out_of_the_picture_loses_a_fifth() -> None:
    """And all of it where it is no longer found."""
    assert 0.75 < seen(faces(outside=0.4)).score < 0.85


@pytest.mark.parametrize(
    "scores",
    [
        [seen(faces(), found=share).score for share in (1.0, 0.9, 0.7, 0.5, 0.3, 0.0)],
        [seen(faces(count)).score for count in (60, 40, 30, 20, 10, 1)],
        [seen(faces(sharpness=s)).score for s in (300, 50, 20, 10, 4, 0)],
        [seen(faces(yaw=s)).score for s in (0, 20, 40, 50, 60, 90)],
        [seen(faces(second_face=s)).score for s in (0, 0.2, 0.4, 0.6, 0.8, 1.3)],
        [seen(faces(pitch=s)).score for s in (0, 20, 30, 40, 50, 90)],
        [seen(faces(unchanged=np.arange(60) >= 60 - n)).score for n in (0, 2, 5, 10, 60)],
        [seen(faces(unchanged=np.arange(60) % 6 < n)).score for n in (0, 1, 2, 3, 4, 5)],
    ],
    ids=["cover", "gaps", "blur", "turn", "company", "nod", "freeze", "stutter"],
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
        (heard(words(), compression=2.5), "words repeat"),
        (heard(words("thank you. Thank you! thank you, thank you")), "words repeat"),
        (heard(words(), log_probability=math.nan), "uncertain words"),
        (heard(words(), spoken=AFTER_WORDS), "words are missing"),
        (heard(together(words())), "words at the same time"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_words_say_why(evidence: Evidence, reason: str) -> None:
    assert evidence.score < 0.5
    assert evidence.reason == reason


@pytest.mark.parametrize(
    "figure",
    [{"log_probability": -2.5}, {"said": words(probability=0.05)}],
    ids=["log-probability", "word-probability"],
)
def test_uncertain_words_are_worth_less_and_those_doubted_twice_least(
    figure: dict[str, Any],
) -> None:
    evidence = heard(**({"said": words()} | figure))
    assert 0.5 < evidence.score < 0.8
    assert worst(evidence, WORDS, {}) == "uncertain words"
    assert heard(words(probability=0.05), log_probability=-2.5).score < evidence.score - 0.1


def test_words_that_were_said_are_not_missed_where_there_are_some() -> None:
    whole = heard(words(), spoken=np.arange(20) < 10)
    assert (whole.score, whole.measures["unworded_share"]) == (1, 0)
    assert heard(words(), spoken=AFTER_WORDS).measures["unspoken_share"] == 1
    # What is not yet final may still come.
    assert "unworded_share" not in heard(words(), age=2.0, spoken=np.arange(20) >= 12).measures


def test_rhetoric_is_not_taken_for_a_loop() -> None:
    evidence = heard(words("it was the best of times, it was the worst of times"))
    assert (evidence.score, evidence.reason) == (1, None)


def test_an_absent_stream_is_worth_nothing() -> None:
    assert absent("camera is off") == Evidence(0, "camera is off", {})
    for stream in STREAMS:
        assert combine(stream, 0.9, absent("camera is off")) == 0


@given(st.sampled_from(STREAMS), shares, shares, shares, shares)
def test_reliability_rises_with_both_its_sources(
    stream: Stream, model: float, more: float, score: float, better: float
) -> None:
    low, high = sorted((model, more))
    evidence, best = (Evidence(part, None, {}) for part in sorted((score, better)))
    assert 0 <= combine(stream, low, evidence) <= combine(stream, high, evidence) <= evidence.score
    assert combine(stream, low, evidence) <= combine(stream, low, best)
    assert combine(stream, 0, evidence) == 0


@pytest.mark.parametrize("stream", STREAMS)
def test_what_the_network_makes_of_clean_signals_leaves_the_evidence_as_it_is(
    stream: Stream,
) -> None:
    assert combine(stream, 1, Evidence(0.6, None, {})) == 0.6
    assert combine(stream, 0.1, Evidence(0.6, None, {})) < 0.5


@pytest.mark.parametrize("model", [math.nan, -1.0])
def test_a_model_that_gives_no_share_is_not_trusted(model: float) -> None:
    assert combine("audio", model, Evidence(1, None, {})) == 0


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
