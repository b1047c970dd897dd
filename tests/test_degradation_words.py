"""What each kind of damage does to words."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.degradation import KINDS
from models.degradation.words import SLOT
from streamer.packets import SECOND, Word, Words
from tests.degradation_fixtures import damage, heard, spoken

HOPS = range(40)
WORDS = tuple(Word(f"word{index}", index * SLOT, (index + 1) * SLOT, 0.8) for index in range(60))
KINDS_OF_WORDS = sorted(KINDS["text"])


def all_words(packets: list[Words]) -> list[Word]:
    return [word for packet in packets for word in packet.words]


def damaged(kind: str, severity: float, start: float = 0, end: float | None = None) -> list[Words]:
    return heard([damage("text", kind, severity, start, end)], spoken(WORDS, HOPS))


@pytest.mark.parametrize("kind", KINDS_OF_WORDS)
def test_words_are_touched_only_inside_the_stretch(kind: str) -> None:
    words = all_words(damaged(kind, 1, 5, 8))
    outside = [word for word in words if not 5 * SECOND <= word.start < 8 * SECOND]
    assert outside == [word for word in WORDS if not 5 * SECOND <= word.start < 8 * SECOND]
    assert words != list(WORDS)


@pytest.mark.parametrize("kind", KINDS_OF_WORDS)
def test_severity_zero_leaves_words_alone(kind: str) -> None:
    packets = spoken(WORDS, HOPS)
    assert heard([damage("text", kind, 0, 0, None)], packets) == packets


@pytest.mark.parametrize("kind", KINDS_OF_WORDS)
@given(severity=st.floats(0.01, 1), ends=st.sets(st.integers(0, 39)))
@settings(max_examples=20, deadline=None)
def test_it_makes_no_difference_when_words_become_final(
    kind: str, severity: float, ends: set[int]
) -> None:
    often = damaged(kind, severity, 1.5, 17.2)
    seldom = heard([damage("text", kind, severity, 1.5, 17.2)], spoken(WORDS, sorted(ends | {39})))
    assert all_words(seldom) == all_words(often)


@pytest.mark.parametrize("kind", KINDS_OF_WORDS)
@given(severity=st.floats(0.01, 1))
@settings(max_examples=20, deadline=None)
def test_words_stay_in_order_and_final(kind: str, severity: float) -> None:
    packets = damaged(kind, severity)
    assert all(a.start <= b.start for a, b in pairwise(all_words(packets)))
    for packet in packets:
        assert all(word.end <= packet.final_until for word in packet.words)
        assert all(0 < word.probability <= 1 for word in packet.words)


@pytest.mark.parametrize(("kind", "sign"), [("drop", -1), ("invent", 1), ("uncertain", 0)])
def test_the_more_severe_the_more_words_change(kind: str, sign: int) -> None:
    counts = [len(all_words(damaged(kind, severity))) for severity in (0.1, 0.4, 0.7, 1.0)]
    assert counts == sorted(counts, reverse=sign < 0)
    assert counts[-1] == len(WORDS) * (1 + sign)


def test_more_dropped_words_contain_the_fewer() -> None:
    few, many = (set(all_words(damaged("drop", severity))) for severity in (0.3, 0.6))
    assert many < few < set(WORDS)


def test_uncertain_words_are_the_same_but_less_likely() -> None:
    clean, unsure = spoken(WORDS, HOPS), damaged("uncertain", 0.5, 0, 10)
    assert [word.text for word in all_words(unsure)] == [word.text for word in WORDS]
    assert unsure[0].words[0].probability == pytest.approx(0.4)
    assert unsure[0].log_probability == pytest.approx(clean[0].log_probability - 1)
    assert unsure[-1] == clean[-1]


def test_words_are_invented_where_nobody_speaks() -> None:
    silence = heard([damage("text", "invent", 0.5, 0, None)], spoken((), HOPS))
    invented = all_words(silence)
    assert len(invented) == pytest.approx(30, abs=10)
    assert all(word.probability == 0.9 for word in invented)
    assert not all_words(heard([damage("audio", "mute", 1, 0)], spoken((), HOPS)))
