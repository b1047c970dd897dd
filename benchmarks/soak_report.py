"""What a long run has shown, from the samples that it kept."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from scipy.stats import theilslopes  # type: ignore[import-untyped]

HOUR = 3600.0

MINUTE = 60.0

FEWEST = 10
"""Points, of which a slope can be told."""


@dataclass(frozen=True)
class Start:
    """How a run was asked for; times in s. ``warm_up``: of the run, and of each process."""

    what: str
    seed: int
    warm_up: float
    load: float


@dataclass(frozen=True)
class Sample:
    """At ``at`` s of the run: memory by process (MB, its number), the latest published latency
    and age of the words (ms), the end of the newest window (s of media), messages so far."""

    at: float
    memory: dict[str, tuple[float, int]]
    latency: float | None
    words_age: float | None
    media: float
    messages: int


@dataclass(frozen=True)
class Incident:
    """A fault at ``at`` s; ``recovered`` after so many seconds, or never."""

    at: float
    name: str
    recovered: float | None
    gap: float


@dataclass(frozen=True)
class End:
    """``left``: processes that are still there; ``why`` it ended."""

    at: float
    lost: int
    left: int
    why: str


Line: TypeAlias = Start | Sample | Incident | End
KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in (Start, Sample, Incident, End)}


def keep(file: Path, line: Line) -> None:
    """Append a line of JSON."""
    with file.open("a") as opened:
        opened.write(json.dumps({"kind": type(line).__name__, **asdict(line)}) + "\n")


def kept(file: Path) -> list[Line]:
    """All lines of a run, also of one that was cut off."""
    rows = []
    for text in file.read_text().splitlines():
        try:
            row = json.loads(text)
        except ValueError:
            break
        rows.append(KINDS[row.pop("kind")](**row))
    return rows


def slope_of(points: Sequence[tuple[float, float]]) -> tuple[float, float, float] | None:
    """Theil and Sen's slope per hour of (s, value), with the limits of its 95 % interval; None for
    too few of them."""
    if len(points) < FEWEST:
        return None
    times, values = zip(*points, strict=True)
    found = theilslopes(values, times)
    return found.slope * HOUR, found.low_slope * HOUR, found.high_slope * HOUR


def growth_of(
    samples: Iterable[Sample], name: str, warm_up: float
) -> tuple[float, float, float] | None:
    """By how much (%) the memory of the process ``name`` grows an hour, with the limits of the 95 %
    interval: of the one that lived longest, from its ``warm_up`` on. The lowest sample of each
    minute counts: once a minute an actor gives back what it has freed (actors.heap), which is noise
    of a tenth of it, not growth."""
    by_process: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for sample in samples:
        if name in sample.memory:
            megabytes, process = sample.memory[name]
            by_process[process].append((sample.at, megabytes))
    points = max(by_process.values(), key=lambda points: points[-1][0] - points[0][0])
    lowest: dict[float, float] = {}
    for at, megabytes in points:
        if at >= points[0][0] + warm_up:
            minute = at // MINUTE * MINUTE
            lowest[minute] = min(lowest.get(minute, megabytes), megabytes)
    found = slope_of(list(lowest.items()))
    if found is None:
        return None
    level = float(np.median([*lowest.values()]))
    slope, low, high = (100 * each / level for each in found)
    return slope, low, high


def report(lines: Sequence[Line]) -> str:
    """In Markdown."""
    samples = [line for line in lines if isinstance(line, Sample)]
    incidents = [line for line in lines if isinstance(line, Incident)]
    start = next(line for line in lines if isinstance(line, Start))
    end = next((line for line in lines if isinstance(line, End)), None)
    if not samples:
        return "no sample was taken"
    said = [*_run(start, samples, end)]
    if incidents:
        said += _recoveries(incidents)
    said += ["", *_memory(samples, start.warm_up)]
    if incidents:
        said += ["", *_faults(incidents)]
    return "\n".join(said)


def _run(start: Start, samples: Sequence[Sample], end: End | None) -> Iterator[str]:
    last = samples[-1]
    settled = [sample for sample in samples if sample.at >= start.warm_up]
    yield f"- asked for: {start.what}, seed {start.seed}; load at the start {start.load:.1f}"
    yield (
        f"- really run: {last.at / 60:.1f} minutes, {last.media / HOUR:.2f} hours of media, "
        f"{last.messages} messages; {'cut off' if end is None else end.why}"
    )
    yield f"- latency of a window: {_slope(settled, 'latency')}"
    yield f"- age of the words: {_slope(settled, 'words_age')}"
    if end is not None:
        yield f"- messages lost: {end.lost}; processes left behind: {end.left}"


def _recoveries(incidents: Sequence[Incident]) -> Iterator[str]:
    times = [item.recovered for item in incidents if item.recovered is not None]
    slowest, silence = max(times, default=0.0), max(item.gap for item in incidents)
    yield (
        f"- faults: {len(incidents)}, recovered {len(times)}, the slowest after {slowest:.1f} s; "
        f"longest silence {silence:.1f} s"
    )


def _memory(samples: Sequence[Sample], warm_up: float) -> Iterator[str]:
    yield "| process | memory, last | grows an hour | how many |"
    yield "| --- | --- | --- | --- |"
    for name in sorted({name for sample in samples for name in sample.memory}):
        those = [sample.memory[name] for sample in samples if name in sample.memory]
        growth = growth_of(samples, name, warm_up)
        told = "none lived long enough to tell"
        if growth is not None:
            told = "{:+.1f} % ({:+.1f} to {:+.1f})".format(*growth)
        processes = len({process for _, process in those})
        yield f"| {name} | {those[-1][0]:.0f} MB | {told} | {processes} |"


def _faults(incidents: Sequence[Incident]) -> Iterator[str]:
    yield "| at | fault | recovered after | longest silence |"
    yield "| --- | --- | --- | --- |"
    for item in incidents:
        after = "**never**" if item.recovered is None else f"{item.recovered:.1f} s"
        yield f"| {item.at:.0f} s | {item.name} | {after} | {item.gap:.1f} s |"


def _slope(samples: Sequence[Sample], what: str) -> str:
    points = [(item.at, value) for item in samples if (value := getattr(item, what)) is not None]
    found = slope_of(points)
    if found is None:
        return "not told, or too short a run to tell"
    median = float(np.median([value for _, value in points]))
    slope, low, high = found
    return f"median {median:.0f} ms, slope {slope:+.0f} ms an hour ({low:+.0f} to {high:+.0f})"
