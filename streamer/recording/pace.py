"""When what is in a recording was told, in session time."""

import threading
import time
from collections.abc import Callable

from streamer.feed.messages import HealthMessage, Message
from streamer.packets import SECOND, Closing, Opening
from streamer.recording.records import Record

LONGEST_WAIT = 10.0
"""Seconds. A session tells something every second; where it was held up for longer nobody waits."""


class Pace:
    """Waits between the records of a recording as long as there was between them.

    A ``paced`` session's records go by when its analyzer looked for windows, those of a file that
    was read as fast as it went by the end of what they are about.
    """

    def __init__(self, paced: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._paced = paced
        self._clock = clock
        self._epoch: float | None = None
        self._since = 0.0
        self._reached = 0.0
        self._due: float | None = None

    def wait(self, record: Record, stopping: threading.Event) -> None:
        """Return when ``record`` is due, or ``stopping`` is set."""
        if isinstance(record, Opening):
            self._epoch = record.epoch if self._epoch is None else self._epoch
            self._since = record.epoch - self._epoch
        at = self._session_time(record)
        if at is None:
            return
        if self._due is None:
            self._due = self._clock()
        reached = max(self._reached, self._since + at)
        self._due += min(reached - self._reached, LONGEST_WAIT)
        self._reached = reached
        if (remaining := self._due - self._clock()) > 0:
            stopping.wait(remaining)

    def _session_time(self, record: Record) -> float | None:
        """Seconds since its analysis began; None for what has no time of its own."""
        if isinstance(record, Closing):
            return record.now / SECOND if self._paced else None
        if self._paced or not isinstance(record, Message):
            return None
        return record.uptime_s if isinstance(record, HealthMessage) else record.window.end
