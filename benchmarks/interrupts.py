"""Ctrl-C and SIGTERM at random moments of start, run and stop of the real command.

    python -m benchmarks.interrupts [--count 100] [--seed 1] [--out interrupts.jsonl]

Each run has a temporary folder of its own, in which its sockets lie, too; Ctrl-C reaches all that a
terminal's foreground holds, SIGTERM the command alone. One in three moments is SIGTERM's, and after
one in three a second signal follows. What is wrong with a run's end, or left behind, is named. With
``--out`` every run is kept as a line, and a second call goes on where the first was stopped.
"""

import argparse
import json
import math
import os
import random
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from benchmarks.interrupted import Run, adopt_orphans
from streamer.assets import Assets
from streamer.settings import load_settings
from streamer.signals import interrupt_once

Phase = Literal["start", "run", "stop"]
PHASES: tuple[Phase, ...] = ("start", "run", "stop")

ALLOWED_SECONDS = 3.0
SESSION_SECONDS = 3.0
RUN_SECONDS = 3.0
SECOND_WITHIN = 1.5

BEFORE_MAIN = (0, 1, 130, 143, -signal.SIGINT, -signal.SIGTERM)
"""What Python itself may end with, before the command's first line has run."""


@dataclass(frozen=True)
class Moment:
    """When and how a run is interrupted: ``after`` s from the beginning of its phase, and once more
    ``second_after`` s later."""

    number: int
    phase: Phase
    place: float
    """Of the phase's length, 0 to 1."""
    signal: int
    second: int | None
    second_after: float


@dataclass(frozen=True)
class Lengths:
    """Of the phases of a run that nobody interrupts, in s."""

    start: float
    run: float
    stop: float


@dataclass(frozen=True)
class Ending:
    """How a run ended: ``seconds`` from its first signal, None where it had ended before."""

    number: int
    phase: Phase
    signals: tuple[str, ...]
    after: float
    seconds: float | None
    code: int
    wrong: tuple[str, ...]

    @property
    def is_late(self) -> bool:
        return self.seconds is not None and self.seconds > ALLOWED_SECONDS


def moments(seed: int, count: int) -> Iterator[Moment]:
    """Each is drawn by itself, so a smaller count gives the first of them."""
    for number in range(count):
        draws = random.Random(f"{seed}/{number}")
        first, second = (
            signal.SIGTERM if draws.random() < 1 / 3 else signal.SIGINT for _ in range(2)
        )
        yield Moment(
            number,
            PHASES[number % len(PHASES)],
            draws.random(),
            first,
            second if draws.random() < 1 / 3 else None,
            draws.uniform(0, SECOND_WITHIN),
        )


def interrupted(film: Path, moment: Moment, lengths: Lengths) -> Ending:
    """One run, and how it ended."""
    with Run(film, SESSION_SECONDS if moment.phase == "stop" else None) as run:
        return _interrupt(run, moment, lengths)


def measured(film: Path) -> Lengths:
    """How long the phases take where nobody interrupts."""
    with Run(film, SESSION_SECONDS) as run:
        run.until_window(0.0)
        start = time.monotonic() - run.began
        run.until_window(SESSION_SECONDS)
        stopping_at = time.monotonic()
        code = run.wait()
        stop = time.monotonic() - stopping_at
        said, left = run.said(), list(run.left())
    if code or left:
        raise SystemExit(f"without any signal: exit code {code}, left {left}: {said}")
    return Lengths(start, RUN_SECONDS, stop)


def _interrupt(run: Run, moment: Moment, lengths: Lengths) -> Ending:
    after = moment.place * getattr(lengths, moment.phase)
    if moment.phase != "start":
        run.until_window(SESSION_SECONDS if moment.phase == "stop" else 0.0)
        _sleep_until(time.monotonic() + after)
    else:
        _sleep_until(run.began + after)
    in_control = run.is_in_control() or moment.phase != "start"
    sent = [moment.signal]
    ended_before = run.process.poll() is not None
    signalled_at = time.monotonic()
    run.send(moment.signal)
    if moment.second is not None:
        try:
            run.process.wait(moment.second_after)
        except subprocess.TimeoutExpired:
            sent.append(moment.second)
            run.send(moment.second)
    code = run.wait()
    seconds = time.monotonic() - signalled_at
    wrong = run.left() if not in_control and code in BEFORE_MAIN else run.wrong(code)
    return Ending(
        moment.number,
        moment.phase,
        tuple(signal.Signals(number).name for number in sent),
        round(after, 2),
        None if ended_before else round(seconds, 2),
        code,
        tuple(wrong),
    )


def report(endings: list[Ending]) -> str:
    """As a table in Markdown, and what was wrong."""
    rows = [
        "| phase | runs | p50 | p95 | longest | over 3 s | ended before | something wrong |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for phase in PHASES:
        those = [ending for ending in endings if ending.phase == phase]
        times = sorted(ending.seconds for ending in those if ending.seconds is not None)
        cells = [phase, str(len(those))]
        if times:
            p95 = times[math.ceil(0.95 * len(times)) - 1]
            cells += [f"{value:.1f} s" for value in (statistics.median(times), p95, times[-1])]
        else:
            cells += ["-"] * 3
        late = sum(ending.is_late for ending in those)
        wrong = sum(bool(ending.wrong) for ending in those)
        cells += [str(count) for count in (late, len(those) - len(times), wrong)]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _sleep_until(moment: float) -> None:
    time.sleep(max(moment - time.monotonic(), 0))


def _kept(out: Path | None, seed: int) -> tuple[Lengths | None, list[Ending]]:
    if out is None or not out.exists():
        return None, []
    first, *lines = map(json.loads, out.read_text().splitlines())
    if first["seed"] != seed:
        raise SystemExit(f"{out} is of seed {first['seed']}")
    endings = [
        Ending(**{**line, "signals": tuple(line["signals"]), "wrong": tuple(line["wrong"])})
        for line in lines
    ]
    return Lengths(**first["lengths"]), endings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="a line of JSON for each run; gone on with")
    parser.add_argument("--most", type=int, help="end after so many runs, to be gone on with")
    chosen = parser.parse_args()
    interrupt_once()
    adopt_orphans()
    film = Assets(load_settings().assets).file("demo-media", "WolfgangLanger_Pexels.mp4")
    lengths, endings = _kept(chosen.out, chosen.seed)
    if lengths is None:
        lengths = measured(film)
        _keep(chosen.out, {"seed": chosen.seed, "lengths": asdict(lengths)})
    print(f"start {lengths.start:.1f} s, stop {lengths.stop:.1f} s, load {os.getloadavg()[0]:.1f}")
    known = {ending.number for ending in endings}
    todo = [moment for moment in moments(chosen.seed, chosen.count) if moment.number not in known]
    with suppress(KeyboardInterrupt):
        for moment in todo[: chosen.most]:
            ending = interrupted(film, moment, lengths)
            endings.append(ending)
            _keep(chosen.out, asdict(ending))
            print(ending, flush=True)
    print(report(endings))
    for ending in endings:
        if ending.wrong:
            print(f"{ending.number} ({ending.phase}, {ending.after} s): {'; '.join(ending.wrong)}")


def _keep(out: Path | None, line: object) -> None:
    if out is not None:
        with out.open("a") as file:
            file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
