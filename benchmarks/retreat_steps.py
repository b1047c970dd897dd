"""What a session costs at each step of the retreat, per second of media.

    python -m benchmarks.retreat_steps [--file FILE] [--seconds 12]

A talking head, looped, goes in real time through the whole pipeline, which is told to retreat, step
by step. Processor times of all processes of the session; they vary with the machine, so nothing
here is asserted.
"""

import argparse
import time

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.film import parsed
from streamer.retreat import ladder
from streamer.session import Session
from streamer.settings import Settings, load_settings

SHOWN = ("transcriber", "camera", "analyzer")
WARM_UP_SECONDS = 14.0
SETTLE_SECONDS = 3.0


def used() -> dict[int, float]:
    """Processor seconds of this process and those below it, by number."""
    tree = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return {each.pid: sum(each.cpu_times()[:2]) for each in tree if each.is_running()}


def costs(session: Session, seconds: float) -> dict[str, float]:
    """Seconds of processor time per second, by part, and of all else in sum."""
    names = {pid: name for name, pid in session.processes.items() if name in SHOWN}
    before, began = used(), time.monotonic()
    time.sleep(seconds)
    after, took = used(), time.monotonic() - began
    spent = dict.fromkeys((*SHOWN, "all else"), 0.0)
    for pid, total in after.items():
        spent[names.get(pid, "all else")] += (total - before.get(pid, 0.0)) / took
    return spent


def report(settings: Settings, seconds: float) -> Table:
    """All steps, one after the other."""
    table = Table("step", "in sum", *SHOWN, "all else")
    with Session(settings) as session:
        session.start()
        time.sleep(WARM_UP_SECONDS)
        for steps_down, step in enumerate(ladder(settings, session.streams)):
            session.retreat(steps_down)
            time.sleep(SETTLE_SECONDS)
            spent = costs(session, seconds)
            table.add_row(
                step.name, *[f"{value:.2f}" for value in (sum(spent.values()), *spent.values())]
            )
        session.stop("done")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=12.0)
    chosen = parsed(parser)
    options = {
        "source.file": str(chosen.file),
        "source.loop": True,
        "feed.bind": "tcp://127.0.0.1:0",
    }
    Console().print(report(load_settings(options=options), chosen.seconds))


if __name__ == "__main__":
    main()
