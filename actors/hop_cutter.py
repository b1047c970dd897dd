"""Cuts sound that comes in pieces into hops."""

from collections import deque

import numpy as np

from streamer.packets import SAMPLE_RATE, SECOND, AudioChunk, Floats


class HopCutter:
    """Each sample goes where its capture time says; where none came, the hop holds NaN.

    ``late`` counts samples that came after their hop had been cut.
    """

    def __init__(self, hop_samples: int) -> None:
        self.hop = 0
        self._first = 0
        self.late = 0
        self._size = hop_samples
        self._pieces: deque[tuple[int, Floats]] = deque()
        self._filled = 0

    def begin_at(self, hop: int) -> None:
        """Cut from ``hop`` on; nothing before it is asked for."""
        self.hop = self._first = hop

    @property
    def end(self) -> int:
        """Where the next hop to be cut ends, ns."""
        return (self.hop + 1) * self._size * SECOND // SAMPLE_RATE

    @property
    def filled(self) -> int:
        """Up to when samples have come, ns."""
        return self._filled * SECOND // SAMPLE_RATE

    def add(self, chunk: AudioChunk) -> None:
        """Takes a chunk in; samples from before the session's epoch are left out."""
        start = round(chunk.captured_at * SAMPLE_RATE / SECOND)
        end = start + len(chunk.samples)
        self.late += max(0, min(end, self.hop * self._size) - max(start, self._first * self._size))
        if end > self._first * self._size:
            self._pieces.append((start, chunk.samples))
        self._filled = max(self._filled, end)

    def cut(self) -> Floats:
        """The samples of the next hop, (hop_samples,); the cutter moves on to the one after it."""
        begin = self.hop * self._size
        samples = np.full(self._size, np.nan, np.float32)
        kept: deque[tuple[int, Floats]] = deque()
        for start, piece in self._pieces:
            first, last = max(start, begin), min(start + len(piece), begin + self._size)
            if first < last:
                samples[first - begin : last - begin] = piece[first - start : last - start]
            if start + len(piece) > begin + self._size:
                kept.append((start, piece))
        self._pieces = kept
        self.hop += 1
        return samples
