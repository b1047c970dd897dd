"""What the live pipeline costs and how fast it answers, beside its bare components.

    python -m benchmarks.live [--file FILE] [--seconds 60]

Plays a talking head, looped, in real time through the whole pipeline; then runs the face tracker,
Whisper and the network alone over the same minute, doing the same calls, and sets processor times
side by side. Times vary with the machine, so nothing here is asserted.
"""

import argparse
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.film import TALKING_HEAD
from streamer.doctor import components as bare
from streamer.feed import Subscriber
from streamer.feed.messages import HealthMessage, SentimentMessage, TranscriptMessage
from streamer.session import Session
from streamer.settings import Settings, load_settings

SPARE_SECONDS = 60


@dataclass
class Live:
    """What was seen of a live run; times in ms but for the first estimate and processor in s."""

    first_estimate: float = 0.0
    processor: float = 0.0
    window_latency: list[float] = field(default_factory=list)
    word_latency: list[float] = field(default_factory=list)
    frames: float = 0.0
    dropped: dict[str, int] = field(default_factory=dict)
    revisions: int = 0


def run_live(settings: Settings, seconds: float) -> Live:
    """One session, from the command's start to its end."""
    seen = Live()
    began = time.monotonic()
    with Session(settings) as session, Subscriber(session.address) as feed:
        session.start()
        before = processor_seconds()
        waiting: list[float] = []
        while not session_over(seen, feed, waiting, began):
            if not seen.processor and time.monotonic() - began > seconds + SPARE_SECONDS:
                raise SystemExit("the session did not come to its end")
            if session.finished():
                seen.processor = processor_seconds() - before
                session.stop("done")
    return seen


def session_over(seen: Live, feed: Subscriber, waiting: list[float], began: float) -> bool:
    """Take in what the feed says within a quarter of a second; True after its bye."""
    until = time.monotonic() + 0.25
    while (left := until - time.monotonic()) > 0:
        message = feed.receive(left)
        if isinstance(message, SentimentMessage):
            seen.first_estimate = seen.first_estimate or time.monotonic() - began
            take_window(seen, message, waiting)
        elif isinstance(message, TranscriptMessage):
            waiting += [word.end for word in message.words]
        elif isinstance(message, HealthMessage):
            seen.frames += message.streams["vision"].rate * (message.state == "running")
            seen.dropped = {name: item.dropped for name, item in message.streams.items()}
    return feed.ended


def take_window(seen: Live, message: SentimentMessage, waiting: list[float]) -> None:
    """A word has landed with the first revision of a window that holds all of it."""
    assert message.latency_ms is not None
    if message.revision == 0:
        seen.window_latency.append(message.latency_ms)
        return
    seen.revisions += 1
    landed = [end for end in waiting if end <= message.window.end]
    behind = [1000 * (message.window.end - end) for end in landed]
    seen.word_latency += [message.latency_ms + late for late in behind]
    waiting[:] = [end for end in waiting if end > message.window.end]


def processor_seconds() -> float:
    """Of this process and all below it, since they began."""
    tree = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(sum(process.cpu_times()[:2]) for process in tree if process.is_running())


def report(settings: Settings, seconds: float) -> Table:
    """Run everything and set it side by side."""
    seen = run_live(settings, seconds)
    costs = {
        "face": bare.face(settings, seconds),
        "Whisper": sum(bare.whisper(settings, seconds)),
        "network": sum(bare.network(settings, len(seen.window_latency) + seen.revisions)),
    }
    total = sum(costs.values())
    half = len(seen.window_latency) // 2
    first, second = (np.median(part) for part in np.split(np.array(seen.window_latency), [half]))
    table = Table(
        "figure", "value", title=f"{seconds:g} s of {Path(str(settings.source.file)).name}"
    )
    table.add_row("start to first estimate", f"{seen.first_estimate:.1f} s")
    table.add_row("window's end to revision 0", percentiles(seen.window_latency))
    table.add_row("  first half, second half", f"p50 {first:.0f}, {second:.0f} ms")
    table.add_row("word's end to its revision", percentiles(seen.word_latency))
    table.add_row("windows, revisions", f"{len(seen.window_latency)}, {seen.revisions}")
    table.add_row("pictures analysed", f"{seen.frames:.0f} ({seen.frames / seconds:.1f} a second)")
    table.add_row("dropped", str(seen.dropped))
    table.add_row("processor, live", f"{seen.processor / seconds:.3f} s per second of media")
    for name, cost in costs.items():
        table.add_row(f"  bare {name}", f"{cost / seconds:.3f}")
    table.add_row("live / bare sum", f"{seen.processor / total:.2f}")
    return table


def percentiles(values: list[float]) -> str:
    if not values:
        return "-"
    p50, p95, most = np.percentile(values, [50, 95, 100])
    return f"p50 {p50:.0f}, p95 {p95:.0f}, max {most:.0f} ms ({len(values)})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", default=str(TALKING_HEAD))
    parser.add_argument("--seconds", type=float, default=60.0)
    chosen = parser.parse_args()
    if not Path(chosen.file).is_file():
        raise SystemExit(
            f"{chosen.file}: no such file; --file takes any clip with a voice and a face"
        )
    options = {
        "source.file": chosen.file,
        "source.loop": True,
        "duration": chosen.seconds,
        "feed.transcripts": True,
        "feed.bind": "tcp://127.0.0.1:0",
    }
    Console().print(report(load_settings(options=options), chosen.seconds))


if __name__ == "__main__":
    main()
