"""One run of the pipeline in front of a user: from the first signal to the summary."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal, Protocol, Self

from rich.console import Console as Terminal

from streamer.console import Console
from streamer.control.server import controlled
from streamer.errors import SettingError, UserError
from streamer.feed.codec import json_line
from streamer.feed.messages import HealthMessage, Message
from streamer.feed.subscriber import Subscriber
from streamer.logs.event import Event
from streamer.logs.writing import logged
from streamer.packets import STREAMS
from streamer.recording.writer import ending
from streamer.reel import Caption
from streamer.session import Session
from streamer.settings import Settings
from streamer.signals import set_by_signals
from streamer.summary import Summary
from streamer.supervision import Vitals
from streamer.timeline.course import Timeline
from streamer.tracing.session import traced
from streamer.tracing.windows import Work

log = logging.getLogger(__name__)

View = Literal["auto", "off", "json"]

POLL_SECONDS = 0.2
CHECK_SECONDS = 1.0
BYE_SECONDS = 3.0


class Playable(Protocol):
    """What ``show`` plays: a live session, or one that is told from a recording.

    Entered, it is ready and has an ``address``; from ``start`` on it publishes until it is
    ``finished``; ``stop`` makes it say ``bye``. ``stop_requested`` is set where somebody else than
    the person in front of it wants it to end. ``descriptions`` says what it consists of,
    ``vitals`` how its actors are, ``take_work`` what they have done since session time 0 was at
    ``epoch``.
    """

    name: str
    address: str
    descriptions: dict[str, str]
    stop_requested: threading.Event

    @property
    def vitals(self) -> Mapping[str, Vitals]: ...
    @property
    def epoch(self) -> int: ...
    def take_work(self) -> Sequence[Work]: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *error: Any) -> None: ...
    def start(self) -> None: ...
    def finished(self) -> bool: ...
    def stop(self, reason: str) -> None: ...


Beside = Callable[[str], AbstractContextManager[object]]
"""What runs beside a session, made from the address of its feed."""


def run(
    settings: Settings,
    view: View,
    captions: Sequence[Caption] = (),
    plot: Path | None = None,
    beside: Beside = nullcontext,
) -> None:
    """Run a live session; see ``show``. Raises UserError."""
    said = _terminal(settings)
    with logged(settings.log):
        session = Session(settings)
        said.print("loading the models", style="dim")
        show(session, view, settings, captions, plot, beside)
    if settings.feed.record is not None:
        outcome = _recorded(Path(settings.feed.record).absolute())
        said.print(outcome, markup=False, highlight=False, soft_wrap=True)


def show(
    session: Playable,
    view: View,
    settings: Settings,
    captions: Sequence[Caption] = (),
    plot: Path | None = None,
    beside: Beside = nullcontext,
) -> None:
    """Play a session until its source ends, its duration is over, or SIGINT or SIGTERM comes.

    ``view``: ``auto`` is the live view on a terminal and JSON lines elsewhere, ``json`` one message
    a line on standard output, ``off`` nothing. What is said besides goes to standard error. At the
    end a picture of the run is written to ``plot``, a PNG that ``check_picture`` accepts. Where the
    settings ask for the dashboard, it is served meanwhile. Raises UserError.
    """
    live = view == "auto" and sys.stdout.isatty()
    lines = view == "json" or (view == "auto" and not live)
    said = _terminal(settings)
    outcomes: list[str] = []
    with (
        _dashboard(settings) as (dashboard, dashboard_url),
        _metrics(settings) as (measured, metrics_url),
        session,
        set_by_signals() as stopping,
        controlled(session, settings) as control,
        beside(session.address),
        dashboard(session.address),
        measured(session),
        traced(settings, session, outcomes.append),
    ):
        for name, description in session.descriptions.items():
            said.print(f"{name}: {description}", style="dim", markup=False, highlight=False)
        if control:
            said.print(f"control: {control}", style="dim", markup=False, highlight=False)
        if metrics_url:
            said.print(f"metrics: {metrics_url}", style="dim", markup=False, highlight=False)
        log.info(Event("session ready", session=session.name, feed=session.address))
        summary = Summary(STREAMS)
        timeline = Timeline(STREAMS, settings.window.hop)
        console = Console(
            STREAMS, settings.feed.transcripts, hop=settings.window.hop, note=dashboard_url
        )
        show_message = _shown(console if live else None, lines, captions)
        shown: AbstractContextManager[object] = console if live else nullcontext()
        feed = Subscriber(session.address, session=session.name, keys=settings.feed.keys)
        with feed, shown:
            for message in _messages(session, feed, stopping):
                summary.update(message)
                timeline.update(message)
                show_message(message)
        said.print(summary.render())
        log.info(Event("session over", session=session.name, windows=summary.windows))
        if plot is not None:
            outcomes.append(_draw(timeline, captions, plot))
    for outcome in outcomes:
        said.print(outcome, markup=False, highlight=False, soft_wrap=True)


def _terminal(settings: Settings) -> Terminal:
    """For what is said to a person; where a log takes its place, silent."""
    return Terminal(stderr=True, quiet=settings.log.takes_terminal)


def _recorded(file: Path) -> str:
    """What has become of the recording, in one line."""
    if not file.exists():
        return f"recording   none: {file} is gone"
    size, reason = ending(file)
    return f"recording   {file} ({size / 1e6:.1f} MB), {reason or 'cut off'}"


@contextmanager
def _dashboard(settings: Settings) -> Iterator[tuple[Beside, str]]:
    """What shows a feed in a browser, and where; nothing unless it is asked for."""
    if not settings.dashboard.enabled:
        yield nullcontext, ""
        return
    from streamer.web.gateway import Gateway

    with Gateway(settings.dashboard, settings.feed.keys) as gateway:
        yield gateway.hearing, gateway.url


@contextmanager
def _metrics(
    settings: Settings,
) -> Iterator[tuple[Callable[[Playable], AbstractContextManager[object]], str]]:
    """What counts a session for Prometheus, and where; nothing unless it is asked for."""
    if settings.metrics.port is None:
        yield nullcontext, ""
        return
    from streamer.metrics.session import SessionMetrics

    metrics = SessionMetrics(settings.metrics.port, settings.feed.keys)
    with metrics.server as server:
        yield metrics.hearing, server.url


def _draw(timeline: Timeline, captions: Sequence[Caption], file: Path) -> str:
    """Draws after the bye, so that nobody waits for it. What has come of it, in one line."""
    if not timeline:
        return "picture     none: not one window was analysed"
    from streamer.timeline.picture import draw  # takes a second, and most runs end without it

    try:
        draw(timeline, captions, file)
    except OSError as error:
        raise SettingError(f"option --plot {str(file)!r}: {error.strerror or error}") from None
    return f"picture     {file.resolve()}"


def _messages(session: Playable, feed: Subscriber, stopping: threading.Event) -> Iterator[Message]:
    """What the feed says, from the start to the bye."""
    session.start()
    reason = "interrupted"
    check_at = time.monotonic() + CHECK_SECONDS
    try:
        while not stopping.is_set():
            message = feed.receive(POLL_SECONDS)
            if message is not None:
                yield message
            if session.stop_requested.is_set():
                reason = "stopped over the control socket"
                break
            if time.monotonic() >= check_at:
                if session.finished():
                    reason = "the source has ended"
                    break
                check_at = time.monotonic() + CHECK_SECONDS
    except BaseException as error:
        session.stop(f"failed: {error}" if isinstance(error, UserError) else "failed")
        raise
    log.info(Event("session stops", reason=reason))
    stopper = threading.Thread(target=session.stop, args=(reason,), daemon=True)
    stopper.start()
    until = time.monotonic() + BYE_SECONDS
    while not feed.ended and (time.monotonic() < until or stopper.is_alive()):
        message = feed.receive(POLL_SECONDS)
        if message is not None:
            yield message
    stopper.join(BYE_SECONDS)


def _shown(
    console: Console | None, lines: bool, captions: Sequence[Caption]
) -> Callable[[Message], None]:
    def show(message: Message) -> None:
        if lines:
            print(json_line(message), flush=True)
        if console is not None:
            console.update(message)
            if not isinstance(message, HealthMessage):
                console.caption = caption_at(captions, message.window.end)

    return show


def caption_at(captions: Sequence[Caption], time: float) -> str:
    """What is being shown at ``time``, in seconds; empty where nothing is said."""
    return next((item.text for item in captions if item.start < time <= item.end), "")
