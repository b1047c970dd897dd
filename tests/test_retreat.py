"""When a session leaves out what, by a clock in the test's hand."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.packets import STREAMS, Stream
from streamer.retreat import BEHIND, CONSIDERED, FULL, LADDER, LONGEST, Retreat, ladder
from streamer.settings import load_settings

HOP = 0.5
CALM = 10.0

windows = st.lists(st.booleans(), max_size=600)
"""Of each window whether it is behind."""


def told(retreat: Retreat, behind: Sequence[bool], since: float = 0.0) -> list[int]:
    """How far down it is after each window."""
    course = []
    for number, late in enumerate(behind):
        retreat.observe(since + number * HOP, "sound was late" if late else None)
        course.append(retreat.steps_down)
    return course


def climbs(course: Sequence[int]) -> list[int]:
    """The windows after which it went up."""
    return [k for k in range(1, len(course)) if course[k] < course[k - 1]]


@given(behind=windows)
def test_it_goes_one_step_at_a_time_and_stays_on_the_ladder(behind: list[bool]) -> None:
    course = told(Retreat(LADDER, CALM), behind)
    assert all(0 <= at < len(LADDER) for at in course)
    assert all(abs(now - before) <= 1 for before, now in zip([0, *course], course, strict=False))


@given(behind=windows)
def test_it_never_goes_down_without_a_late_window_nor_up_without_a_calm(
    behind: list[bool],
) -> None:
    course = [0, *told(Retreat(LADDER, CALM), behind)]
    for number, late in enumerate(behind):
        if course[number + 1] > course[number]:
            assert late
            assert sum(behind[max(number + 1 - CONSIDERED, 0) : number + 1]) >= BEHIND
        if course[number + 1] < course[number]:
            quiet = behind[number + 1 - round(CALM / HOP) : number + 1]
            assert all(sum(quiet[k : k + CONSIDERED]) < BEHIND for k in range(len(quiet)))


@given(behind=windows)
def test_it_flaps_no_faster_than_its_bound(behind: list[bool]) -> None:
    up = climbs(told(Retreat(LADDER, CALM), behind))
    pauses = [(later - sooner) * HOP for sooner, later in pairwise(up)]
    assert all(pause >= CALM for pause in pauses)


@given(behind=windows)
def test_it_is_full_again_when_the_load_has_gone(behind: list[bool]) -> None:
    retreat = Retreat(LADDER, CALM)
    told(retreat, behind)
    longest = CALM * (LONGEST + len(LADDER)) + CONSIDERED * HOP
    course = told(retreat, [False] * round(longest / HOP), since=len(behind) * HOP)
    assert course[-1] == 0
    assert course == sorted(course, reverse=True)
    assert retreat.reason is None
    assert retreat.step == FULL


@given(behind=windows)
def test_under_a_load_that_lasts_it_goes_to_the_end(behind: list[bool]) -> None:
    course = told(Retreat(LADDER, CALM), [*behind, *[True] * BEHIND * len(LADDER)])
    assert course[-1] == len(LADDER) - 1


@pytest.mark.parametrize("bearable", range(1, len(LADDER)))
def test_where_the_load_stays_it_tries_less_and_less_often(bearable: int) -> None:
    """Behind whenever it is above the bearable step."""
    retreat, course = Retreat(LADDER, CALM), [0]
    for number in range(4000):
        late = course[-1] < bearable
        retreat.observe(number * HOP, "sound was late" if late else None)
        course.append(retreat.steps_down)
    assert set(course[20:]) == {bearable, bearable - 1}
    pauses = [b - a for a, b in pairwise(climbs(course))]
    assert pauses == sorted(pauses)
    assert pauses[-1] >= LONGEST * CALM / HOP
    assert sum(at < bearable for at in course[2000:]) / 2000 < 0.03


def test_a_climb_that_holds_makes_the_calm_the_usual_one_again() -> None:
    retreat = Retreat(LADDER, CALM)
    number = 0

    def until(late: bool, steps_down: int) -> int:
        """Windows until it is so far down."""
        nonlocal number
        since = number
        while retreat.steps_down != steps_down:
            retreat.observe(number * HOP, "sound was late" if late else None)
            number += 1
        return number - since

    until(late=True, steps_down=2)
    usual = until(late=False, steps_down=1)
    until(late=True, steps_down=2)
    assert until(late=False, steps_down=1) >= 2 * usual - 1
    assert until(late=False, steps_down=0) <= usual + CONSIDERED


def test_a_single_late_window_changes_nothing() -> None:
    every_fifth = [number % 5 == 0 for number in range(500)]
    assert set(told(Retreat(LADDER, CALM), every_fifth)) == {0}


def test_it_says_why_and_since_when() -> None:
    retreat = Retreat(LADDER, CALM)
    told(retreat, [False, True, True], since=100.0)
    assert (retreat.reason, retreat.since, retreat.step) == ("sound was late", 101.0, LADDER[1])


def test_each_step_leaves_out_at_least_as_much_as_the_one_above() -> None:
    pictures = [step.pictures or 60.0 for step in LADDER]
    hops = [step.hops for step in LADDER]
    words = [step.words for step in LADDER]
    assert pictures == sorted(pictures, reverse=True)
    assert hops == sorted(hops)
    assert words == sorted(words, reverse=True)
    assert len({step.name for step in LADDER}) == len(LADDER)


@pytest.mark.parametrize(
    ("streams", "options", "names"),
    [
        (STREAMS, {}, [step.name for step in LADDER]),
        (STREAMS, {"retreat.enabled": False}, ["full"]),
        (STREAMS, {"source.file": "a.mp4", "source.speed": "max"}, ["full"]),
        (("vision",), {}, ["full", "fewer pictures", "fewest pictures"]),
        (("text", "audio"), {}, ["full", "longer hop", "words paused"]),
        (STREAMS, {"camera.frame_rate": 5}, ["full", *[step.name for step in LADDER[2:]]]),
    ],
)
def test_a_session_has_the_steps_that_make_a_difference_to_it(
    streams: tuple[Stream, ...], options: dict[str, object], names: list[str]
) -> None:
    assert [step.name for step in ladder(load_settings(options=options), streams)] == names
