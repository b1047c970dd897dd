"""``latest``: what is old raises, also where nobody has looked for long."""

import pytest

from streamer.feed import StaleError, Subscriber
from streamer.feed.freshness import Freshness
from streamer.feed.messages import SentimentMessage
from streamer.feed.publisher import Publisher
from tests.feed_fixtures import health, sentiment

ANY_PORT = "tcp://127.0.0.1:0"


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def values(latest: dict[str, SentimentMessage]) -> dict[str, float]:
    return {name: item.sentiment.value for name, item in latest.items() if item.sentiment}


def test_the_newest_of_every_participant_until_it_is_too_old(clock: Clock) -> None:
    with (
        Publisher(ANY_PORT, "json", blocking=False) as publisher,
        Subscriber(publisher.address, clock=clock) as feed,
    ):
        assert publisher.wait_for_subscriber(5)
        publisher.publish(sentiment(0, value=0.1))
        publisher.publish(sentiment(1, value=0.2))
        publisher.publish(sentiment(0, value=0.3, participant="bob"))
        publisher.publish(sentiment(0, value=0.4, revision=1))
        taken_in(feed, 4)
        assert values(feed.latest(2.0)) == {"ann": 0.2, "bob": 0.3}
        clock.now += 2.0
        assert values(feed.latest(2.0)) == {"ann": 0.2, "bob": 0.3}
        clock.now += 0.1
        with pytest.raises(StaleError, match=r"ann: .* 2\.1 s ago .* 2 s are allowed"):
            feed.latest(2.0)
        publisher.publish(sentiment(2, value=0.5))
        taken_in(feed, 1)
        with pytest.raises(StaleError, match="bob"):
            feed.latest(2.0)


def taken_in(feed: Subscriber, count: int) -> None:
    for _ in range(count):
        assert feed.receive(5) is not None
    assert feed.receive(0.01) is None


def test_nothing_heard_is_waited_for_and_then_stale() -> None:
    with (
        Publisher(ANY_PORT, "json", blocking=False) as publisher,
        Subscriber(publisher.address) as feed,
        pytest.raises(StaleError, match="no sentiment heard yet"),
    ):
        feed.latest(0.05)


def test_it_waits_for_the_first_message() -> None:
    with (
        Publisher(ANY_PORT, "json", blocking=False) as publisher,
        Subscriber(publisher.address) as feed,
    ):
        assert publisher.wait_for_subscriber(5)
        publisher.publish(sentiment(value=0.7))
        assert values(feed.latest(5.0)) == {"ann": 0.7}


def test_what_waited_unseen_may_be_old(clock: Clock) -> None:
    freshness = Freshness(clock)
    freshness.nothing_waits()
    clock.now += 60.0
    freshness.add(sentiment(value=0.1))
    assert freshness.newest(2.0, surely=False) is None
    with pytest.raises(StaleError):
        freshness.newest(2.0, surely=True)
    freshness.nothing_waits()
    freshness.add(sentiment(1, value=0.2))
    assert values(freshness.newest(2.0, surely=True) or {}) == {"ann": 0.2}


def test_who_has_said_bye_is_no_longer_there() -> None:
    with (
        Publisher(ANY_PORT, "json", blocking=False) as publisher,
        Subscriber(publisher.address) as feed,
    ):
        assert publisher.wait_for_subscriber(5)
        publisher.publish(sentiment(value=0.1))
        publisher.publish(sentiment(value=0.2, participant="bob"))
        publisher.publish(health(bye=True))
        taken_in(feed, 3)
        assert values(feed.latest(5.0)) == {"bob": 0.2}
        publisher.publish(health(participant="bob", bye=True))
        taken_in(feed, 1)
        with pytest.raises(StaleError, match="ann, bob: said bye"):
            feed.latest(5.0)


def test_a_new_analysis_begins_with_earlier_windows(clock: Clock) -> None:
    freshness = Freshness(clock)
    freshness.add(sentiment(40, value=0.1))
    freshness.add(sentiment(0, value=0.2, session="s2"))
    assert values(freshness.newest(1.0, surely=False) or {}) == {"ann": 0.2}
