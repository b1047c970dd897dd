"""What a machine that is too slow does to a session, with and without retreat.

    python -m benchmarks.overload [--cores 0.5] [--seconds 60] [--file FILE]

A talking head, looped, goes in real time through the whole pipeline: first at the machine's full
speed, then with all processes of the session together held to so much of a core by a control group
of the kernel's, which needs root, then at full speed again. Once with retreat, once without. Times
vary with the machine, so nothing here is asserted.
"""

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import yaml
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.film import parsed
from benchmarks.throttle import Throttle, UnavailableError, throttle
from streamer.feed import Subscriber
from streamer.feed.messages import HealthMessage, SentimentMessage
from streamer.packets import STREAMS

READY_SECONDS = 90.0
LEAVE_SECONDS = 30.0
FULL_SECONDS = 20.0


@dataclass
class Phase:
    """What the feed said under one limit; ``processor`` in seconds of it."""

    name: str
    seconds: float
    windows: list[SentimentMessage] = field(default_factory=list)
    health: list[HealthMessage] = field(default_factory=list)
    processor: float = 0.0

    @property
    def latencies(self) -> list[float]:
        """From the windows' ends to when they were published, ms."""
        return [1000 * (item.published_at - item.captured_at) for item in self.windows]

    def share_late(self) -> float:
        """Of the windows, those without sound or pictures that were late."""
        late = [
            any(str(part.reason).endswith(" late") for name, part in item.reliability.items()
                if name != "text" and not part.value)
            for item in self.windows
        ]  # fmt: skip
        return float(np.mean(late))

    def reliability(self, stream: str) -> float:
        """Mean over the windows."""
        return float(np.mean([item.reliability[stream].value for item in self.windows]))

    @property
    def steps(self) -> list[str]:
        """Those of the retreat, in the order in which they were told."""
        names = [item.retreat.name if item.retreat else "full" for item in self.health]
        return [name for name, last in zip(names, ["", *names], strict=False) if name != last]


@contextmanager
def session(group: Throttle, settings: Mapping[str, object]) -> Iterator[Subscriber]:
    """The feed of the command, which runs in ``group`` as a user starts it."""
    with TemporaryDirectory(prefix="overload") as folder:
        config = Path(folder) / "settings.yaml"
        config.write_text(yaml.safe_dump(dict(settings)))
        address = f"ipc://{folder}/feed"
        arguments = ["--ui", "off", "--bind", address, "--config", str(config)]
        process = subprocess.Popen(
            group.command([sys.executable, "-m", "streamer", *arguments]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            with Subscriber(address) as feed:
                yield feed
        finally:
            group.limit(None)
            process.send_signal(signal.SIGINT)
            process.wait(LEAVE_SECONDS)


def listen(feed: Subscriber, phase: Phase) -> None:
    """Note what ``feed`` says for the seconds of ``phase``."""
    until = time.monotonic() + phase.seconds
    while (left := until - time.monotonic()) > 0:
        message = feed.receive(left)
        if isinstance(message, SentimentMessage):
            if message.revision == 0:
                phase.windows.append(message)
        elif isinstance(message, HealthMessage):
            phase.health.append(message)


def measure(file: Path, cores: float, seconds: float, retreats: bool) -> list[Phase]:
    """One session through its three phases."""
    settings = {
        "source": {"file": str(file.resolve()), "loop": True},
        "retreat": {"enabled": retreats},
    }
    phases = [
        Phase("full speed", FULL_SECONDS),
        Phase(f"{cores:g} core", seconds),
        Phase("full speed again", seconds),
    ]
    with throttle() as group, session(group, settings) as feed:
        if feed.receive(READY_SECONDS) is None:
            raise SystemExit("the session did not begin in time")
        for phase, limit in zip(phases, (None, cores, None), strict=True):
            group.limit(limit)
            before = group.processor_seconds()
            listen(feed, phase)
            phase.processor = group.processor_seconds() - before
    return phases


def report(runs: Mapping[str, list[Phase]]) -> Table:
    """All phases of all runs, one below the other."""
    table = Table(
        "run", "latency p50, p95, most (ms)", "a stream late", "text, audio, vision",
        "processor", "retreat", box=box.MARKDOWN,
    )  # fmt: skip
    for name, phases in runs.items():
        for phase in phases:
            latency = np.percentile(phase.latencies, [50, 95, 100])
            table.add_row(
                f"{phase.name}, {name}",
                ", ".join(f"{value:.0f}" for value in latency),
                f"{phase.share_late():.0%}",
                ", ".join(f"{phase.reliability(stream):.2f}" for stream in STREAMS),
                f"{phase.processor / phase.seconds:.2f}",
                "; ".join(phase.steps),
            )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", type=float, default=0.5)
    parser.add_argument("--seconds", type=float, default=60.0)
    chosen = parsed(parser)
    try:
        runs = {
            name: measure(chosen.file, chosen.cores, chosen.seconds, retreats)
            for name, retreats in (("with retreat", True), ("without", False))
        }
    except UnavailableError as error:
        raise SystemExit(str(error)) from None
    Console().print(report(runs))


if __name__ == "__main__":
    main()
