"""Sound that is made from whole blocks, whatever the pieces it comes in."""

from collections.abc import Callable

import numpy as np

from models.degradation.effect import BLOCK
from streamer.packets import Floats


class OneBlockLate:
    """While block k comes in, what ``follow`` made of block k - 1 goes out.

    So nothing has to wait for the end of a block, and the cut of the sound makes no difference:
    blocks lie on fixed positions. ``follow`` takes a block (``length``,) and its number and gives
    as many samples.
    """

    def __init__(self, follow: Callable[[Floats, int], Floats], length: int = BLOCK) -> None:
        self._follow = follow
        self._length = length
        self._coming = np.zeros(length, np.float32)
        self._going = np.zeros(length, np.float32)

    def __call__(self, samples: Floats, first: int) -> Floats:
        """``samples`` (n,), the first of which has the position ``first``, followed by (n,)."""
        result = np.empty(len(samples), np.float32)
        at = 0
        while at < len(samples):
            block, offset = divmod(first + at, self._length)
            end = min(at + self._length - offset, len(samples))
            part = slice(offset, offset + end - at)
            result[at:end] = self._going[part]
            self._coming[part] = samples[at:end]
            if part.stop == self._length:
                self._going = self._follow(self._coming.copy(), block)
            at = end
        return result
