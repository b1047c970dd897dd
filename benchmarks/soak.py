"""A long run: with faults in real time, or hours of media as fast as it goes.

    python -m benchmarks.soak [--minutes 60] [--fault-every 120] [--seed 1]
    python -m benchmarks.soak --speed max [--media-hours 12]
    python -m benchmarks.soak --report soak.jsonl

In real time it hears PulseAudio's microphone and sees a network camera, as benchmarks.faults does,
with one of those faults at a time, drawn from the seed. At ``--speed max`` it reads the demo's film
again and again, without faults. Samples are kept in ``--out`` as it goes; Ctrl-C ends it early, and
the report tells what there was.
"""

import argparse
import os
import random
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from benchmarks.faults import HOLD, PATIENCE, scene
from benchmarks.soak_report import End, Incident, Sample, Start, keep, kept, report
from streamer.assets import Assets
from streamer.cluster import VITAL
from streamer.errors import PipelineError
from streamer.faults import Observer, leftovers, rehearse
from streamer.feed.messages import SentimentMessage
from streamer.processes import wait_for_end
from streamer.reel import render
from streamer.session import Session
from streamer.settings import load_settings
from streamer.signals import interrupt_once

SAMPLE_SECONDS = 5.0
VANISH_SECONDS = 3.0
START_SECONDS = 300.0
"""What the voice goes on for while the session starts and a last fault passes."""
RECENT = 200
"""Messages that are kept in memory between two faults."""


class Soak:
    """What is seen of ``session``; samples of it go into ``out``."""

    def __init__(self, session: Session, observer: Observer, out: Path) -> None:
        self.below: set[psutil.Process] = set()
        self._session = session
        self._observer = observer
        self._out = out
        self._began = time.monotonic()
        self._sampled_at = 0.0
        self._counted = self._messages = 0
        self._media = 0.0

    @property
    def at(self) -> float:
        """Seconds of the run."""
        return round(time.monotonic() - self._began, 1)

    def look(self) -> bool:
        """Whether it is over; keeps a sample where one is due. Raises PipelineError."""
        if time.monotonic() - self._sampled_at >= SAMPLE_SECONDS:
            self._sampled_at = time.monotonic()
            self.below |= set(psutil.Process().children(recursive=True))
            keep(self._out, self._sample())
        return self._session.finished()

    def wait(self, seconds: float) -> bool:
        """Whether it is over before so many seconds have passed."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.look():
                return True
            self._forget()
            time.sleep(0.1)
        return False

    def end(self, why: str) -> End:
        """To be asked when the session has been taken down."""
        below = list(self.below)
        wait_for_end(below, VANISH_SECONDS)
        return End(self.at, self._observer.lost, len(leftovers(below)), why)

    def _sample(self) -> Sample:
        heard = [message for _, message in self._observer.seen[self._counted :]]
        windows = [item for item in heard if isinstance(item, SentimentMessage)]
        closed = [item for item in windows if item.revision == 0]
        self._counted += len(heard)
        self._messages += len(heard)
        self._media = max([self._media, *(item.window.end for item in closed)])
        memory = {name: (used, process) for name, process in self._processes().items()
                  if (used := megabytes(process)) is not None}  # fmt: skip
        return Sample(
            self.at,
            memory,
            closed[-1].latency_ms if closed else None,
            closed[-1].words_age_ms if closed else None,
            self._media,
            self._messages,
        )

    def _processes(self) -> dict[str, int]:
        """The actors', Ray's own, and this one, which is what a command's would be."""
        found = {**self._session.processes, "command": os.getpid()}
        for process in psutil.Process().children():
            with suppress(psutil.NoSuchProcess):
                if process.name() in VITAL:
                    found[process.name()] = process.pid
        return found

    def _forget(self) -> None:
        forgotten = max(self._counted - RECENT, 0)
        del self._observer.seen[:forgotten]
        self._counted -= forgotten


def megabytes(process: int) -> float | None:
    """Memory of no file: whether that of libraries is shared depends on who else loads them."""
    with suppress(psutil.Error):
        memory = psutil.Process(process).memory_info()
        return round((memory.rss - memory.shared) / 2**20, 2)
    return None


def with_faults(minutes: float, every: float, seed: int, out: Path) -> End:
    """In real time, with a fault every ``every`` seconds."""
    draws, why = random.Random(seed), "ended as asked"
    with scene(Assets(load_settings().assets), 60 * minutes + START_SECONDS) as shown:
        soak = Soak(shown.session, shown.observer, out)
        try:
            while soak.at < 60 * minutes and not soak.wait(min(every, 60 * minutes - soak.at)):
                if soak.at + every / 2 > 60 * minutes:
                    continue
                faults = [fault for fault in shown.faults() if not fault.lasting]
                fault = draws.choice(sorted(faults, key=lambda each: each.name))
                at = soak.at
                outcome = rehearse(fault, shown.observer, soak.look, HOLD, PATIENCE)
                incident = Incident(at, fault.name, outcome.recovered, round(outcome.gap, 2))
                keep(out, incident)
                print(incident, flush=True)
        except (KeyboardInterrupt, PipelineError) as error:
            why = _told(error)
    return soak.end(why)


def at_full_speed(hours: float, out: Path) -> End:
    """So many hours of media, as fast as it goes."""
    why = "ended as asked"
    with TemporaryDirectory(prefix="soak") as folder:
        film = Path(folder) / "reel.mp4"
        render(Assets(load_settings().assets).path("demo-media"), film)
        options = {
            "source.file": str(film),
            "source.loop": True,
            "source.speed": "max",
            "duration": hours * 3600,
            "feed.bind": "tcp://127.0.0.1:0",
        }
        with (
            Session(load_settings(options=options)) as session,
            Observer(session.address, session.name) as observer,
        ):
            soak = Soak(session, observer, out)
            session.start()
            try:
                while not soak.wait(60.0):
                    print(f"{soak.at / 60:.0f} minutes", flush=True)
            except (KeyboardInterrupt, PipelineError) as error:
                why = _told(error)
            session.stop("done")
    return soak.end(why)


def _told(error: BaseException) -> str:
    return "interrupted" if isinstance(error, KeyboardInterrupt) else f"failed: {error}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--fault-every", type=float, default=120.0, help="seconds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", choices=["real", "max"], default="real")
    parser.add_argument("--media-hours", type=float, default=12.0)
    parser.add_argument(
        "--warm-up",
        type=float,
        default=600.0,
        help="seconds left out, of the run and of each process",
    )
    parser.add_argument("--out", type=Path, default=Path("soak.jsonl"))
    parser.add_argument("--report", type=Path, help="only tell what this file holds")
    chosen = parser.parse_args()
    if chosen.report is None:
        interrupt_once()
        load = os.getloadavg()[0]
        what = f"{chosen.minutes:g} minutes with a fault every {chosen.fault_every:g} s"
        if chosen.speed == "max":
            what = f"{chosen.media_hours:g} hours of media at maximal speed"
        keep(chosen.out, Start(what, chosen.seed, chosen.warm_up, load))
        if chosen.speed == "max":
            end = at_full_speed(chosen.media_hours, chosen.out)
        else:
            end = with_faults(chosen.minutes, chosen.fault_every, chosen.seed, chosen.out)
        keep(chosen.out, end)
    print(report(kept(chosen.report or chosen.out)))


if __name__ == "__main__":
    main()
