"""Errors on text as a transcriber makes them."""

from collections import Counter
from pathlib import Path

import jiwer
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.features.words import spoken
from models.training.words.texts import mosei
from models.training.words.transcriber_errors import (
    TranscriberErrors,
    load_confusions,
    skeleton,
)
from models.training.words.whisper_errors import swaps, write
from streamer.errors import SettingError

TEXTS = ["I really like this movie!", "It was a bad pet, but the food is good.", "so sad", ""]


@pytest.fixture(scope="module")
def errors() -> TranscriberErrors:
    return TranscriberErrors.of(TEXTS, load_confusions())


@given(text=st.text(max_size=60), seed=st.integers(0, 99))
@settings(deadline=None)
def test_no_errors_are_the_text_as_spoken(text: str, seed: int) -> None:
    errors = TranscriberErrors.of(TEXTS, {})
    assert errors(text, 0, np.random.default_rng(seed)) == spoken(text)
    heard = errors(text, 1, np.random.default_rng(seed))
    assert heard == " ".join(heard.split())
    assert len(heard.split()) <= 2 * len(spoken(text).split())


def test_the_same_seed_makes_the_same_errors(errors: TranscriberErrors) -> None:
    first, again, other = (
        [errors(TEXTS[1], 0.5, rng) for _ in range(20)]
        for rng in map(np.random.default_rng, (1, 1, 2))
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize("rate", [-0.1, 1.5, float("nan")])
def test_a_rate_that_is_none_is_refused(errors: TranscriberErrors, rate: float) -> None:
    with pytest.raises(SettingError, match="word error rate"):
        errors("good", rate, np.random.default_rng(0))


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize("rate", [0.05, 0.15, 0.3])
def test_the_word_error_rate_is_the_one_asked_for(data_folder: Path, rate: float) -> None:
    errors = TranscriberErrors.of(
        (text.content for text in mosei(data_folder, "train")), load_confusions()
    )
    rng = np.random.default_rng(0)
    said = [text for row in mosei(data_folder, "valid")[:800] if (text := spoken(row.content))]
    measured = jiwer.process_words(said, [errors(text, rate, rng) for text in said])
    assert measured.wer == pytest.approx(rate, rel=0.15)
    assert measured.substitutions > measured.deletions > measured.insertions > 0


def test_a_word_is_taken_for_what_it_was_taken_for() -> None:
    known = {"good": Counter({"could": 10_000})}
    errors = TranscriberErrors.of(["good gut", "bad pet"], known)
    rng = np.random.default_rng(0)
    heard = Counter(errors("good", 1, rng) for _ in range(200))
    assert heard["could"] > 60
    assert set(heard) <= {"could", "good good", "gut", ""}
    heard = Counter(errors("bad", 1, rng) for _ in range(200))
    assert heard["pet"] > 60


def test_words_that_sound_alike_have_one_skeleton() -> None:
    assert skeleton("phone") == skeleton("fun")
    assert skeleton("bad") == skeleton("pet")
    assert skeleton("good") != skeleton("bad")
    assert skeleton("eye") == skeleton("") == ""


def test_swaps_are_read_off_between_the_words_both_have() -> None:
    def pairs(said: str, heard: str) -> list[tuple[str, str]]:
        return swaps(said.split(), heard.split())

    assert pairs("it was almost good", "it was all most could") == []
    assert pairs("it was almost good", "it was all most good") == [("almost", "all most")]
    assert pairs("kids are talking", "kids were walking") == [
        ("are", "were"),
        ("talking", "walking"),
    ]
    assert pairs("one two", "1 two") == []
    assert pairs("same words", "same words") == []


def test_the_table_is_written_as_it_is_read(tmp_path: Path) -> None:
    table = load_confusions()
    assert sum(map(len, table.values())) > 500
    assert all(word not in heard for word, heard in table.items())
    found = Counter({(word, other): n for word, row in table.items() for other, n in row.items()})
    write(found, tmp_path / "again.tsv")
    lines = (tmp_path / "again.tsv").read_text().splitlines()
    assert len(lines) == len(found) + 1
    assert lines == sorted(lines[:1]) + sorted(lines[1:], key=lambda line: line.split("\t")[:2])
