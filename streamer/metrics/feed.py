"""What Prometheus is told of a feed: counted as it is heard, made anew for each scrape."""

import threading
import time
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from streamer.feed import Subscriber
from streamer.feed.codec import KIND_OF
from streamer.feed.messages import KINDS, HealthMessage, Message, SentimentMessage
from streamer.metrics import families
from streamer.metrics.participants import Participants

LATENCY_BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)


class FeedMetrics(Collector):
    """What ``feed`` has said, shown in ``registry``. Heard by one thread, scraped by others."""

    def __init__(
        self,
        feed: Subscriber,
        participants: Participants,
        registry: CollectorRegistry,
        *,
        stale: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._feed = feed
        self._participants = participants
        self._stale = stale
        self._clock = clock
        self._lock = threading.Lock()
        self._messages = Counter(
            "qamoe_feed_messages", "Messages heard", ["kind"], registry=registry
        )
        for kind in KINDS:
            self._messages.labels(kind)
        self._latency = Histogram(
            "qamoe_latency_seconds",
            "From the end of a window, or of a word, to its publication",
            ["of"],
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self._words_lag = Histogram(
            "qamoe_words_lag_seconds",
            "How far the final words lag behind a window that has just closed",
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        registry.register(self)

    def hear(self, message: Message) -> None:
        with self._lock:
            self._participants.hear(message, self._clock())
        self._messages.labels(KIND_OF[type(message)]).inc()
        if not isinstance(message, HealthMessage) and message.latency_ms is not None:
            self._latency.labels(_measured(message)).observe(message.latency_ms / 1000)
        if isinstance(message, SentimentMessage):
            self._hear_lag(message)

    def _hear_lag(self, message: SentimentMessage) -> None:
        if message.revision == 0 and message.words_age_ms is not None:
            self._words_lag.observe(message.words_age_ms / 1000)

    def collect(self) -> Iterator[Metric]:
        """What a scrape sees, besides those that count as they go."""
        now = self._clock()
        with self._lock:
            known = self._participants.current(now)
            forgotten = self._participants.forgotten
        for name, help_, number in (
            ("qamoe_feed_gaps", "Messages lost on the way", self._feed.gaps),
            ("qamoe_feed_restarts", "Topics that began anew", self._feed.restarts),
            ("qamoe_feed_malformed", "Messages not understood", self._feed.malformed),
            ("qamoe_participants_forgotten", "Participants no longer shown", forgotten),
        ):
            yield families.counter(name, help_, (), [((), number)])
        yield from families.presence(known, now, self._stale)
        yield from families.sentiment([one for one in known if one.is_up(now, self._stale)])
        yield from families.health(known)


def _measured(message: Message) -> str:
    if isinstance(message, SentimentMessage):
        return "revision" if message.revision else "window"
    return "words"
