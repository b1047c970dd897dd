"""Figures of the reliability study, on sessions of which the right answers are known."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from models.study.reliability.cases import Case, pair
from models.study.reliability.courses import Course, load, save
from models.study.reliability.fused import fused
from models.study.reliability.levels import clean as clean_levels
from models.study.reliability.levels import levels
from models.study.reliability.naming import cross_talk, fallen_most, named
from models.study.reliability.people import People
from models.study.reliability.reaction import mean_course, react, reactions
from streamer.packets import STREAMS
from tests.reliability_fixtures import (
    BOOTSTRAP,
    END,
    ENDS,
    HOP,
    ONSET,
    SEVERITIES,
    USUAL,
    WINDOW,
    clean,
    course,
)

PERSONS = ("a", "b", "c", "d")


def cases(*damaged: Course) -> tuple[list[Case], People]:
    """``damaged`` sessions with the undamaged ones of their persons."""
    persons = list(dict.fromkeys(one.person for one in damaged))
    found = pair([*damaged, *map(clean, persons)], WINDOW)
    return found, People.draw(persons, BOOTSTRAP)


def falling(depth: float = 0.8, kind: str = "mute", **how: Any) -> list[Course]:
    """The sound of all PERSONS, which falls by ``depth`` times severity."""
    return [
        course(person, "audio", kind, severity, {"audio": depth * severity}, **how)
        for person in PERSONS
        for severity in SEVERITIES
    ]


def test_courses_come_back_as_they_were_saved(tmp_path: Path) -> None:
    damaged = course("ravdess-21 ümlaut", "vision", "blur", 0.25, {"vision": 0.3}, shift=math.nan)
    without = clean("no words")
    for part in (without.reliability, without.evidence, without.model):
        del part["text"]
    short = replace(clean("b"), ends=ENDS[:0], value=ENDS[:0], unweighted=ENDS[:0])
    short = replace(short, reliability={}, evidence={}, model={})
    for courses in ([], [damaged, without, short, clean("c")]):
        save(courses, tmp_path / "courses.npz")
        found = load(tmp_path / "courses.npz")
        assert len(found) == len(courses)
        for left, right in zip(courses, found, strict=True):
            np.testing.assert_equal(vars(right), vars(left))


def test_a_course_that_does_not_fit_together_is_not_saved(tmp_path: Path) -> None:
    unknown = {m: np.full(len(ENDS), np.nan, np.float32) for m in STREAMS}
    for wrong in (
        replace(clean("a"), value=ENDS[:3]),
        replace(clean("a"), model={}),
        replace(clean("a"), evidence=unknown),
    ):
        with pytest.raises(ValueError, match="a, undamaged"):
            save([wrong], tmp_path / "courses.npz")
    assert not list(tmp_path.iterdir())


def test_only_windows_whole_in_the_damage_are_steady() -> None:
    found, _ = cases(course("a", "audio", "mute", 1, {"audio": 0.4}))
    assert ENDS[found[0].steady].tolist() == [9.0, 9.5, 10.0]
    assert found[0].level("audio") == pytest.approx(USUAL - 0.4)


@pytest.mark.parametrize(
    ("courses", "message"),
    [
        ([clean("a"), clean("a")], "more than one"),
        ([course("a", "audio", "mute", 1, {})], "no undamaged"),
        ([replace(clean("a"), ends=ENDS + 1), course("a", "audio", "mute", 1, {})], "other win"),
        ([clean("a"), replace(course("a", "audio", "mute", 1, {}), end=6.0)], "no window of 4 s"),
        ([clean("a"), replace(course("a", "audio", "mute", 1, {}), reliability={})], "other str"),
    ],
)
def test_courses_that_cannot_be_compared(courses: list[Course], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pair(courses, WINDOW)


def test_level_falls_as_it_was_made_to() -> None:
    found = levels(*cases(*falling(), *falling(0, kind="noise")))
    mute, noise = found["kinds"]["audio:mute"], found["kinds"]["audio:noise"]
    assert mute["severities"] == [0, *SEVERITIES]
    curve = [point["estimate"] for point in mute["reliability"]]
    assert curve == pytest.approx([USUAL - 0.8 * severity for severity in (0, *SEVERITIES)])
    assert [point["estimate"] for point in mute["model"]] == pytest.approx([USUAL] * 6)
    assert mute["spearman"] == pytest.approx({"estimate": -1, "low": -1, "high": -1})
    assert noise["spearman"] == {"estimate": 0, "low": 0, "high": 0}
    assert found["spearman"]["estimate"] == pytest.approx(-0.5)


def test_clean_names_the_least_session() -> None:
    low = replace(clean("b"), reliability=dict.fromkeys(STREAMS, 0.5 * ENDS / ENDS))
    courses = [clean("a"), low, clean("c"), clean("d")]
    found = clean_levels(courses, WINDOW, People.draw(PERSONS, BOOTSTRAP))["vision"]
    assert (found["least"], found["person"]) == (pytest.approx(0.5), "b")
    assert found["share"]["estimate"] == pytest.approx(0.75)
    assert 0.25 <= found["share"]["low"] < found["share"]["high"] <= 1


def test_the_stream_that_falls_most_is_named() -> None:
    right = course("a", "audio", "mute", 1, {"audio": 0.5, "vision": 0.1})
    words = course("b", "audio", "mute", 1, {"audio": 0.5, "text": 0.6})
    wrong = course("c", "audio", "mute", 1, {"audio": 0.1, "vision": 0.2})
    shared = course("d", "audio", "mute", 1, {"audio": 0.2, "vision": 0.2})
    still = course("a", "text", "drop", 0.5, {})
    mild = course("a", "vision", "blur", 0.25, {"text": 0.5})
    found, people = cases(right, words, wrong, shared, still, mild)
    assert [fallen_most(case) for case in found[:5]] == [
        "audio", "text", "vision", "vision", None,
    ]  # fmt: skip
    shares = named(found, people)
    assert shares["kinds"]["audio:mute"]["all"]["estimate"] == pytest.approx(0.25)
    assert shares["kinds"]["audio:mute"]["devices"]["estimate"] == pytest.approx(0.5)
    assert shares["kinds"]["words:drop"]["devices"] is None
    assert shares["total"]["cases"] == 5
    assert shares["total"]["all"]["estimate"] == pytest.approx(0.2)
    assert shares["confusion"] == {
        "text": {"text": 0, "audio": 0, "vision": 0, "none": 1},
        "audio": {"text": 1, "audio": 1, "vision": 2, "none": 0},
    }


def test_cross_talk_is_the_change_of_the_others_either_way() -> None:
    damaged = [
        course(person, "audio", "mute", 1, {"audio": 0.8, "vision": change, "text": 0.3})
        for person, change in zip(PERSONS, (-0.02, 0.04, 0.04, 0.06), strict=True)
    ]
    found = {(pair["damaged"], pair["other"]): pair for pair in cross_talk(*cases(*damaged))}
    assert found.keys() == {("audio", "vision"), ("audio", "text")}
    vision, text = found["audio", "vision"], found["audio", "text"]
    assert vision["median"]["estimate"] == pytest.approx(0.04, abs=1e-6)
    assert vision["high"]["estimate"] == pytest.approx(0.06, abs=1e-6)
    assert (vision["dependent"], text["dependent"]) == (False, True)


@given(
    st.floats(0.2, 0.9),
    st.integers(1, 8).map(lambda hops: hops * HOP),
    st.integers(1, 10).map(lambda hops: hops * HOP),
)
def test_reaction_takes_as_long_as_it_was_made_to(depth: float, delay: float, back: float) -> None:
    damaged = course("a", "vision", "freeze", 1, {"vision": depth}, delay=delay, back=back)
    found = react(cases(damaged)[0][0], WINDOW)
    assert found.fall == pytest.approx(depth, abs=1e-6)
    assert (found.half, found.half_back, found.back) == (delay, back, back)


def test_half_and_whole_recovery_are_told_apart() -> None:
    damaged = course("a", "audio", "mute", 1, {"audio": 0.8}, back=2.0)
    values = damaged.reliability["audio"]
    values[(ENDS >= END + 1.0) & (ENDS < END + 2.0)] = USUAL - 0.3
    found = react(cases(damaged)[0][0], WINDOW)
    assert (found.half_back, found.back) == (1.0, 2.0)


def test_what_does_not_fall_or_come_back_is_counted() -> None:
    flat = course("a", "audio", "mute", 1, {"audio": 0.19})
    gone = course("b", "audio", "mute", 1, {"audio": 0.8}, back=100)
    fast = course("c", "audio", "mute", 0.5, {"audio": 0.8}, delay=1.5)
    timed, people = cases(flat, gone, fast)
    found = reactions(timed, WINDOW, people)
    total = found["total"]
    assert [total[key] for key in ("cases", "flat", "gone", "lower")] == [3, 1, 1, 1]
    assert total["half"]["high"]["estimate"] == pytest.approx(1.5)
    assert total["back"]["median"]["estimate"] == pytest.approx(0.5)
    assert total["back"]["high"]["estimate"] == math.inf
    assert found["total_loss"]["audio:mute"]["half"]["median"]["estimate"] == pytest.approx(0.5)


def test_mean_course_lays_onsets_and_ends_together() -> None:
    late = course("b", "audio", "mute", 1, {"audio": 0.8})
    bad = (ENDS >= 6.5) & (ENDS < 11.5)
    late.reliability["audio"][:] = USUAL - 0.4 * bad
    late = replace(late, onset=6.0, end=11.0)
    found, _ = cases(course("a", "audio", "mute", 1, {"audio": 0.8}), late)
    times, means, deviations, length = mean_course(found, HOP, WINDOW)
    assert length == END - ONSET
    inside = (times >= 0.5) & (times < length + 0.5)
    np.testing.assert_allclose(means[inside], USUAL - 0.6, atol=1e-6)
    np.testing.assert_allclose(deviations[inside], 0.2, atol=1e-6)
    np.testing.assert_allclose(means[~inside], USUAL, atol=1e-6)


def test_fused_value_with_and_without_reliability() -> None:
    found = fused(*cases(*falling(shift=0.1, unweighted=-0.4)))
    total, bins = found["total"], found["bins"]["audio"]
    assert total["ratio"]["estimate"] == pytest.approx(0.25, abs=1e-5)
    assert total["gain"] == pytest.approx({"estimate": 0.3, "low": 0.3, "high": 0.3}, abs=1e-5)
    assert total["windows"] == 3 * len(falling())
    assert [one["windows"] for one in bins] == [12] * 5


def test_abstained_windows_are_counted_apart() -> None:
    told = course("a", "audio", "mute", 0.5, {"audio": 0.4}, shift=0.1, unweighted=0.2)
    silent = course("a", "audio", "mute", 1, {"audio": 0.8}, shift=math.nan, unweighted=0.5)
    silent.value[ENDS < 9.5] = 0.2
    found = fused(*cases(told, silent))["total"]
    assert found["windows"] == 6
    assert found["silent"]["estimate"] == pytest.approx(2 / 6)
    assert found["spared"]["estimate"] == pytest.approx(0.5)
    assert found["unweighted"]["estimate"] == pytest.approx((3 * 0.2 + 0.5) / 4)
    assert found["unknown"] == 0


def test_a_value_that_was_never_there_is_not_called_silence() -> None:
    damaged = course("a", "audio", "mute", 1, {"audio": 0.8}, shift=0.1)
    nothing = replace(clean("a"), value=np.full(len(ENDS), np.nan, np.float32))
    people = People.draw(["a"], BOOTSTRAP)
    found = fused(pair([damaged, nothing], WINDOW), people)["total"]
    assert (found["unknown"], found["weighted"]) == (1, None)
    assert found["silent"]["estimate"] == 0


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=3, max_size=20))
def test_rank_correlation_is_spearmans(points: list[tuple[int, int]]) -> None:
    left, right = (np.array(part, np.float64) for part in zip(*points, strict=True))
    people = People.draw(PERSONS, BOOTSTRAP)
    persons = [PERSONS[row % len(PERSONS)] for row in range(len(points))]
    draws = people.spearman(persons, left, right)
    moves = np.ptp(left) > 0 and np.ptp(right) > 0
    expected = spearmanr(left, right).statistic if moves else 0
    assert draws[0] == pytest.approx(expected, abs=1e-6)
    # A draw is the correlation of the cases as often as their persons were drawn.
    counts = np.round(people.weights[1] * len(PERSONS)).astype(int)
    times = [counts[people.numbers[person]] for person in persons]
    again, beside = np.repeat(left, times), np.repeat(right, times)
    if len(again) and np.ptp(again) > 0 and np.ptp(beside) > 0:
        assert draws[1] == pytest.approx(spearmanr(again, beside).statistic, abs=1e-6)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.sampled_from([0.5, 0.95]))
def test_quantiles_are_among_the_cases(values: list[float], share: float) -> None:
    people = People.draw(PERSONS, BOOTSTRAP)
    persons = [PERSONS[row % len(PERSONS)] for row in range(len(values))]
    draws = people.quantile(persons, values, share)
    assert draws[0] == np.quantile(values, share, method="inverted_cdf")
    assert set(draws[np.isfinite(draws)]) <= set(values)


def test_cases_of_one_person_count_as_one() -> None:
    people = People.draw(PERSONS, BOOTSTRAP)
    values = [0.1, 0.2, 0.3, 0.9]
    once = people.mean(PERSONS, values)
    often = people.mean(PERSONS * 10, values * 10)
    np.testing.assert_allclose(once, often)
