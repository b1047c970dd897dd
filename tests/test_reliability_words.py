"""What words are worth, the less can be said for them."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from models.reliability import WORDS, words_evidence
from streamer.packets import Evidence, Flags, Word
from tests.degradation_fixtures import worst
from tests.evidence_fixtures import assert_sane, heard, together, wild_numbers, window, words

AFTER_WORDS = np.arange(20) >= 12
"""Steps of 0.2 s with a voice: those after ``words``, by a pause."""


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
