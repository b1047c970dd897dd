"""The time of day as a session tells it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class SessionClock:
    """Seconds since 1970, read off the wall clock once and carried on by the monotonic one: who
    sets the machine's clock meanwhile moves no time of the session. Goes to other processes of the
    same machine."""

    since_1970: float
    at: float
    """When that was, in s on the ``monotonic`` clock."""
    monotonic: Callable[[], float]

    @classmethod
    def now(
        cls,
        wall_clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> Self:
        return cls(wall_clock(), monotonic(), monotonic)

    def __call__(self) -> float:
        return self.since_1970 + self.monotonic() - self.at
