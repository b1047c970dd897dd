"""The session's time of day, when somebody sets the machine's."""

import pickle
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from streamer.clock import SessionClock


@dataclass
class Clocks:
    """A machine whose wall clock is set now and then."""

    elapsed: float = 0.0
    wrong_by: float = 0.0

    def wall_clock(self) -> float:
        return 1e9 + self.elapsed + self.wrong_by

    def monotonic(self) -> float:
        return 50.0 + self.elapsed


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-7200, 7200))))
def test_it_goes_on_as_the_monotonic_one_does(steps: list[tuple[float, float]]) -> None:
    machine = Clocks()
    clock = SessionClock.now(machine.wall_clock, machine.monotonic)
    for elapsed, set_by in steps:
        before = clock()
        machine.elapsed += elapsed
        machine.wrong_by += set_by
        assert clock() - before >= 0
        assert abs(clock() - (1e9 + machine.elapsed)) < 1e-3


def test_all_processes_of_a_machine_tell_the_same() -> None:
    clock = SessionClock.now()
    other: SessionClock = pickle.loads(pickle.dumps(clock))
    assert abs(other() - clock()) < 1.0
    assert other == clock
