"""Pictures of now, old ones and frozen ones, told apart by a clock in the test's hand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actors.picture_freshness import DRAIN, FROZEN, GONE, HELD_UP, Freshness
from streamer.packets import SECOND

RATE = 15.0
PERIOD = round(SECOND / RATE)


@given(rate=st.floats(2.1, 60), count=st.integers(1, 100))
def test_a_camera_at_an_even_pace_is_always_fresh(rate: float, count: int) -> None:
    freshness, period = Freshness(RATE), round(SECOND / rate)
    assert all(
        freshness.is_fresh(number * period, (number + 1) * period) for number in range(count)
    )


def test_what_has_waited_in_a_buffer_is_left_out_until_one_had_to_be_waited_for() -> None:
    freshness = Freshness(RATE)
    assert freshness.is_fresh(0, PERIOD)
    # The process was held up: the next pictures are there at once.
    now = PERIOD + 2 * HELD_UP
    stale = [freshness.is_fresh(now + number, now + number + 1) for number in range(12)]
    assert stale == [False] * 12
    assert freshness.is_fresh(now + 20, now + 20 + PERIOD)
    assert freshness.is_fresh(now + 20 + PERIOD, now + 21 + PERIOD)


def test_after_a_pause_of_the_camera_the_picture_waited_for_counts() -> None:
    freshness = Freshness(RATE)
    assert freshness.is_fresh(0, PERIOD)
    late = PERIOD + 2 * HELD_UP
    assert freshness.is_fresh(PERIOD, late)
    assert not freshness.is_fresh(late, late + 1)


def test_draining_comes_to_an_end() -> None:
    freshness = Freshness(RATE)
    freshness.is_fresh(0, PERIOD)
    now = PERIOD + 2 * HELD_UP
    step = PERIOD // 10
    assert not freshness.is_fresh(now, now)
    fresh = [freshness.is_fresh(now + k * step, now + (k + 1) * step) for k in range(1, 400)]
    assert not fresh[0]
    assert fresh.index(True) * step <= DRAIN + step


def test_a_repeated_picture_is_a_fault_and_a_changing_one_is_none() -> None:
    freshness = Freshness(RATE)
    image = np.zeros((4, 4, 3), np.uint8)
    for number in range(100):
        now = number * PERIOD
        freshness.is_fresh(now, now)
        freshness.look(image + number % 2, now)
        assert freshness.complaint(now) is None
    began = now
    while (complaint := freshness.complaint(now)) is None:
        now += PERIOD
        freshness.is_fresh(now, now)
        freshness.look(image, now)
        assert now - began < 2 * FROZEN
    assert "repeats its last picture" in complaint
    assert now - began > FROZEN - 2 * PERIOD


def test_a_picture_of_another_size_is_another_picture() -> None:
    freshness = Freshness(RATE)
    for size in (4, 8):
        freshness.is_fresh(size * SECOND, size * SECOND)
        freshness.look(np.zeros((size, size, 3), np.uint8), size * SECOND)
    assert freshness.complaint(8 * SECOND) is None


def test_no_picture_for_long_is_a_fault() -> None:
    freshness = Freshness(RATE)
    assert freshness.complaint(GONE * 10) is None  # the first one is waited for elsewhere
    freshness.is_fresh(0, 0)
    assert freshness.complaint(GONE) is None
    assert freshness.complaint(GONE + 1) == "has gone"
