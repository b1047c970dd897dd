"""A session with faults at random moments, to see what a machine makes of them."""

import random
import time
from collections.abc import Callable, Iterator

from streamer.errors import PipelineError
from streamer.faults import Fault, Observer, Outcome, actor_faults, rehearse
from streamer.outside_faults import outside_faults
from streamer.session import Session
from streamer.settings import Settings

PATIENCE = 60.0
"""Seconds that a recovery may take before it counts as one that never came."""

HOLD = 3.0
"""Seconds for which one lasts that does not pass by itself."""

WARM_UP = 5.0
SPARE_MEMORY_MB = 256
"""What an actor is made to hold beyond what it is allowed."""


def chaos(
    settings: Settings, seed: int, duration: float, every: float, say: Callable[[str], None]
) -> None:
    """Run a session for ``duration`` seconds with one of the faults of ``actor_faults`` and
    ``outside_faults`` about every ``every`` seconds, drawn from ``seed``; what came of each is said
    in one line.

    Raises PipelineError where the session ended of one, or did not recover from it.
    """
    draws = random.Random(seed)
    with (
        Session(settings) as session,
        Observer(session.address, session.name, settings.feed.keys) as observer,
    ):
        session.start()
        try:
            until = time.monotonic() + duration
            _wait(session, WARM_UP)
            for fault in _drawn(session, settings, draws, until):
                outcome = rehearse(fault, observer, session.finished, HOLD, PATIENCE)
                say(line(outcome))
                if outcome.recovered is None:
                    raise PipelineError(f"{outcome.name}: not recovered within {PATIENCE:g} s")
                _wait(session, min(draws.uniform(0.5, 1.5) * every, until - time.monotonic()))
        finally:
            session.stop("the rehearsal is over")


def line(outcome: Outcome) -> str:
    """What came of a fault."""
    noticed = "" if outcome.noticed is None else f"reads 0 after {outcome.noticed:.1f} s, "
    recovered = "never" if outcome.recovered is None else f"after {outcome.recovered:.1f} s"
    return (
        f"{outcome.name}: {noticed}recovered {recovered}, "
        f"longest silence {outcome.gap:.1f} s, messages lost {outcome.lost}"
    )


def _drawn(
    session: Session, settings: Settings, draws: random.Random, until: float
) -> Iterator[Fault]:
    memory = settings.supervision.memory_mb + SPARE_MEMORY_MB
    while time.monotonic() < until:
        faults = [
            *actor_faults(session, memory),
            *outside_faults(session, settings.ray.object_store_mb, settings.feed.keys),
        ]
        yield draws.choice(sorted(faults, key=lambda fault: fault.name))


def _wait(session: Session, seconds: float) -> None:
    """Raises PipelineError where the session has failed meanwhile."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        session.finished()
        time.sleep(0.1)
