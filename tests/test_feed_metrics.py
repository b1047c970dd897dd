"""What Prometheus is told of a feed, by a clock in the test's hand."""

from collections.abc import Iterator

import msgspec
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from streamer.feed import Subscriber
from streamer.feed.messages import Reliability, Retreat
from streamer.feed.publisher import Publisher
from streamer.metrics.feed import FeedMetrics
from streamer.metrics.participants import Participants
from tests.feed_fixtures import health, sentiment
from tests.scraping import Samples, read


class Clock:
    """Seconds that pass when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry, clock: Clock) -> Iterator[FeedMetrics]:
    """Those of up to three participants: stale after 3 seconds, forgotten after 60."""
    with (
        Publisher("tcp://127.0.0.1:0", "json", blocking=False) as publisher,
        Subscriber(publisher.address) as feed,
    ):
        yield FeedMetrics(feed, Participants(3, 60), registry, stale=3, clock=clock)


def collected(registry: CollectorRegistry) -> Samples:
    return read(generate_latest(registry).decode())


def test_abstention_silence_and_bye_have_no_value(
    metrics: FeedMetrics, registry: CollectorRegistry, clock: Clock
) -> None:
    value, abstaining, up, silent = (
        (f"qamoe_{name}", "ann", "s1")
        for name in ("sentiment_value", "sentiment_abstaining", "up", "silent_seconds")
    )
    metrics.hear(sentiment(0))
    assert collected(registry)[value] == 0.4
    metrics.hear(sentiment(1, value=None, reason="dark"))
    seen = collected(registry)
    assert (seen[up], seen[abstaining], value in seen) == (1, 1, False)
    metrics.hear(sentiment(2))
    clock.now = 2.9
    assert value in collected(registry)
    clock.now = 3.0
    seen = collected(registry)
    assert (seen[up], seen[silent], value in seen) == (0, 3.0, False)
    metrics.hear(sentiment(3))
    assert collected(registry)[value] == 0.4
    metrics.hear(health(bye=True))
    seen = collected(registry)
    assert (seen[up], value in seen) == (0, False)
    clock.now = 63.0
    seen = collected(registry)
    assert up not in seen
    assert seen[("qamoe_participants_forgotten_total",)] == 1


def test_only_so_many_participants_are_shown(
    metrics: FeedMetrics, registry: CollectorRegistry
) -> None:
    for number in range(10):
        metrics.hear(health(session=f"s{number}"))
    metrics.hear(health(session="s7"))  # the one heard last stays longest
    metrics.hear(health(session="s10"))
    seen = collected(registry)
    assert sorted(who[1] for name, *who in seen if name == "qamoe_up") == ["s10", "s7", "s9"]
    assert seen[("qamoe_participants_forgotten_total",)] == 8


def test_streams_it_does_not_know_make_no_labels(
    metrics: FeedMetrics, registry: CollectorRegistry
) -> None:
    """Whoever can publish must not be able to fill Prometheus' memory."""
    many = {f"stream{number}": Reliability(1, 1, 1) for number in range(100)}
    metrics.hear(msgspec.structs.replace(sentiment(), reliability=many))
    assert [name for name in collected(registry) if "stream1" in name] == []


def test_the_lag_of_words_is_that_of_windows_that_have_just_closed(
    metrics: FeedMetrics, registry: CollectorRegistry
) -> None:
    said = msgspec.structs.replace(sentiment(), words_age_ms=1200.0)
    metrics.hear(said)
    metrics.hear(msgspec.structs.replace(said, revision=1, words_age_ms=0.0))
    metrics.hear(msgspec.structs.replace(sentiment(1), words_age_ms=None))
    seen = collected(registry)
    assert seen[("qamoe_words_lag_seconds_count",)] == 1
    assert seen[("qamoe_words_lag_seconds_sum",)] == pytest.approx(1.2)


def test_what_a_slow_machine_leaves_out_is_a_number_of_steps(
    metrics: FeedMetrics, registry: CollectorRegistry
) -> None:
    metrics.hear(health(retreat=Retreat(2, "longer hop", "sound was late", 60.0)))
    assert collected(registry)[("qamoe_retreat_steps", "ann", "s1")] == 2
    metrics.hear(health())
    assert collected(registry)[("qamoe_retreat_steps", "ann", "s1")] == 0
