"""What a line of the log says."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

Scalar = str | int | float | bool | None

LONGEST = 300
"""Letters of a field that are kept."""

COMMAND = "command"
"""The actor of what the command's own process says."""


class Event:
    """The message of a logging call: ``log.warning(Event("actor failed", actor="camera"))``.

    ``name`` is the same each time, what differs is in ``fields``: numbers, names and reasons.
    Never a word of what was said.
    """

    def __init__(self, name: str, /, **fields: Scalar) -> None:
        self.name = name
        self.fields = {
            key: value[:LONGEST] if isinstance(value, str) else value
            for key, value in fields.items()
        }

    def __str__(self) -> str:
        told = ", ".join(f"{key}: {value}" for key, value in self.fields.items())
        return f"{self.name} ({told})" if told else self.name


@dataclass(frozen=True, slots=True)
class Line:
    """One event as it happened, at ``time`` (s since 1970), in the process of ``actor``."""

    time: float
    level: int
    actor: str
    event: str
    fields: dict[str, Scalar]

    @property
    def level_name(self) -> str:
        return logging.getLevelName(self.level).lower()

    def __str__(self) -> str:
        return self.text()

    def json(self) -> str:
        told = {
            "time": datetime.fromtimestamp(self.time, UTC),
            "level": self.level_name,
            "actor": self.actor,
            "event": self.event,
            "fields": self.fields,
        }
        return msgspec.json.encode(told).decode()

    def text(self) -> str:
        event = Event(self.event, **self.fields)
        clock = datetime.fromtimestamp(self.time).astimezone()
        return f"{clock:%H:%M:%S} {self.level_name} {self.actor}: {event}"


def line_of(record: logging.LogRecord, actor: str = COMMAND) -> Line:
    """A record of Python's logging as a line.

    Of an exception only the kind and the place are told: what it says may hold what was said.
    """
    if isinstance(record.msg, Line):
        return record.msg
    event = record.msg if isinstance(record.msg, Event) else Event(record.getMessage()[:LONGEST])
    fields = dict(event.fields)
    if record.exc_info and record.exc_info[0] is not None:
        fields["error"] = record.exc_info[0].__name__
        trace = record.exc_info[2]
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is not None:
            fields["at"] = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
    return Line(record.created, record.levelno, actor, event.name, fields)


def as_record(line: Line) -> logging.LogRecord:
    """A line on its way through Python's logging."""
    return logging.makeLogRecord({"msg": line, "levelno": line.level, "created": line.time})
