"""How loud the sound has been so far: what added noise is measured against."""

import math

import numpy as np

from streamer.packets import SAMPLE_RATE, Floats

LEVEL_FRAME = SAMPLE_RATE // 50
"""Samples over which the running level is taken."""

LEVEL_MEMORY = 150
"""Frames of sound after which the running level has forgotten: 3 s."""

NOMINAL_POWER = 10 ** (-26 / 10)
"""-26 dBFS, the nominal speech level of ITU-T P.56: the running level before any sound came."""

SOUND_POWER = 10 ** (-60 / 10)
"""-60 dBFS: quieter frames are pauses and leave the running level alone."""


class RunningLevel:
    """Root mean square of the sound so far: the plain mean of the first frames, then one in which
    frames weigh less the older they are. Pauses do not count."""

    def __init__(self) -> None:
        self._power = NOMINAL_POWER
        self._heard = 0
        self._frame = np.zeros(0, np.float32)

    def follow(self, samples: Floats, first: int) -> Floats:
        """The level (n,) before each of ``samples`` (n,), the first of which has the position
        ``first``. Frames lie on fixed positions, so the cut of the signal makes no difference."""
        level = np.empty(len(samples), np.float32)
        at = 0
        while at < len(samples):
            room = LEVEL_FRAME - (first + at) % LEVEL_FRAME
            part = samples[at : at + room]
            level[at : at + room] = math.sqrt(self._power)
            self._frame = np.append(self._frame, part)
            if len(part) == room:
                self._learn(np.nan_to_num(self._frame, posinf=0, neginf=0))
                self._frame = np.zeros(0, np.float32)
            at += room
        return level

    def _learn(self, frame: Floats) -> None:
        power = float(np.mean(np.square(frame, dtype=np.float64)))
        if power > SOUND_POWER:
            self._heard = min(self._heard + 1, LEVEL_MEMORY)
            self._power += (power - self._power) / self._heard
