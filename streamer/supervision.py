"""When an actor is to be replaced, and when to give up: rules, without actors or a clock."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

State = Literal["healthy", "waiting", "starting", "given up"]

LONGEST_PAUSE = 8.0
"""Seconds between two attempts at most."""

HELD_UP = 0.5
"""Seconds without a look after which it was the onlooker who was held up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an actor is allowed; times in s, memory in bytes.

    ``silent``: without an answer; ``stopped``: the same for a process that the system reports as
    stopped, which is no matter of being slow; ``progress``: for one piece of work; ``start``: until
    it is ready; ``restarts`` before it is given up, of which one is forgotten after ``forgiven`` of
    good health.
    """

    silent: float
    stopped: float
    progress: float
    start: float
    memory: float
    restarts: int
    forgiven: float


@dataclass(frozen=True, slots=True)
class Vitals:
    """What is known of an actor: how it is, how often another one has taken its place, and what it
    said of itself last (see actors.host.Beat)."""

    state: State
    restarts: int
    memory: int = 0
    busy: float = 0.0
    counts: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_healthy(self) -> bool:
        return self.state == "healthy"


class Watch:
    """One actor as its supervisor sees it. ``now`` is seconds of a monotonic clock throughout.

    ``healthy``, until ``overdue`` or somebody else finds a fault and says ``failed``; then
    ``waiting`` until it is ``due``; ``starting`` until it has ``started`` or ``failed`` again; or
    ``given up`` for good. ``fault`` says what was wrong last.
    """

    def __init__(self, limits: Limits, now: float) -> None:
        self.state: State = "healthy"
        self.fault = ""
        self.restarts = 0
        self._limits = limits
        self._heard_at = self._looked_at = self._healthy_since = now
        self._due_at = math.inf
        self._started_at = now
        self._busy = self._memory = 0.0

    def heard(self, now: float, busy: float, memory: float) -> None:
        """It has answered: ``busy`` with one piece of work for so long, holding so much memory."""
        self._heard_at = now
        self._busy, self._memory = busy, memory

    def is_late(self, now: float) -> bool:
        """Whether it is worth asking the system how its process is."""
        return self.state == "healthy" and now - self._heard_at > self._limits.stopped / 2

    def overdue(self, now: float, stopped: bool = False) -> str | None:
        """What is wrong with it, if anything is. To be asked all the time: while nobody asks,
        nobody can answer."""
        asleep = now - self._looked_at
        self._looked_at = now
        if asleep > HELD_UP:
            self._heard_at += asleep
            self._started_at += asleep
        if self.state == "starting":
            late = now - self._started_at > self._limits.start
            return "it was not ready in time" if late else None
        if self.state != "healthy":
            return None
        return self._wrong(now, stopped)

    def failed(self, now: float, fault: str) -> None:
        """It has died, is overdue, or could not be started."""
        if self.state == "given up":
            return
        if self.state == "healthy":
            forgotten = int((now - self._healthy_since) / self._limits.forgiven)
            self.restarts = max(self.restarts - forgotten, 0)
        self.fault = fault
        if self.restarts >= self._limits.restarts:
            self.state = "given up"
            return
        self.state = "waiting"
        pause = min((2.0**self.restarts - 1) / 2, LONGEST_PAUSE)
        self._due_at = now + pause

    def due(self, now: float) -> bool:
        """Whether it is time to start it anew."""
        return self.state == "waiting" and now >= self._due_at

    def starting(self, now: float) -> None:
        self.state = "starting"
        self.restarts += 1
        self._started_at = now

    def started(self, now: float) -> None:
        self.state = "healthy"
        self._healthy_since = now
        self.heard(now, 0.0, 0.0)

    def _wrong(self, now: float, stopped: bool) -> str | None:
        silence = now - self._heard_at
        limits = self._limits
        if stopped and silence > limits.stopped:
            return "its process is stopped"
        if silence > limits.silent:
            return f"it has not answered for {silence:.1f} s"
        if self._busy > limits.progress:
            return f"it makes no progress for {self._busy:.0f} s"
        if self._memory > limits.memory:
            return f"it holds {self._memory / 2**20:.0f} MB of memory"
        return None
