"""Which slots of time are lost. More severe losses contain the lesser ones of the same seed."""

import numpy as np

from streamer.packets import Flags

SLOTS = 2**13
"""Slots after which the pattern of losses repeats: minutes."""

PERSISTENCE = 0.8
"""Correlation of the channel's state from one packet to the next: at a small loss a burst is 5
packets long, 100 ms, and at half of them lost 10."""


def independent(share: float, generator: np.random.Generator) -> Flags:
    """Slots (SLOTS,), each lost with the probability ``share``."""
    return generator.random(SLOTS) < share


def gilbert_elliott(share: float, generator: np.random.Generator) -> Flags:
    """Packets (SLOTS,) lost in bursts, a ``share`` of all in the long run.

    The two-state channel of Gilbert (1960) and Elliott (1963), which loses nothing when good and
    everything when bad: good turns bad with p = (1 - PERSISTENCE) share, bad turns good with
    (1 - PERSISTENCE) (1 - share).
    """
    turns_bad = (1 - PERSISTENCE) * share
    draws = generator.random(SLOTS)
    lost = np.empty(SLOTS, np.bool_)
    bad = bool(draws[0] < share)
    for index, draw in enumerate(draws):
        bad = bool(draw < turns_bad + (PERSISTENCE if bad else 0))
        lost[index] = bad
    return lost
