"""Sequences out of stills: one face that stays as it is but for natural movement.

A still repeated would teach the network that any change from step to step is noise, and living
faces would look unreliable to it. So each sequence moves as a slow random walk around the still.
Its extent was taken from recorded clips, where the deviation over 8 s is 0.2 to 0.8 of that
between the stills, and the change from one step to the next about half of it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streamer.packets import Flags, Floats

STEPS = 20
"""Steps of a sequence: the default window of 4 s."""

EXTENT = (0.05, 0.7)
"""Range of the movement's standard deviation, in units of that between stills."""

PERSISTENCE = 0.8
"""Correlation of the movement between neighbouring steps."""

SHORTEST = 0.3
"""Least share of the steps in which the face is seen."""


@dataclass(frozen=True)
class Movement:
    """Movement (n, STEPS, size) in feature units, and the steps seen (n, STEPS), of n sequences.

    The same movement can be put on a clean and a damaged view of one still.
    """

    offsets: Floats
    seen: Flags

    @staticmethod
    def drawn(count: int, deviation: Floats, rng: np.random.Generator) -> "Movement":
        """``deviation`` (size,) is that of the stills."""
        walk = rng.normal(size=(count, STEPS, len(deviation))).astype(np.float32)
        for step in range(1, STEPS):
            fresh = np.float32(np.sqrt(1 - PERSISTENCE**2)) * walk[:, step]
            walk[:, step] = PERSISTENCE * walk[:, step - 1] + fresh
        extent = rng.uniform(*EXTENT, (count, 1, 1)).astype(np.float32)
        return Movement(walk * extent * deviation, _stretches(count, rng))

    def of(self, stills: Floats, found: Flags) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """Features (n, STEPS, size) and mask (n, STEPS) of ``stills`` (n, size)."""
        mask = self.seen & found[:, None]
        return (stills[:, None] + self.offsets) * mask[..., None], mask


def _stretches(count: int, rng: np.random.Generator) -> Flags:
    """One stretch of steps each, of at least SHORTEST of all."""
    length = np.ceil(rng.uniform(SHORTEST, 1, (count, 1)) * STEPS)
    start = np.floor(rng.random((count, 1)) * (STEPS - length + 1))
    steps = np.arange(STEPS)
    stretches: Flags = (steps >= start) & (steps < start + length)
    return stretches
