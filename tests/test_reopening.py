"""A device that goes and comes back, with a fake device and a clock in the test's hand."""

import threading
import time
from typing import TypeAlias

import pytest

from actors.reopening import FIRST, STALL, STUCK, Reopening
from streamer.errors import SourceError

PATIENCE = 20.0

Fake: TypeAlias = Reopening[tuple[int, int | None]]


class World:
    """What the devices of a test have in common."""

    def __init__(self) -> None:
        self.now = 0
        self.plugged_in = True
        self.delivers = True
        self.hangs = False
        self.opened = 0
        self.closed = 0
        self.tried = 0
        self.let_go = threading.Event()

    def clock(self) -> int:
        return self.now


class FakeDevice:
    """Delivers the number of its opening."""

    fault = None

    def __init__(self, world: World) -> None:
        self.dropped = 0
        self._world = world
        self._number = 0
        self._epoch: int | None = None

    def open(self) -> str:
        self._world.tried += 1
        if self._world.hangs:
            assert self._world.let_go.wait(PATIENCE)
        if not self._world.plugged_in:
            raise SourceError("it is not there")
        self._world.opened += 1
        self._number = self._world.opened
        return "a device"

    def start(self, epoch: int) -> None:
        self._epoch = epoch

    def read(self, timeout: float) -> tuple[int, int | None] | None:  # noqa: ARG002  never waits
        if not self._world.plugged_in:
            raise SourceError("it has gone")
        if not self._world.delivers:
            return None
        self.dropped += 1
        return self._number, self._epoch

    def close(self) -> None:
        self._world.closed += 1

    def again(self) -> "FakeDevice":
        return FakeDevice(self._world)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def source(world: World) -> Fake:
    source = Reopening(FakeDevice(world), world.clock)
    source.open()
    source.start(7)
    return source


def read_until(source: Fake, item: tuple[int, int | None] | None) -> None:
    deadline = time.monotonic() + PATIENCE
    while source.read(0.01) != item:
        assert time.monotonic() < deadline


def wait_for_tries(world: World, tries: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while world.tried < tries:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_device_that_is_not_there_at_first_is_an_error(world: World) -> None:
    world.plugged_in = False
    with pytest.raises(SourceError, match="it is not there"):
        Reopening(FakeDevice(world), world.clock).open()


@pytest.mark.slow
@pytest.mark.parallel
def test_one_that_goes_is_opened_again_once_it_is_back(world: World, source: Fake) -> None:
    assert source.read(0) == (1, 7)
    world.plugged_in = False
    assert source.read(0) is None
    assert source.fault in ("it has gone", "it is not there")  # as far as the opener is
    wait_for_tries(world, 3)
    assert source.read(0) is None
    assert source.fault == "it is not there"
    world.plugged_in = True
    read_until(source, (2, 7))
    assert source.fault is None
    assert world.closed == 1
    assert source.dropped == 2


def test_one_that_falls_silent_is_let_go_of_and_opened_again(world: World, source: Fake) -> None:
    assert source.read(0) == (1, 7)
    world.delivers = False
    world.now += STALL
    assert source.read(0) is None
    assert source.fault is None
    world.now += 1
    assert source.read(0) is None
    assert "delivers nothing" in str(source.fault)
    world.delivers = True
    read_until(source, (2, 7))
    assert source.fault is None


def test_one_that_was_just_opened_may_take_its_time(world: World, source: Fake) -> None:
    world.delivers = False
    world.now += FIRST
    assert source.read(0) is None
    assert source.fault is None
    world.now += 1
    assert source.read(0) is None
    assert source.fault is not None


def test_an_opening_that_hangs_is_told_at_last(world: World, source: Fake) -> None:
    world.hangs, world.delivers = True, False
    world.now += FIRST + 1
    assert source.read(0) is None
    wait_for_tries(world, 2)
    assert source.read(0.01) is None
    world.now += STUCK + 1
    with pytest.raises(SourceError, match="cannot be opened again"):
        source.read(0.01)
    source.close()
    world.let_go.set()


def test_one_that_is_closed_while_it_opens_stays_closed(world: World, source: Fake) -> None:
    world.hangs, world.delivers = True, False
    world.now += FIRST + 1
    source.read(0)
    wait_for_tries(world, 2)
    source.close()
    world.let_go.set()
    deadline = time.monotonic() + PATIENCE
    while world.closed < world.opened + 1:
        assert time.monotonic() < deadline
        time.sleep(0.01)
