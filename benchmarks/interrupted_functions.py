"""An interrupt in every function that the command calls while it starts, a run for each.

    python -m benchmarks.interrupted_functions [--every 5] [--from 1] [--out functions.jsonl]

Random moments nearly always hit the few functions in which it waits. A library may swallow an
exception in any other, or leave behind what it was at: this goes through them, in the order in
which they are called first, so that ``--every 1`` leaves none out. What is wrong with a run's end,
or left behind, is named; with ``--out`` every run is kept as a line.
"""

import argparse
import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.interrupted import Run, adopt_orphans
from streamer.assets import Assets
from streamer.settings import load_settings
from streamer.signals import interrupt_once

INTERRUPTING = "benchmarks.interrupting"
CALLED = "functions"


@dataclass(frozen=True)
class Ending:
    """How the run ended that was interrupted in ``function``, ``seconds`` after its own start."""

    number: int
    function: str
    seconds: float
    wrong: tuple[str, ...]


def functions(film: Path) -> int:
    """How many the command calls until the first window."""
    with _run(film, 0) as run:
        run.until_window(0.0)
        count = len(_called(run))
        run.send(signal.SIGINT)
        _, wrong = _end(run)
    if wrong:
        raise SystemExit(f"interrupted in no function, but at its first window: {wrong}")
    return count


def interrupted(film: Path, number: int) -> Ending:
    with _run(film, number) as run:
        called, wrong = _end(run)
        seconds = time.monotonic() - run.began
    if len(called) < number:
        wrong.append(f"only {len(called)} functions were called")
    return Ending(number, called[-1], round(seconds, 2), tuple(wrong))


def _run(film: Path, number: int) -> Run:
    return Run(film, None, lambda folder: (INTERRUPTING, str(number), str(folder / CALLED)))


def _called(run: Run) -> list[str]:
    return (run.folder / CALLED).read_text().splitlines()


def _end(run: Run) -> tuple[list[str], list[str]]:
    """The functions it has called, and what was wrong with its end."""
    code = run.wait()
    called = _called(run)
    (run.folder / CALLED).unlink()
    return called, list(run.wrong(code))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=5, help="so many-th function only")
    parser.add_argument("--from", type=int, default=1, dest="first", help="the first one")
    parser.add_argument("--out", type=Path, help="a line of JSON for each run")
    chosen = parser.parse_args()
    interrupt_once()
    adopt_orphans()
    film = Assets(load_settings().assets).file("demo-media", "WolfgangLanger_Pexels.mp4")
    count = functions(film)
    print(f"{count} functions, load {os.getloadavg()[0]:.1f}", flush=True)
    endings = []
    with suppress(KeyboardInterrupt):
        for number in range(chosen.first, count + 1, chosen.every):
            ending = interrupted(film, number)
            endings.append(ending)
            if chosen.out is not None:
                with chosen.out.open("a") as file:
                    file.write(json.dumps(asdict(ending)) + "\n")
            if ending.wrong:
                print(ending, flush=True)
    wrong = sum(bool(ending.wrong) for ending in endings)
    print(f"{len(endings)} interrupted, {wrong} not in order")


if __name__ == "__main__":
    main()
