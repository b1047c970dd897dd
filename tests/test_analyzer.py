"""Analyzer and feed without Ray: packets in, messages on a real socket out."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace

import msgspec
import pytest

from actors.analysis import WORDS_PAUSED
from actors.analyzer import LEAD, Analyzer
from actors.feed import Feed
from models.estimator import Estimator
from streamer.errors import PipelineError
from streamer.feed import Subscriber
from streamer.feed.messages import (
    HealthMessage,
    Message,
    Retreat,
    SentimentMessage,
    TranscriptMessage,
)
from streamer.packets import SECOND, Evidence
from streamer.retreat import LADDER
from streamer.settings import load_settings
from tests.computing import threads_in
from tests.feed_fixtures import sentiment
from tests.test_windows import ALL, faces, voice, word, words
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("assets")

HOP = SECOND // 2
PATIENCE = 5.0


class Clock:
    """Session time by hand, ns."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


@contextmanager
def running(clock: Clock, **options: object) -> Iterator[tuple[Analyzer, Subscriber]]:
    settings = load_settings(options={"feed.bind": "tcp://127.0.0.1:0", **options})
    feed = Feed(settings, "session", clock=lambda: 0.0)  # never finds the analyzer late
    analyzer = Analyzer(settings, "session", ALL, feed.push, clock=clock)
    with Subscriber(feed.open(), idle=PATIENCE) as subscriber:
        try:
            assert feed._publisher.wait_for_subscriber(PATIENCE)
            analyzer.start(epoch=0)
            yield analyzer, subscriber
        finally:
            analyzer.stop("done")
            feed.stop("done")


def heard(feed: Subscriber, count: int) -> list[Message]:
    found = [feed.receive(PATIENCE) for _ in range(count)]
    assert all(found)
    return [message for message in found if message is not None]


def test_a_complete_window_is_published_and_revised_by_its_words() -> None:
    options = {"feed.transcripts": True}
    with running(Clock(), **options) as (analyzer, feed):
        spoken = Evidence(1.0, None, {"speech_share": 0.8})
        analyzer.push(replace(voice(0), evidence=spoken))
        analyzer.push(faces(0))
        analyzer.push(words(0, [word("wonderful", 0.1, 0.4)], until=0.5))
        first, said, last = heard(feed, 3)
    assert isinstance(first, SentimentMessage)
    assert isinstance(said, TranscriptMessage)
    assert isinstance(last, SentimentMessage)
    assert (first.revision, last.revision) == (0, 1)
    assert first.reliability["text"].reason == "no words yet"
    assert [item.text for item in said.words] == ["wonderful"]
    assert last.reliability["text"].model > 0
    assert last.words_age_ms == 0
    assert set(last.routing) >= {"text", "audio", "vision"}


def test_faster_than_real_time_no_stream_runs_away_from_the_slowest() -> None:
    unpaced = {"source.file": "film.mp4", "source.speed": "max"}
    with running(Clock(), **unpaced) as (analyzer, _), ThreadPoolExecutor() as elsewhere:
        for hop in range(LEAD):
            analyzer.push(faces(hop))
        too_early = elsewhere.submit(analyzer.push, faces(LEAD))
        assert not wait([too_early], timeout=0.2).done
        analyzer.push(voice(0))
        too_early.result(PATIENCE)
        at_the_end = elsewhere.submit(analyzer.push, faces(LEAD + 1))
        assert not wait([at_the_end], timeout=0.2).done
        analyzer.stop("done")
        at_the_end.result(PATIENCE)


def test_one_thread_computes_whoever_pushes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every thread that ever did would hold memory to the end."""
    computing = threads_in(monkeypatch, Estimator, "estimate")
    with (
        running(Clock()) as (analyzer, feed),
        ThreadPoolExecutor(1) as one,
        ThreadPoolExecutor(1) as other,
    ):
        for hop in range(4):
            for packet in (voice(hop), faces(hop), words(hop, [])):
                (one, other)[hop % 2].submit(analyzer.push, packet).result(PATIENCE)
        heard(feed, 4)
    assert len(computing) == 1


def test_words_stay_off_the_feed_unless_asked_for() -> None:
    with running(Clock()) as (analyzer, feed):
        analyzer.push(voice(0))
        analyzer.push(faces(0))
        analyzer.push(words(0, [word("secret", 0.1, 0.4)], until=0.5))
        messages = heard(feed, 2)
    assert all(isinstance(message, SentimentMessage) for message in messages)
    assert "secret" not in repr(messages)


def test_actors_that_are_gone_read_as_reliability_zero_and_the_feed_goes_on() -> None:
    clock = Clock()
    with running(clock) as (analyzer, feed):
        analyzer.push(voice(0))
        analyzer.push(faces(0))
        alive = heard(feed, 1)[0]
        clock.now = 2 * HOP + SECOND
        late, health = heard(feed, 2)
    assert isinstance(alive, SentimentMessage)
    assert alive.reliability["audio"].value > 0
    assert isinstance(late, SentimentMessage)
    assert late.sentiment is None
    assert late.reason is not None
    assert "sound is late" in late.reason
    assert "pictures are late" in late.reason
    assert isinstance(health, HealthMessage)
    assert health.late_windows == 1


def test_the_last_message_is_a_bye_with_its_reason() -> None:
    with running(Clock()) as (analyzer, feed):
        analyzer.push(voice(0, ended=True))
        analyzer.push(words(0, until=0.5, ended=True))
        analyzer.push(faces(0, ended=True))
        heard(feed, 2)
        assert eventually(analyzer.finished)
        analyzer.stop("the source has ended")
        bye = feed.receive(PATIENCE)
    assert isinstance(bye, HealthMessage)
    assert (bye.state, bye.reason, bye.windows) == ("bye", "the source has ended", 1)


def test_a_failure_between_packets_is_not_kept_silent() -> None:
    clock = Clock()
    with running(clock) as (analyzer, _):
        analyzer._analysis._estimator = None  # type: ignore[assignment]
        clock.now = HOP + SECOND
        analyzer._ticker.join(PATIENCE)
        with pytest.raises(PipelineError, match="AttributeError"):
            analyzer.finished()


def test_a_muted_stream_counts_as_absent_at_once_and_comes_back() -> None:
    with running(Clock()) as (analyzer, feed):
        analyzer.push(voice(0))
        analyzer.push(faces(0))
        analyzer.set_controls({"vision"}, paused=False)
        for hop in (1, 2):
            analyzer.push(voice(hop))
            analyzer.push(faces(hop))
        analyzer.set_controls((), paused=False)
        analyzer.push(voice(3))
        analyzer.push(faces(3))
        before, muted, health, _, after, _ = heard(feed, 6)
    assert isinstance(before, SentimentMessage)
    assert isinstance(muted, SentimentMessage)
    assert isinstance(after, SentimentMessage)
    assert isinstance(health, HealthMessage)
    assert before.reliability["vision"].value > 0
    assert (muted.reliability["vision"].value, muted.reliability["vision"].reason) == (0, "muted")
    assert muted.sentiment is not None
    assert muted.reliability["audio"].reason is None
    assert health.streams["vision"].state == "muted"
    assert health.streams["audio"].state == "live"
    assert after.reliability["vision"].value > 0


def test_while_it_is_paused_only_health_is_told() -> None:
    options = {"feed.transcripts": True}
    with running(Clock(), **options) as (analyzer, feed):
        analyzer.set_controls((), paused=True)
        for hop in range(4):
            analyzer.push(voice(hop))
            analyzer.push(faces(hop))
            analyzer.push(words(hop, [word("private", 0.1, 0.4)], until=(hop + 1) / 2))
        analyzer.set_controls((), paused=False)
        analyzer.push(voice(4))
        analyzer.push(faces(4))
        first, second, resumed = heard(feed, 3)
    assert isinstance(first, HealthMessage)
    assert isinstance(second, HealthMessage)
    assert (first.state, first.windows, second.state) == ("paused", 0, "paused")
    assert isinstance(resumed, SentimentMessage)
    assert resumed.window.end == 2.5


def test_another_analyzer_goes_on_with_the_numbers_of_the_first() -> None:
    settings = load_settings(options={"feed.bind": "tcp://127.0.0.1:0"})
    feed = Feed(settings, "session", clock=lambda: 0.0)  # never finds the analyzer late
    with Subscriber(feed.open(), kinds=["sentiment"], idle=PATIENCE) as subscriber:
        assert feed._publisher.wait_for_subscriber(PATIENCE)
        for epoch in (0, 1):
            analyzer = Analyzer(settings, "session", ALL, feed.push, epoch, clock=Clock())
            analyzer.start(epoch=0)
            analyzer.push(voice(0))
            analyzer.push(faces(0))
            (message,) = heard(subscriber, 1)
            assert (message.seq, message.session_epoch) == (epoch, epoch)
            analyzer._ticker.join(0)
        feed.stop("done")
    assert (subscriber.gaps, subscriber.restarts) == (0, 0)


def test_where_no_analyzer_says_bye_the_feed_does() -> None:
    settings = load_settings(options={"feed.bind": "tcp://127.0.0.1:0"})
    feed = Feed(settings, "session")
    with Subscriber(feed.open(), idle=PATIENCE) as subscriber:
        assert feed._publisher.wait_for_subscriber(PATIENCE)
        feed.stop("the analyzer died")
        feed.stop("once is enough")
        (bye,) = heard(subscriber, 1)
        assert subscriber.receive(0.1) is None
    assert isinstance(bye, HealthMessage)
    assert (bye.state, bye.reason, bye.seq) == ("bye", "the analyzer died", 0)


def test_an_analyzer_that_takes_over_begins_with_the_present_window() -> None:
    clock = Clock()
    clock.now = 100 * HOP + HOP // 2
    settings = load_settings(options={"feed.bind": "tcp://127.0.0.1:0"})
    feed = Feed(settings, "session")
    with Subscriber(feed.open(), kinds=["sentiment"], idle=PATIENCE) as subscriber:
        assert feed._publisher.wait_for_subscriber(PATIENCE)
        analyzer = Analyzer(settings, "session", ALL, feed.push, 1, clock=clock)
        analyzer.start(epoch=0, resumed=True)
        analyzer.push(voice(99))
        analyzer.push(faces(99))
        analyzer.push(voice(100))
        analyzer.push(faces(100))
        (first,) = heard(subscriber, 1)
        analyzer.stop("done")
        feed.stop("done")
    assert isinstance(first, SentimentMessage)
    assert (first.window.end, first.session_epoch) == (50.5, 1)


def test_a_stage_at_fault_is_told_with_its_reason_and_the_others_go_on() -> None:
    with running(Clock()) as (analyzer, feed):
        analyzer.set_faults({"vision": "camera restarts: it died"})
        for hop in (0, 1):
            analyzer.push(voice(hop))
            analyzer.push(faces(hop))
        analyzer.set_faults({})
        analyzer.push(voice(2))
        analyzer.push(faces(2))
        faulty, _, health, after = heard(feed, 4)
    assert isinstance(faulty, SentimentMessage)
    assert isinstance(health, HealthMessage)
    assert isinstance(after, SentimentMessage)
    vision = faulty.reliability["vision"]
    assert (vision.value, vision.reason) == (0, "camera restarts: it died")
    assert faulty.reliability["audio"].value > 0
    assert health.reason == "camera restarts: it died"
    assert health.streams["vision"].state == "stalled"
    assert after.reliability["vision"].value > 0


def test_a_feed_in_anothers_place_has_its_address_and_an_epoch_of_its_own() -> None:
    settings = load_settings(options={"feed.bind": "tcp://127.0.0.1:0"})
    first = Feed(settings, "session")
    address = first.open()
    with Subscriber(address, kinds=["sentiment"], idle=PATIENCE) as subscriber:
        assert first._publisher.wait_for_subscriber(PATIENCE)
        first.push([sentiment(0), sentiment(1)])
        assert [item.seq for item in heard(subscriber, 2)] == [0, 1]
        first._stopping.set()
        first._publisher.close(linger_ms=0)
        second = Feed(settings, "session", bind=address, session_epoch=1)
        assert second.open() == address
        found = (second._publisher.wait_for_subscriber(0.1) for _ in range(50))
        assert any(here or subscriber.receive(0.1) for here in found)  # it looks as it receives
        second.push([sentiment(2)])
        (message,) = heard(subscriber, 1)
        second.stop("done")
    assert (message.seq, message.session_epoch) == (0, 1)
    assert (subscriber.gaps, subscriber.restarts) == (0, 1)


def test_while_no_analyzer_speaks_the_feed_says_so() -> None:
    now = [0.0]
    settings = load_settings(options={"feed.bind": "tcp://127.0.0.1:0"})
    feed = Feed(settings, "session", clock=lambda: now[0])
    with Subscriber(feed.open(), kinds=["sentiment"], idle=PATIENCE) as subscriber:
        assert feed._publisher.wait_for_subscriber(PATIENCE)
        feed.push([sentiment(0)])
        now[0] = 1.4
        _, told = heard(subscriber, 2)
        assert isinstance(told, SentimentMessage)
        feed.push([msgspec.structs.replace(sentiment(0), window=told.window)])
        feed.push([sentiment(9)])
        (after,) = heard(subscriber, 1)
        feed.stop("done")
    assert isinstance(after, SentimentMessage)
    assert told.sentiment is None
    assert {part.value for part in told.reliability.values()} == {0}
    assert after.window == sentiment(9).window
    assert [told.seq, after.seq] == [1, 2]


def test_where_sound_stays_late_it_retreats_says_so_and_comes_back() -> None:
    clock = Clock()
    with running(clock, **{"retreat.climb_after": 1.0}) as (analyzer, feed):
        steps: list[Retreat | None] = []
        texts: list[str | None] = []

        def tell(hop: int, late: bool) -> None:
            clock.now = (hop + 1) * HOP + (SECOND // 2 if late else 0)
            if not late:
                analyzer.push(voice(hop))
            analyzer.push(faces(hop))
            for message in heard(feed, 1 + hop % 2):
                if isinstance(message, HealthMessage):
                    steps.append(message.retreat)
                elif isinstance(message, SentimentMessage):
                    texts.append(message.reliability["text"].reason)

        for hop in range(10):
            tell(hop, late=True)
        assert analyzer.stats()["retreat"] == len(LADDER) - 1
        for hop in range(10, 40):
            tell(hop, late=False)
        assert analyzer.stats()["retreat"] == 0
    down = [step for step in steps[:5] if step is not None]
    assert [step.name for step in down[:4]] == [step.name for step in LADDER[1:]]
    assert [step.step for step in down[:4]] == [1, 2, 3, 4]
    assert {step.reason for step in down} == {"sound was late"}
    assert down[0].since_s == pytest.approx(1.5)
    assert texts[0] != WORDS_PAUSED
    assert texts[9] == WORDS_PAUSED
    assert texts[-1] != WORDS_PAUSED
    assert steps[-1] is None


def test_what_it_is_told_not_to_do_it_does_not() -> None:
    clock = Clock()
    with running(clock, **{"retreat.enabled": False}) as (analyzer, feed):
        for hop in range(10):
            clock.now = (hop + 1) * HOP + SECOND // 2
            messages = heard(feed, 1 + hop % 2)
        assert analyzer.stats()["retreat"] == 0
    assert isinstance(messages[-1], HealthMessage)
    assert messages[-1].late_windows == 10
    assert messages[-1].retreat is None
