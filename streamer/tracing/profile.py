"""A profile: a file in Chrome's trace event format, which Perfetto opens."""

import os
from pathlib import Path
from typing import Any

import msgspec

from streamer.errors import SettingError
from streamer.tracing.windows import WindowTrace, Work

WINDOWS = 0
"""The process under which the windows are shown; real ones have higher numbers."""

Event = dict[str, Any]


class Profile:
    """Writes each window on a track of its own, and each actor's work on the actor's.

    At ``limit`` bytes it takes no more and counts what is ``left_out``; what is there stays
    readable, even where the end is missing. Raises SettingError for a file that cannot be made.
    """

    def __init__(self, file: Path, limit: int) -> None:
        self.windows = 0
        self.left_out = 0
        self.file = file
        self._began: int | None = None
        self._limit = limit
        self._named: set[int] = set()
        try:
            self._stream = open(file, "w", encoding="utf-8", opener=_owners)  # noqa: SIM115
            self._size = self._stream.write("[\n")
            self._put([_name(WINDOWS, "windows")])
        except OSError as error:
            raise SettingError(f"trace.profile = {file}: {error.strerror}") from None

    def add(self, trace: WindowTrace) -> None:
        """Write a window; where the disk is full, leave it out."""
        if self._size >= self._limit:
            self.left_out += 1
            return
        try:
            self._put(self._events(trace))
            self.windows += 1
        except OSError:
            self.left_out += 1
            self._limit = 0

    def close(self) -> None:
        try:
            self._stream.write("\n]\n")
            self._stream.close()
        except OSError:
            self.left_out += 1

    @property
    def outcome(self) -> str:
        """What has come of it, in one line."""
        more = f", {self.left_out} left out" if self.left_out else ""
        return f"profile     {self.file} ({self.windows} windows{more})"

    def _put(self, events: list[Event]) -> None:
        first = self._size == len("[\n")
        text = ",\n".join(msgspec.json.encode(event).decode() for event in events)
        self._size += self._stream.write(text if first else f",\n{text}")
        self._stream.flush()

    def _events(self, trace: WindowTrace) -> list[Event]:
        window = {"cat": "window", "id": trace.hop, "pid": WINDOWS, "tid": WINDOWS}
        name = f"window {trace.hop}"
        if self._began is None:
            self._began = trace.begun
        events = [{**window, "name": name, "ph": "b", "ts": self._us(trace.begun)}]
        for work in trace.work:
            if work.process not in self._named:
                self._named.add(work.process)
                events.append(_name(work.process, work.actor))
            events.append(self._work(work))
        events.append({**window, "name": name, "ph": "e", "ts": self._us(trace.ended)})
        return events

    def _work(self, work: Work) -> Event:
        span = work.span
        return {
            "name": span.stage,
            "cat": "stage",
            "ph": "X",
            "ts": self._us(span.begun),
            "dur": (span.ended - span.begun) / 1000,
            "pid": work.process,
            "tid": work.process,
            "args": {"window": span.hop, "revision": span.revision},
        }

    def _us(self, moment: int) -> float:
        """Microseconds since the first window."""
        return (moment - (self._began or 0)) / 1000


def _name(process: int, name: str) -> Event:
    return {"name": "process_name", "ph": "M", "pid": process, "args": {"name": name}}


def _owners(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)
