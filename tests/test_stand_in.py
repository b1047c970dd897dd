"""What the feed says while no analyzer does."""

from dataclasses import dataclass

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from actors.stand_in import HEALTH_EVERY, HEALTH_GRACE, REASON, WINDOW_GRACE, StandIn
from streamer.feed.messages import HealthMessage, Message, SentimentMessage
from tests.feed_fixtures import health, sentiment

LENGTH, HOP = 4.0, 0.5


@dataclass
class Feed:
    """Publishes what a stand-in has to say, and keeps it."""

    stand_in: StandIn
    said: list[Message]

    def look(self, now: float) -> None:
        for message in self.stand_in.due(now):
            self.stand_in.take(message, now)
            self.said.append(message)

    @property
    def windows(self) -> list[SentimentMessage]:
        return [item for item in self.said if isinstance(item, SentimentMessage)]


def feed_after(*messages: Message) -> Feed:
    feed = Feed(StandIn(LENGTH, HOP), [])
    for message in messages:
        feed.stand_in.take(message, 0.0)
    return feed


def looked_at(feed: Feed, until: float, step: float = 0.02) -> Feed:
    for number in range(int(until / step)):
        feed.look(number * step)
    return feed


def test_nothing_is_said_before_or_while_the_analyzer_speaks() -> None:
    assert not looked_at(feed_after(), 5).said
    feed = feed_after()
    for number in range(20):
        now = number * HOP
        feed.stand_in.take(sentiment(number), now)
        feed.stand_in.take(health(), now)
        feed.look(now + HOP + WINDOW_GRACE - 0.01)
    assert not feed.said


def test_overdue_windows_are_told_without_an_estimate_and_health_goes_on() -> None:
    last = sentiment(0)
    feed = looked_at(feed_after(last, health()), 6)
    ends = [item.window.end for item in feed.windows]
    assert ends == sorted(set(ends))
    assert ends[0] > last.window.end
    assert ends[-1] - ends[0] == HOP * (len(ends) - 1)
    for item in feed.windows:
        assert (item.sentiment, item.reason, item.revision) == (None, REASON, 0)
        assert item.window.end - item.window.start == LENGTH
        assert {part.value for part in item.reliability.values()} == {0}
        assert item.latency_ms is not None
        assert item.latency_ms >= 0
    told = [item for item in feed.said if isinstance(item, HealthMessage)]
    assert len(told) >= 4
    assert all(item.reason == REASON for item in told)
    assert {part.state for item in told for part in item.streams.values()} == {"stalled"}


def test_a_window_that_comes_after_all_is_not_told_twice() -> None:
    feed = looked_at(feed_after(sentiment(0), health()), WINDOW_GRACE + HOP + 0.1)
    (told,) = feed.windows
    late = msgspec.structs.replace(sentiment(0), window=told.window)
    assert feed.stand_in.has_told(late)
    assert not feed.stand_in.has_told(msgspec.structs.replace(late, revision=1))
    assert not feed.stand_in.has_told(msgspec.structs.replace(late, session_epoch=1))
    assert not feed.stand_in.has_told(sentiment(99))


def test_who_has_said_bye_is_not_stood_in_for() -> None:
    assert not looked_at(feed_after(sentiment(0), health(bye=True)), 10).said


def test_while_paused_only_health_goes_on() -> None:
    paused = msgspec.structs.replace(health(), state="paused")
    feed = looked_at(feed_after(sentiment(0), paused), 10)
    assert not feed.windows
    assert {item.state for item in feed.said if isinstance(item, HealthMessage)} == {"paused"}


@given(looks=st.lists(st.floats(0, 3), max_size=60))
def test_windows_follow_one_another_however_seldom_one_looks(looks: list[float]) -> None:
    feed, now = feed_after(sentiment(0), health()), 0.0
    for pause in looks:
        now += pause
        feed.look(now)
    ends = [item.window.end for item in feed.windows]
    assert ends == sorted(set(ends))
    assert all(end <= 4.0 + 0.08 + now + 1e-6 for end in ends)


def test_the_longest_silence_is_short() -> None:
    assert HOP + WINDOW_GRACE < HEALTH_EVERY + HEALTH_GRACE
