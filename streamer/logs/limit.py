"""How much of the same a log takes."""

import logging
import time
from collections.abc import Callable, Iterator

from streamer.logs.event import Line, Scalar, as_record, line_of

LINES, PER_SECONDS = 10, 60.0
"""Lines of one event of one actor within a minute; the others are counted."""

KINDS = 500
"""Events told apart; those of more are counted together."""


class Limited(logging.Handler):
    """Passes lines on to ``target``, but of the same event no more than ``lines`` in any
    ``seconds``: how many were suppressed is told in a line of its own, when that time is over."""

    def __init__(
        self,
        target: logging.Handler,
        lines: int = LINES,
        seconds: float = PER_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(target.level)
        self._target = target
        self._lines = lines
        self._seconds = seconds
        self._clock = clock
        self._periods: dict[tuple[str, str], _Period] = {}

    def emit(self, record: logging.LogRecord) -> None:
        line, now = line_of(record), self._clock()
        for told in self._over(lambda period: now >= period.until):
            self._target.handle(told)
        key = (line.actor, line.event)
        if key not in self._periods and len(self._periods) >= KINDS:
            key = ("", "")
        period = self._periods.setdefault(key, _Period(line, now + self._seconds))
        period.lines += 1
        if period.lines <= self._lines:
            self._target.handle(as_record(line))

    def close(self) -> None:
        """Tells what was suppressed until now."""
        for told in self._over(lambda _: True):
            self._target.handle(told)
        self._target.close()
        super().close()

    def _over(self, is_over: "Callable[[_Period], bool]") -> Iterator[logging.LogRecord]:
        for key, period in [*self._periods.items()]:
            if is_over(period):
                del self._periods[key]
                if period.lines > self._lines:
                    yield as_record(period.told(period.lines - self._lines))


class _Period:
    """The time that begins with the first ``line`` of an event."""

    def __init__(self, line: Line, until: float) -> None:
        self.until = until
        self.lines = 0
        self._line = line

    def told(self, suppressed: int) -> Line:
        first = self._line
        fields: dict[str, Scalar] = {"of": first.event, "lines": suppressed}
        return Line(time.time(), first.level, first.actor, "suppressed", fields)
