"""The traces of one session, for as long as it runs."""

import importlib.util
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol
from urllib.parse import urlsplit

from streamer.errors import SettingError
from streamer.settings import Settings
from streamer.tracing.profile import Profile
from streamer.tracing.windows import Windows, WindowTrace, Work

LOOK_SECONDS = 0.5
JOIN_SECONDS = 5.0
MEGABYTE = 1_000_000


class Traced(Protocol):
    """A session, as far as its traces want to know it."""

    name: str

    @property
    def epoch(self) -> int:
        """The value of the monotonic clock (ns) at session time 0; 0 before the start."""

    def take_work(self) -> Sequence[Work]:
        """All that was done since the last time."""


class Target(Protocol):
    """Where windows go."""

    @property
    def outcome(self) -> str: ...
    def add(self, trace: WindowTrace) -> None: ...
    def close(self) -> None: ...


def check_traces(settings: Settings) -> None:
    """Raise SettingError for a profile that cannot be there, for an endpoint that is none, or
    without what sends to it."""
    profile, endpoint = settings.trace.profile, settings.trace.endpoint
    if profile is not None and (profile.is_dir() or not profile.parent.is_dir()):
        raise SettingError(f"trace.profile = {profile}: must be a file in a folder that is there")
    if endpoint is None:
        return
    try:
        parts = urlsplit(endpoint)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise SettingError(
            f"trace.endpoint = {endpoint}: must be the address of an OTLP receiver, such as "
            "http://127.0.0.1:4318"
        )
    if importlib.util.find_spec("opentelemetry") is None:
        raise SettingError(
            "trace.endpoint needs OpenTelemetry, which is not installed: "
            "pip install 'qamoe-stream[traces]'"
        )


@contextmanager
def traced(settings: Settings, session: Traced, say: Callable[[str], None]) -> Iterator[None]:
    """Pass on what ``session`` measures meanwhile, where it is wanted; ``say`` is told what came of
    it. Raises SettingError where a file cannot be made."""
    targets = list(_targets(settings, session.name))
    ended = threading.Event()
    writer = threading.Thread(
        target=_write, args=(settings, session, targets, ended), name="traces", daemon=True
    )
    if targets:
        writer.start()
    try:
        yield
    finally:
        ended.set()
        if targets:
            writer.join(JOIN_SECONDS)
        for target in targets:
            target.close()
            say(target.outcome)


def _targets(settings: Settings, name: str) -> Iterator[Target]:
    trace = settings.trace
    if trace.profile is not None:
        yield Profile(trace.profile, trace.limit * MEGABYTE)
    if trace.endpoint is not None:
        from streamer.tracing.opentelemetry import Traces

        yield Traces(trace.endpoint, name)


def _write(
    settings: Settings, session: Traced, targets: Sequence[Target], ended: threading.Event
) -> None:
    windows = None
    last = False
    while not last:
        last = ended.wait(LOOK_SECONDS)
        work = session.take_work()
        if work and windows is None:
            windows = Windows(settings, session.epoch)
        for each in work:
            for trace in windows.add(each) if windows else ():
                _add(targets, trace)
    for trace in windows.rest() if windows else ():
        _add(targets, trace)


def _add(targets: Sequence[Target], trace: WindowTrace) -> None:
    for target in targets:
        target.add(trace)
