"""Faults done on purpose to a running session, and what its feed makes of them."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from actors.stand_in import REASON
from streamer.feed import Subscriber
from streamer.feed.messages import Message, SentimentMessage
from streamer.packets import STREAMS, Stream
from streamer.processes import is_alive
from streamer.session import Session

STREAMS_OF: dict[str, tuple[Stream, ...]] = {
    "microphone": ("audio",),
    "camera": ("vision",),
    "transcriber": ("audio",),
    "analyzer": ("audio", "vision"),
    "feed": (),
}
"""Streams whose reliability has to be 0 while an actor is not there. The text of a window is that
of its words: without a voice, and so without new words, it goes on for a while."""


RECENT = 2.0
"""Seconds for which the last window tells how things are."""


@dataclass(frozen=True)
class Fault:
    """``begin`` does it; ``end`` takes it back where it does not pass by itself. ``streams`` read 0
    in between, for a reason in which ``named`` stands."""

    name: str
    streams: tuple[Stream, ...]
    begin: Callable[[], None]
    end: Callable[[], None] | None = None
    named: str = ""
    epochs: int = 0
    """By how much the session's epoch rises."""
    lasting: bool = False
    """Whether it is for good: what has gone does not come back."""

    def is_told_by(self, window: SentimentMessage) -> bool:
        """Whether a window says that its streams come to nothing, and why."""
        parts = [window.reliability[stream] for stream in self.streams]
        return all(part.value == 0 and self.named in str(part.reason) for part in parts)


@dataclass(frozen=True)
class Outcome:
    """What came of a fault; times in s, None for what was never seen.

    ``noticed``: until a window in which its streams read 0, None also where there was no window
    before all was well again; ``recovered``: from its end until a window in which they read more
    than 0 again; ``gap``: the longest silence of the feed; ``reasons`` are those of the windows in
    between; ``touched`` the other streams that fell to 0.
    """

    name: str
    noticed: float | None
    recovered: float | None
    gap: float
    reasons: tuple[str, ...]
    touched: tuple[Stream, ...]
    lost: int


@dataclass
class Observer:
    """Keeps all that a feed says, with the time (s) at which it came, from a thread of its own.
    ``keys`` is a folder of them, where the feed is locked."""

    address: str
    session: str
    keys: Path | None = None
    seen: list[tuple[float, Message]] = field(default_factory=list)
    lost: int = 0
    _closing: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._listen, name="observer", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        if self._thread is not None:
            self._thread.join(5.0)

    def since(self, began: float) -> list[tuple[float, Message]]:
        return [item for item in list(self.seen) if item[0] >= began]

    def windows(self, began: float) -> Iterator[tuple[float, SentimentMessage]]:
        """The windows, as they closed, that came after ``began``."""
        for came, message in self.since(began):
            if isinstance(message, SentimentMessage) and message.revision == 0:
                yield came, message

    def longest_gap(self, began: float) -> float:
        """Between two messages from the last one before ``began`` on, and up to now."""
        before = [came for came, _ in list(self.seen) if came < began][-1:]
        times = [*before, *(came for came, _ in self.since(began)), time.monotonic()]
        return max((after - before for before, after in pairwise(times)), default=0.0)

    def _listen(self) -> None:
        with Subscriber(self.address, session=self.session, keys=self.keys) as feed:
            while not self._closing.is_set():
                message = feed.receive(0.1)
                if message is not None:
                    self.seen.append((time.monotonic(), message))
                self.lost = feed.gaps


def actor_faults(session: Session, memory_mb: int) -> Iterator[Fault]:
    """Kill and stop every actor there is, and let one of them swell by ``memory_mb``."""
    for name in session.processes:
        streams = tuple(stream for stream in STREAMS_OF[name] if stream in session.streams)
        named = REASON if name == "analyzer" else f"{name} restarts"
        epochs = int(name in ("analyzer", "feed"))
        for what, number in (("killed", signal.SIGKILL), ("stopped", signal.SIGSTOP)):
            begin = partial(_send, session, name, number)
            yield Fault(f"{name} {what}", streams, begin, None, named, epochs)

    def kill_both() -> None:
        for name in ("feed", "analyzer"):
            _send(session, name, signal.SIGKILL)

    yield Fault(
        "feed and analyzer killed",
        tuple(stream for stream in STREAMS_OF["analyzer"] if stream in session.streams),
        kill_both,
        None,
        REASON,
        epochs=2,
    )
    name = "camera" if "camera" in session.processes else "transcriber"
    swell = partial(session.swell, name, memory_mb)
    yield Fault(f"{name} swells", STREAMS_OF[name], swell, None, f"{name} restarts")


@dataclass(frozen=True)
class Before:
    """How a feed was before a fault: the streams that could be trusted, and whether there was an
    estimate."""

    streams: tuple[Stream, ...]
    estimated: bool
    epoch: int

    @classmethod
    def of(cls, observer: Observer) -> Self:
        windows = [window for _, window in observer.windows(time.monotonic() - RECENT)]
        last = windows[-1].reliability if windows else {}
        return cls(
            tuple(name for name in STREAMS if name in last and last[name].value > 0),
            bool(windows) and windows[-1].sentiment is not None,
            max((message.session_epoch for _, message in list(observer.seen)), default=0),
        )

    def is_back(self, window: SentimentMessage, fault: Fault) -> bool:
        """Whether all is as it was, as far as ``fault`` took it away."""
        renewed = window.session_epoch >= self.epoch + fault.epochs
        estimated = window.sentiment is not None or not self.estimated
        concerned = [name for name in fault.streams if name in self.streams]
        return (
            renewed and estimated and all(window.reliability[name].value > 0 for name in concerned)
        )


def rehearse(
    fault: Fault, observer: Observer, check: Callable[[], object], hold: float, patience: float
) -> Outcome:
    """Do a fault, hold it for ``hold`` seconds where it has an end, and wait for ``patience``
    seconds at most until it is noticed, and until all is well again.

    ``check`` is called meanwhile and raises where the session has failed.
    """
    before, began = Before.of(observer), time.monotonic()
    fault.begin()
    noticed = None
    if fault.streams:
        _wait(lambda: _first(observer, began, partial(_shows, fault, before)), check, patience)
        noticed = _first(observer, began, fault.is_told_by)
    ended = began
    if fault.end is not None:
        time.sleep(max(began + hold - time.monotonic(), 0))
        fault.end()
        ended = time.monotonic()
    since = max(ended, noticed or 0.0)
    recovered = _wait(
        lambda: _first(observer, since, lambda window: before.is_back(window, fault)),
        check,
        patience,
    )
    until = recovered or time.monotonic()
    between = [window for came, window in observer.windows(began) if came < until]
    return Outcome(
        fault.name,
        None if noticed is None else noticed - began,
        None if recovered is None else recovered - ended,
        observer.longest_gap(began),
        tuple(dict.fromkeys(_reasons(between, fault))),
        tuple(name for name in before.streams if name != "text" and _fell(between, name, fault)),
        observer.lost,
    )


def _shows(fault: Fault, before: Before, window: SentimentMessage) -> bool:
    """Whether a window tells of the fault, or comes from those that have taken its victims' place:
    that may take less time than lies between two windows."""
    return fault.is_told_by(window) or (fault.epochs > 0 and before.is_back(window, fault))


def leftovers(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that are still there."""
    return [process for process in processes if is_alive(process)]


def _send(session: Session, name: str, number: int) -> None:
    os.kill(session.processes[name], number)


def _first(
    observer: Observer, since: float, accepts: Callable[[SentimentMessage], bool]
) -> float | None:
    """When the first such window came."""
    return next((came for came, window in observer.windows(since) if accepts(window)), None)


def _wait(
    find: Callable[[], float | None], check: Callable[[], object], patience: float
) -> float | None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if (found := find()) is not None:
            return found
        check()
        time.sleep(0.05)
    return None


def _fell(windows: list[SentimentMessage], stream: Stream, fault: Fault) -> bool:
    return stream not in fault.streams and any(
        window.reliability[stream].value == 0 for window in windows
    )


def _reasons(windows: list[SentimentMessage], fault: Fault) -> Iterator[str]:
    for window in windows:
        for stream in fault.streams:
            part = window.reliability[stream]
            if part.value == 0 and part.reason:
                yield part.reason
