"""The live view in the terminal: fits 80 x 24, and reads without colour."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from rich.bar import Bar
from rich.console import Console as Terminal
from rich.console import ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from streamer.feed.messages import (
    HealthMessage,
    Message,
    Reliability,
    SentimentMessage,
    TranscriptMessage,
)
from streamer.plot import Point, ValuePlot, sign_style
from streamer.summary import RELIABLE, dropped_text, latency_text

SPAN = 60.0
"""Seconds of the value that are shown."""

REFRESHES = 4
"""Per second."""

BAR = 24
"""Characters of a full bar; what is left is for the reason."""

TRANSCRIPT_LINES = 2
TRANSCRIPTS_OFF = "transcripts are off: --transcripts shows and publishes them"


class Console:
    """Shows the messages of one participant as they come.

        with Console(["text", "audio", "vision"], show_transcript=True) as console:
            console.update(message)

    ``caption`` is a line of the caller's own under the title, ``note`` one at the bottom. ``hop``
    is the time between two windows in seconds. Updating and drawing may happen in different
    threads.
    """

    def __init__(
        self,
        stream_names: Sequence[str],
        show_transcript: bool,
        *,
        hop: float = 0.5,
        note: str = "",
        terminal: Terminal | None = None,
    ) -> None:
        self.caption = ""
        self._stream_names = tuple(stream_names)
        self._show_transcript = show_transcript
        self._hop = hop
        self._note = note
        self._lock = threading.Lock()
        self._windows: dict[float, SentimentMessage] = {}
        self._newest: SentimentMessage | None = None
        self._health: HealthMessage | None = None
        self._words: deque[str] = deque(maxlen=60)
        self._latencies: deque[float] = deque(maxlen=1000)
        self._live = Live(
            console=terminal,
            screen=True,
            refresh_per_second=REFRESHES,
            get_renderable=self.render,
        )

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def update(self, message: Message) -> None:
        """Take in a message; it is shown with the next refresh."""
        with self._lock:
            if isinstance(message, HealthMessage):
                self._health = message
            elif isinstance(message, TranscriptMessage):
                self._words.extend(word.text.strip() for word in message.words)
            else:
                self._add_window(message)

    def render(self) -> RenderableType:
        """The view as it is now."""
        with self._lock:
            return Group(
                self._title(),
                Text(self.caption, style="bold", no_wrap=True, overflow="ellipsis"),
                Panel(Group(self._value(), self._plot()), title="sentiment", title_align="left"),
                Panel(self._reliability(), title="reliability", title_align="left"),
                Panel(self._transcript(), title="words", title_align="left"),
                self._figures(),
                Text(self._note, style="dim", no_wrap=True, overflow="ellipsis"),
            )

    def _add_window(self, message: SentimentMessage) -> None:
        self._windows[message.window.end] = message
        newest = max(self._windows)
        self._newest = self._windows[newest]
        if message.revision == 0 and message.latency_ms is not None:
            self._latencies.append(message.latency_ms)
        for end in [end for end in self._windows if end < newest - SPAN - self._hop]:
            del self._windows[end]

    def _title(self) -> RenderableType:
        line = Table.grid(expand=True)
        line.add_column(no_wrap=True, overflow="ellipsis")
        line.add_column(justify="right", no_wrap=True)
        health, known = self._health, self._health or self._newest
        name = f"{known.participant} in session {known.session}" if known else "starting"
        state = f"{health.state}, {_duration(health.uptime_s)}" if health else ""
        if health and (told := _told(health)):
            state = f"{state} ({told})"
        line.add_row(Text.assemble(("qamoe-stream", "bold"), f"  {name}"), Text(state))
        return line

    def _value(self) -> Text:
        if self._newest is None:
            return Text("waiting for the first window")
        sentiment = self._newest.sentiment
        if sentiment is None:
            reason = self._newest.reason or "no reason given"
            line = Text(f"no estimate: {reason}", style="bold yellow")
        else:
            line = Text.assemble(
                (
                    f"{sentiment.label} {sentiment.value:+.2f}",
                    f"bold {sign_style(sentiment.value)}",
                ),
                f" ± {sentiment.uncertainty:.2f}",
            )
        line.no_wrap, line.overflow = True, "ellipsis"
        return line

    def _plot(self) -> ValuePlot:
        windows = dict(self._windows)
        longest = self._hop * 1.5  # a window stands for the time until the next one

        def point_at(start: float, end: float) -> Point | None:
            since = min(start, end - longest)
            last = max((moment for moment in windows if since < moment <= end), default=None)
            sentiment = None if last is None else windows[last].sentiment
            return None if sentiment is None else Point(sentiment.value, sentiment.uncertainty)

        return ValuePlot(max(windows, default=0.0), SPAN, point_at)

    def _reliability(self) -> Table:
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(width=max(map(len, self._stream_names)))
        table.add_column(width=BAR)
        table.add_column(width=4)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for name in self._stream_names:
            table.add_row(name, *self._stream(name))
        return table

    def _stream(self, name: str) -> tuple[RenderableType, str, Text]:
        """Bar, number and remark of a stream."""
        found = self._newest.reliability.get(name) if self._newest else None
        state = self._health.streams.get(name) if self._health else None
        remarks: list[str] = [state.state] if state and state.state != "live" else []
        if found is None:
            return "", "-", Text(" ".join(remarks) or ("off" if self._newest else ""))
        if found.reason and found.value <= RELIABLE:
            remarks.append(found.reason)
        bar = Bar(1.0, 0.0, found.value, color=_grade(found), bgcolor="grey23")
        return bar, f"{found.value:.2f}", Text(": ".join(remarks), style="yellow")

    def _transcript(self) -> "LastLines":
        if not self._show_transcript:
            return LastLines(Text(TRANSCRIPTS_OFF, style="dim"), TRANSCRIPT_LINES)
        words = Text(" ".join(self._words)) if self._words else Text("no words yet", style="dim")
        return LastLines(words, TRANSCRIPT_LINES)

    def _figures(self) -> Text:
        health = self._health
        windows = f"{health.windows} ({health.late_windows} late)" if health else "0"
        dropped = dropped_text([health] if health else [])
        return Text(
            f"latency {latency_text(self._latencies)} | windows {windows} | dropped {dropped}",
            no_wrap=True,
            overflow="ellipsis",
        )


@dataclass(frozen=True, slots=True)
class LastLines:
    """The end of a text, always ``count`` lines high."""

    text: Text
    count: int

    def __rich_console__(self, console: Terminal, options: ConsoleOptions) -> RenderResult:
        lines = self.text.wrap(console, options.max_width)[-self.count :]
        yield from lines
        yield from [Text("")] * (self.count - len(lines))


def _grade(reliability: Reliability) -> str:
    """Colour of a bar: it repeats what the bar's length says."""
    return (
        "green" if reliability.value > RELIABLE else "yellow" if reliability.value > 0.2 else "red"
    )


def _told(health: HealthMessage) -> str:
    """What is wrong, and what is left out since the machine is too slow."""
    said = [health.reason] if health.reason else []
    if health.retreat is not None:
        at = health.retreat
        said.append(f"too slow: {at.name} since {_duration(at.since_s)}")
    return "; ".join(said)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"
