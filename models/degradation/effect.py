"""What a kind of damage is: made once for a stretch, then applied to one piece after the other."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from streamer.packets import SAMPLE_RATE, Floats, Image, Times

BLOCK = SAMPLE_RATE // 50
"""Samples of one packet or device buffer: 20 ms. Blocks lie on fixed positions of the session."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the damage of one stretch is made from.

    ``severity`` in (0, 1]; ``generator`` is the stretch's own; ``file`` is what is mixed in, where
    the kind mixes anything in.
    """

    severity: float
    generator: np.random.Generator
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class Sound:
    """Where a piece of sound lies: ``first`` is the position of its first sample in the session,
    ``level`` (n,) the running level of the undamaged sound before each sample. From the position
    ``start`` on the damage is heard; what comes before it is there to tune in."""

    first: int
    level: Floats
    start: int

    @property
    def positions(self) -> Times:
        """The position (n,) of each sample."""
        return np.arange(self.first, self.first + len(self.level))


@dataclass(frozen=True, slots=True)
class Box:
    """A face in a picture, in pixels; it may reach beyond the picture's edges."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Sight:
    """What the kinds of vision damage are made from.

    ``lost`` is true with a probability equal to ``severity``, ``last`` is the picture that was
    shown before this one, if there was any. ``captured_at`` is in nanoseconds; ``face`` is where
    the face was last seen, None where that is not known.
    """

    severity: float
    lost: bool
    last: Image | None
    captured_at: int = 0
    face: Box | None = None


SoundEffect: TypeAlias = Callable[[Floats, Sound], Floats]
"""From finite samples (n,) at 16 kHz to as many damaged ones, NaN where one is lost. The samples of
a stretch come in order and without a gap, in pieces of any length that must make no difference."""

SightEffect: TypeAlias = Callable[[Image, Sight], Image | None]
"""From a picture (height, width, 3), BGR, to a damaged one of the same shape; None: it is lost."""

SoundKind: TypeAlias = Callable[[Recipe], SoundEffect]
SightKind: TypeAlias = Callable[[Recipe], SightEffect]
