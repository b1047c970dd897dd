from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actors.hop_cutter import HopCutter
from streamer.packets import SAMPLE_RATE, SECOND, AudioChunk, Floats

PERIOD = SECOND // SAMPLE_RATE
HOP = 100


def signal(length: int) -> Floats:
    return np.arange(1, length + 1, dtype=np.float32)


@given(
    length=st.integers(1, 1000),
    cuts=st.lists(st.integers(0, 1000), max_size=20),
    gap=st.tuples(st.integers(0, 1000), st.integers(0, 1000)),
    start=st.integers(-200, 200),
)
def test_no_sample_is_lost_or_moved(
    length: int, cuts: list[int], gap: tuple[int, int], start: int
) -> None:
    """However the sound is cut into chunks, and whatever is missing of it."""
    sound = signal(length)
    cutter = HopCutter(HOP)
    hops = []
    expected = np.full(2000, np.nan, np.float32)
    borders = sorted({0, length, *(cut for cut in cuts if cut < length), *gap})
    for first, last in pairwise(borders):
        if min(gap) <= first < max(gap):
            continue
        cutter.add(AudioChunk((start + first) * PERIOD, sound[first:last]))
        part = sound[first:last][max(0, -(start + first)) :]
        expected[max(0, start + first) :][: len(part)] = part
        while cutter.filled >= cutter.end:
            hops.append(cutter.cut())
    hops.append(cutter.cut())
    np.testing.assert_array_equal(np.concatenate(hops), expected[: len(hops) * HOP])
    assert cutter.late == 0


def test_what_comes_after_its_hop_was_cut_is_counted() -> None:
    cutter = HopCutter(HOP)
    assert np.isnan(cutter.cut()).all()
    cutter.add(AudioChunk(60 * PERIOD, signal(80)))
    assert cutter.late == 40
    np.testing.assert_array_equal(cutter.cut()[:40], signal(80)[40:])


def test_sound_far_ahead_costs_nothing_and_comes_in_its_hop() -> None:
    cutter = HopCutter(HOP)
    cutter.add(AudioChunk(1_000_000 * HOP * PERIOD, signal(3)))
    assert np.isnan(cutter.cut()).all()
    cutter.hop = 1_000_000
    np.testing.assert_array_equal(cutter.cut()[:3], signal(3))


def test_one_that_begins_later_leaves_what_was_before_out_without_counting_it() -> None:
    cutter = HopCutter(HOP)
    cutter.begin_at(3)
    cutter.add(AudioChunk(0, signal(5 * HOP)))
    np.testing.assert_array_equal(cutter.cut(), signal(5 * HOP)[3 * HOP : 4 * HOP])
    assert (cutter.hop, cutter.late) == (4, 0)
