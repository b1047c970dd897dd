"""Windows of made-up sound, pictures and words, and what their evidence must be."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from models.degradation import speech_shaped_noise
from models.reliability import (
    AUDIO,
    FACE,
    LOW,
    RECENT_AUDIO,
    RECENT_FACE,
    WORDS,
    face_evidence,
    words_evidence,
)
from streamer.packets import (
    FACE_MEASURES,
    SAMPLE_RATE,
    SECOND,
    Evidence,
    Flags,
    Floats,
    Window,
    Word,
    Words,
)

WINDOW = 4 * SAMPLE_RATE
RATE = 15
TABLES = (AUDIO, RECENT_AUDIO, WORDS, FACE, RECENT_FACE)
REASONS = {ramp.reason for table in TABLES for ramp in table.values()}
NOT_KNOWN = np.zeros(0, np.bool_)

wild_numbers = st.floats(width=32, allow_nan=True, allow_infinity=True)


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
