"""The feed's actor without Ray: what outlives an analyzer, and what it tells of strangers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from actors.feed import Feed
from actors.stand_in import REASON
from streamer.feed import Subscriber
from streamer.feed.messages import HealthMessage, Message, SentimentMessage
from streamer.packets import SECOND
from streamer.settings import load_settings
from tests.feed_fixtures import health, sentiment
from tests.waiting import eventually

PATIENCE = 5.0


@contextmanager
def running(keys: Path | None = None) -> Iterator[tuple[Feed, Subscriber]]:
    options = {"feed.bind": "tcp://127.0.0.1:0", "feed.keys": keys}
    feed = Feed(load_settings(options=options), "s1")
    with Subscriber(feed.open(), keys=keys, idle=PATIENCE) as subscriber:
        try:
            assert feed._publisher.wait_for_subscriber(PATIENCE)
            yield feed, subscriber
        finally:
            feed.stop("done")


def from_analyzer(number: int) -> list[Message]:
    """What the analyzer with this ``session_epoch`` has to tell."""
    told: list[Message] = [sentiment(0), sentiment(1), health(), sentiment(2)]
    return [msgspec.structs.replace(message, session_epoch=number) for message in told]


def test_seq_goes_on_when_an_analyzer_is_started_anew() -> None:
    with running() as (feed, subscriber):
        for number in range(3):
            feed.push(from_analyzer(number))
        heard = [message for _ in range(12) if (message := subscriber.receive(PATIENCE))]
        for schema, each in (("qamoe.sentiment/1", 3), ("qamoe.health/1", 1)):
            kind = [message for message in heard if message.schema == schema]
            assert [message.seq for message in kind] == list(range(3 * each))
            assert [message.session_epoch for message in kind] == each * [0] + each * [1] + each * [
                2
            ]
        assert (subscriber.gaps, subscriber.restarts) == (0, 0)
        feed.stop("the source has ended")
        bye = subscriber.receive(PATIENCE)
        assert isinstance(bye, HealthMessage)
        assert (bye.state, bye.seq, bye.session_epoch) == ("bye", 3, 2)


def test_one_that_takes_another_s_place_speaks_where_the_analyzer_is_gone_too() -> None:
    began, now = 1_000.0, [1_060.2]
    settings = load_settings(options={"feed.bind": "tcp://127.0.0.1:0"})
    feed = Feed(settings, "s1", lambda: 5e8 + now[0], session_epoch=2, clock=lambda: now[0])
    with Subscriber(feed.open(), idle=PATIENCE) as subscriber:
        assert feed._publisher.wait_for_subscriber(PATIENCE)
        feed.start(round(began * SECOND), resumed=True)
        heard = []
        for _ in range(3):
            now[0] += 1.5
            message = subscriber.receive(PATIENCE)
            assert isinstance(message, SentimentMessage)
            heard.append(message)
        late = msgspec.structs.replace(sentiment(0), window=heard[-1].window)
        feed.push([late])  # by an analyzer that was only slow
        feed.stop("done")
        rest = list(subscriber)
    for message in heard:
        assert (message.reason, message.sentiment, message.session_epoch) == (REASON, None, 2)
        assert message.captured_at == pytest.approx(5e8 + began + message.window.end)
        assert {part.value for part in message.reliability.values()} == {0}
    ends = [message.window.end for message in heard]
    assert ends == sorted(set(ends))
    assert 61.0 <= ends[0] <= 61.7
    assert not [message for message in rest if isinstance(message, SentimentMessage)]


def test_one_that_knows_that_it_is_alone_speaks_at_once() -> None:
    began, now = 1_000.0, 1_060.2
    settings = load_settings(options={"feed.bind": "tcp://127.0.0.1:0"})
    feed = Feed(settings, "s1", lambda: 5e8 + now, session_epoch=2, clock=lambda: now)
    with Subscriber(feed.open(), idle=PATIENCE) as subscriber:
        feed.start(round(began * SECOND), resumed=True, alone=True)
        message = subscriber.receive(PATIENCE)
        feed.stop("done")
    assert isinstance(message, SentimentMessage)
    assert (message.reason, message.session_epoch) == (REASON, 2)
    assert message.window.end == 60.0
    assert message.captured_at == pytest.approx(5e8 + began + 60.0)
    assert message.latency_ms == pytest.approx(200.0)


def test_strangers_are_counted_in_health(keys: Path) -> None:
    with running(keys) as (feed, subscriber):
        with Subscriber(feed._publisher.address) as stranger:
            assert eventually(lambda: feed._publisher.refused, PATIENCE)
            assert stranger.receive(0) is None
        feed.push([health()])
        message = subscriber.receive(PATIENCE)
        assert isinstance(message, HealthMessage)
        assert message.publisher_refused >= 1
