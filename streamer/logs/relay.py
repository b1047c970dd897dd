"""The log of an actor's process, on its way to the command's."""

import logging
import threading
from collections import deque
from collections.abc import Iterable

from streamer.logs.event import Line, Scalar, as_record, line_of

OURS = ("streamer", "actors", "models")
"""Packages whose log this is. What libraries log may hold anything."""

WAITING = 200
"""Lines that wait to be fetched; of more the oldest go."""

RELAYED = logging.getLogger("actors.relayed")


class Relay(logging.Handler):
    """Keeps what the process logs, from level info on, until it is fetched."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: deque[Line] = deque()
        self._lost = 0
        self._lock = threading.Lock()

    def install(self) -> None:
        """From now on it hears what our packages log."""
        for name in OURS:
            logger = logging.getLogger(name)
            logger.setLevel(logging.INFO)
            logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        with self._lock:
            if len(self._lines) == WAITING:
                self._lines.popleft()
                self._lost += 1
            self._lines.append(line_of(record, ""))

    def fetch(self) -> tuple[Line, ...]:
        """All since the last time; where some were lost, a line says how many."""
        with self._lock:
            lines, lost = [*self._lines], self._lost
            self._lines.clear()
            self._lost = 0
        if lost:
            fields: dict[str, Scalar] = {"lines": lost}
            lines.append(Line(lines[-1].time, logging.WARNING, "", "lines lost", fields))
        return tuple(lines)


def relay(lines: Iterable[Line], actor: str) -> None:
    """Log in this process what ``actor`` has logged in its own."""
    for line in lines:
        if RELAYED.isEnabledFor(line.level):
            told = Line(line.time, line.level, actor, line.event, line.fields)
            RELAYED.handle(as_record(told))
