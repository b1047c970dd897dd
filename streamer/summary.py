"""What a whole run has shown, as a table at its end."""

from collections import Counter, deque
from collections.abc import Iterable, Sequence

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streamer.feed.messages import (
    HealthMessage,
    Message,
    SentimentMessage,
    TranscriptMessage,
)

RELIABLE = 0.5
"""A stream above it counts as reliable here; nothing is switched by it."""

OPEN_WINDOWS = 64
"""Windows that may still be revised; older ones are counted as they stand."""

LATENCIES = 100_000
"""The latest latencies kept, half a day's at two windows a second."""


class Mean:
    """Count, mean, least and greatest of the values added."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = 0.0
        self.least = float("inf")
        self.greatest = float("-inf")

    def add(self, value: float) -> None:
        self.count += 1
        self.mean += (value - self.mean) / self.count
        self.least = min(self.least, value)
        self.greatest = max(self.greatest, value)


class StreamSummary:
    """How one stream's reliability went."""

    def __init__(self) -> None:
        self.reliability = Mean()
        self.reliable = 0
        self.reasons: Counter[str] = Counter()

    def add(self, value: float, reason: str | None) -> None:
        self.reliability.add(value)
        if value > RELIABLE:
            self.reliable += 1
        elif reason:
            self.reasons[reason] += 1


class Summary:
    """Takes in every message of a run in bounded memory; ``render`` gives the table.

    Each window counts once, with its last revision.
    """

    def __init__(self, stream_names: Sequence[str]) -> None:
        self.streams = {name: StreamSummary() for name in stream_names}
        self.value = Mean()
        self.windows = 0
        self.abstained = 0
        self.abstentions: Counter[str] = Counter()
        self.words = 0
        self.transcribed = False
        self.latencies: deque[float] = deque(maxlen=LATENCIES)
        self._open: dict[tuple[str, float], SentimentMessage] = {}
        self._health: dict[str, HealthMessage] = {}

    def update(self, message: Message) -> None:
        if isinstance(message, HealthMessage):
            self._health[message.participant] = message
        elif isinstance(message, TranscriptMessage):
            self.transcribed = True
            self.words += len(message.words)
        else:
            if message.revision == 0 and message.latency_ms is not None:
                self.latencies.append(message.latency_ms)
            self._open[message.participant, message.window.end] = message
            if len(self._open) > OPEN_WINDOWS:
                self._close(next(iter(self._open)))

    def render(self) -> RenderableType:
        while self._open:
            self._close(next(iter(self._open)))
        return Group(self._stream_table(), self._value_line(), self._run_line())

    def _close(self, key: tuple[str, float]) -> None:
        window = self._open.pop(key)
        self.windows += 1
        for name, stream in self.streams.items():
            reliability = window.reliability.get(name)
            if reliability is not None:
                stream.add(reliability.value, reliability.reason)
        if window.sentiment is not None:
            self.value.add(window.sentiment.value)
        else:
            self.abstained += 1
            self.abstentions[window.reason or "no reason given"] += 1

    def _stream_table(self) -> Table:
        table = Table("stream", title="summary", title_justify="left")
        table.add_column("mean reliability", justify="right")
        table.add_column(f"windows above {RELIABLE}", justify="right")
        table.add_column("main reason when low")
        for name, stream in self.streams.items():
            seen = stream.reliability.count
            table.add_row(
                name,
                f"{stream.reliability.mean:.2f}" if seen else "off",
                f"{stream.reliable / seen:.0%}" if seen else "-",
                _most_common(stream.reasons),
            )
        return table

    def _value_line(self) -> Text:
        value = self.value
        line = "sentiment   "
        if value.count:
            line += f"mean {value.mean:+.2f}, {value.least:+.2f} to {value.greatest:+.2f}; "
        share = self.abstained / self.windows if self.windows else 0.0
        line += f"no estimate for {share:.0%} of {self.windows} windows"
        return Text(line + (f" ({_most_common(self.abstentions)})" if self.abstained else ""))

    def _run_line(self) -> Text:
        words = f"{self.words}" if self.transcribed else "not published"
        return Text(
            f"run         latency {latency_text(self.latencies)}; "
            f"dropped {dropped_text(self._health.values())}; words {words}"
        )


def latency_text(latencies: Sequence[float]) -> str:
    """Median and 95th percentile of milliseconds, in words."""
    if not latencies:
        return "-"
    median, slow = np.percentile(np.asarray(latencies), [50, 95])
    return f"p50 {median:.0f} ms, p95 {slow:.0f} ms"


def dropped_text(reports: Iterable[HealthMessage]) -> str:
    """What was lost according to each participant's latest health: the sum, and where."""
    lost: Counter[str] = Counter()
    for report in reports:
        lost.update({name: stream.dropped for name, stream in report.streams.items()})
        lost["feed"] += report.publisher_dropped
    places = [f"{name} {count}" for name, count in lost.items() if count]
    return f"{lost.total()} ({', '.join(places)})" if places else "0"


def _most_common(reasons: Counter[str]) -> str:
    return reasons.most_common(1)[0][0] if reasons else "-"
