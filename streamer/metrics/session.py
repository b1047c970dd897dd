"""The metrics of one session, for as long as it runs."""

import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from prometheus_client import CollectorRegistry, ProcessCollector

from streamer.feed.subscriber import Subscriber
from streamer.metrics.actors import ActorMetrics
from streamer.metrics.feed import FeedMetrics
from streamer.metrics.participants import Participants
from streamer.metrics.server import MetricsServer
from streamer.supervision import Vitals

LOOK_SECONDS = 0.2
JOIN_SECONDS = 2.0
STALE_SECONDS = 3.0
MOST = 10
"""Participants; a session has one."""


class Measured(Protocol):
    """A session, as far as its metrics want to know it."""

    name: str
    address: str

    @property
    def vitals(self) -> Mapping[str, Vitals]: ...


class SessionMetrics:
    """Serves at ``port`` on loopback; ``hearing`` a session, what is known of it.

    ``keys`` open its feed. Raises SourceError where the port cannot be had.
    """

    def __init__(self, port: int, keys: Path | None = None) -> None:
        self._keys = keys
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self.server = MetricsServer(port, self._registry)

    @contextmanager
    def hearing(self, session: Measured) -> Iterator[None]:
        """Count what ``session`` says meanwhile; once."""
        self._registry.register(ActorMetrics(lambda: session.vitals))
        ended = threading.Event()
        with Subscriber(session.address, session=session.name, keys=self._keys) as feed:
            metrics = FeedMetrics(
                feed, Participants(MOST, math.inf), self._registry, stale=STALE_SECONDS
            )
            ear = threading.Thread(
                target=_hear, args=(feed, metrics, ended), name="metrics feed", daemon=True
            )
            ear.start()
            try:
                yield
            finally:
                ended.set()
                ear.join(JOIN_SECONDS)


def _hear(feed: Subscriber, metrics: FeedMetrics, ended: threading.Event) -> None:
    while not ended.is_set():
        message = feed.receive(LOOK_SECONDS)
        if message is not None:
            metrics.hear(message)
