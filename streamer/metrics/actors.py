"""The actors of a session as metrics: what their supervisor knows of them."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from streamer.metrics.families import counter, gauge
from streamer.supervision import Vitals

ACTOR = ("actor",)


class ActorMetrics(Collector):
    """``vitals`` gives those of each actor, by its name."""

    def __init__(self, vitals: Callable[[], Mapping[str, Vitals]]) -> None:
        self._vitals = vitals

    def collect(self) -> Iterator[Metric]:
        vitals = self._vitals()
        for name, help_, field in (
            ("qamoe_actor_up", "1: it is there and answers", "is_healthy"),
            ("qamoe_actor_memory_bytes", "Resident", "memory"),
            ("qamoe_actor_busy_seconds", "At one and the same piece of work", "busy"),
        ):
            numbers = [((actor,), float(getattr(one, field))) for actor, one in vitals.items()]
            yield gauge(name, help_, ACTOR, numbers)
        restarts = [((actor,), one.restarts) for actor, one in vitals.items()]
        yield counter("qamoe_actor_restarts", "Replaced by another one", ACTOR, restarts)
        queues = [
            ((actor,), one.counts["waiting"])
            for actor, one in vitals.items()
            if "waiting" in one.counts
        ]
        yield gauge("qamoe_actor_queue_packets", "Waiting to be sent", ACTOR, queues)
        lost = [
            ((actor,), one.counts.get("dropped", 0) + one.counts.get("failed", 0))
            for actor, one in vitals.items()
        ]
        yield counter("qamoe_actor_lost_packets", "Dropped or not delivered", ACTOR, lost)
