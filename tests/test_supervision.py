"""The supervisor's rules, by a clock in the test's hand."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.supervision import HELD_UP, LONGEST_PAUSE, Limits, Watch

LIMITS = Limits(
    silent=3.0,
    stopped=0.5,
    progress=10.0,
    start=60.0,
    memory=100.0,
    restarts=3,
    forgiven=60.0,
)
STEP = 0.1


def looked_at(watch: Watch, since: float, until: float, stopped: bool = False) -> str | None:
    """The first fault that a look every STEP finds."""
    for step in range(int((until - since) / STEP) + 1):
        if (fault := watch.overdue(since + step * STEP, stopped)) is not None:
            return fault
    return None


@given(pauses=st.lists(st.floats(0, LIMITS.silent - STEP), max_size=50))
def test_who_answers_in_time_is_left_alone(pauses: list[float]) -> None:
    watch, now = Watch(LIMITS, 0.0), 0.0
    for pause in pauses:
        assert looked_at(watch, now, now + pause) is None
        now += pause
        watch.heard(now, busy=LIMITS.progress, memory=LIMITS.memory)
    assert watch.state == "healthy"


@pytest.mark.parametrize(
    ("busy", "memory", "stopped", "fault"),
    [
        (0, 0, False, "has not answered"),
        (0, 0, True, "stopped"),
        (11, 0, False, "no progress"),
        (0, 101 * 2**20, False, "101 MB"),
    ],
)
def test_each_fault_is_found_and_named(
    busy: float, memory: float, stopped: bool, fault: str
) -> None:
    watch = Watch(LIMITS, 0.0)
    watch.heard(1.0, busy, memory)
    found = looked_at(watch, 1.0, 1.0 + 2 * LIMITS.silent, stopped)
    assert fault in str(found)


def test_a_stopped_process_is_found_sooner_than_a_slow_one() -> None:
    slow, stopped = Watch(LIMITS, 0.0), Watch(LIMITS, 0.0)
    assert looked_at(slow, 0.0, LIMITS.silent) is None
    assert looked_at(stopped, 0.0, LIMITS.silent, stopped=True) is not None


@given(asleep=st.floats(HELD_UP + STEP, 1e6))
def test_a_sleeping_onlooker_blames_nobody(asleep: float) -> None:
    """As when the machine was suspended."""
    watch = Watch(LIMITS, 0.0)
    assert watch.overdue(0.0) is None
    assert watch.overdue(asleep) is None
    assert looked_at(watch, asleep, asleep + 2 * LIMITS.silent) is not None


@given(restarts=st.integers(0, 12))
def test_restarts_are_bounded_their_pauses_grow_and_giving_up_is_final(restarts: int) -> None:
    watch, now = Watch(replace(LIMITS, restarts=restarts), 0.0), 0.0
    pauses = []
    for _ in range(restarts):
        watch.failed(now, "it died")
        began = now
        while not watch.due(now):
            now += STEP
        pauses.append(now - began)
        watch.starting(now)
        assert watch.state == "starting"
        watch.started(now)
    assert pauses == sorted(pauses)
    assert all(pause <= LONGEST_PAUSE + STEP for pause in pauses)
    assert not pauses or pauses[0] == 0
    watch.failed(now, "it died")
    assert watch.state == "given up"
    watch.failed(now + 1e6, "again")
    assert (watch.state, watch.fault, watch.restarts) == ("given up", "it died", restarts)
    assert not watch.due(now + 1e6)


def test_who_never_gets_ready_is_tried_again_and_given_up() -> None:
    watch, now = Watch(LIMITS, 0.0), 0.0
    watch.failed(now, "it died")
    while watch.state != "given up":
        while not watch.due(now):
            now += STEP
            assert watch.overdue(now) is None
        watch.starting(now)
        fault = looked_at(watch, now, now + LIMITS.start + 1)
        assert fault == "it was not ready in time"
        now += LIMITS.start + 1
        watch.failed(now, fault)
    assert watch.restarts == LIMITS.restarts


def test_a_good_minute_is_forgiven() -> None:
    watch, now = Watch(LIMITS, 0.0), 0.0
    for _ in range(20):
        watch.failed(now, "it died")
        assert watch.state == "waiting"
        watch.starting(now)
        watch.started(now)
        now += LIMITS.forgiven + 1


@given(
    events=st.lists(
        st.tuples(st.sampled_from(["hear", "fail", "start", "ready", "look"]), st.floats(0, 5)),
        max_size=80,
    )
)
def test_whatever_happens_no_more_is_started_than_is_allowed(
    events: list[tuple[str, float]],
) -> None:
    watch, now, started = Watch(LIMITS, 0.0), 0.0, 0
    for event, pause in events:
        now += pause
        if event == "hear" and watch.state == "healthy":
            watch.heard(now, 0.0, 0.0)
        elif event == "fail":
            watch.failed(now, "it died")
        elif event == "start" and watch.due(now):
            watch.starting(now)
            started += 1
        elif event == "ready" and watch.state == "starting":
            watch.started(now)
        elif event == "look" and (fault := watch.overdue(now)):
            watch.failed(now, fault)
        assert watch.restarts <= LIMITS.restarts
    assert started <= LIMITS.restarts + now / LIMITS.forgiven
