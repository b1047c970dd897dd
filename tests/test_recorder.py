"""What a feed records, and that nothing which befalls the recording befalls the feed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actors.feed import Feed
from actors.recorder import WAITING, Recorder
from streamer.errors import SettingError
from streamer.feed import Subscriber
from streamer.feed.messages import HealthMessage, SentimentMessage
from streamer.packets import Closing
from streamer.recording.framing import framed
from streamer.recording.records import Lost, encode
from streamer.settings import Settings, load_settings
from tests.feed_fixtures import health, sentiment
from tests.recording_fixtures import read
from tests.test_recording import room_for
from tests.test_windows import voice

PATIENCE = 5.0


def settings(file: Path, **changed: object) -> Settings:
    options = {"feed.bind": "tcp://127.0.0.1:0", "feed.record": str(file), "participant": "ann"}
    return load_settings(options={**options, **changed})


@contextmanager
def recording(file: Path, **changed: object) -> Iterator[tuple[Feed, Subscriber]]:
    feed = Feed(settings(file, **changed), "s1")
    with Subscriber(feed.open(), idle=PATIENCE) as subscriber:
        assert feed._publisher.wait_for_subscriber(PATIENCE)
        yield feed, subscriber
        feed.stop("done")


def written(feed: Feed) -> None:
    """Wait until the disk has all."""
    assert feed._recorder is not None
    until = time.monotonic() + PATIENCE
    while feed._recorder._channel.pending and time.monotonic() < until:
        time.sleep(0.01)


def reasons(feed: Feed, subscriber: Subscriber) -> list[str | None]:
    """What health says from now on, once the disk has all, and in the bye."""
    written(feed)
    feed.push([health()])
    feed.stop("done")
    return [item.reason for item in subscriber if isinstance(item, HealthMessage)]


def test_what_is_published_is_recorded_as_it_was_published(tmp_path: Path) -> None:
    with recording(tmp_path / "a.qmr") as (feed, subscriber):
        feed.push([voice(0), Closing(5), sentiment(0), sentiment(1), health()])
        feed.stop("over")
        heard = list(subscriber)
    found, made = read(tmp_path / "a.qmr")
    assert found[2:] == heard
    assert [item.seq for item in heard] == [0, 1, 0, 1]
    assert found[1] == Closing(5)
    assert made.about.session == "s1"
    assert made.about.participant == "ann"
    assert made.end is not None
    assert made.end.reason == "over"
    assert made.remarks == []


def test_a_feed_that_takes_another_s_place_goes_on_with_its_recording(tmp_path: Path) -> None:
    file = tmp_path / "a.qmr"
    killed = Feed(settings(file), "s1")
    killed.push([sentiment(0)])
    written(killed)
    killed._publisher.close(linger_ms=0)
    with file.open("ab") as cut:
        cut.write(framed(*encode(sentiment(1)))[:50])
    taking_over = Feed(settings(file), "s1", session_epoch=1)
    taking_over.push([sentiment(2), voice(2)])
    taking_over.stop("done")
    found, made = read(file)
    told = [item for item in found if isinstance(item, SentimentMessage)]
    assert [(item.window.start, item.session_epoch, item.seq) for item in told] == [
        (sentiment(0).window.start, 0, 0),
        (sentiment(2).window.start, 1, 0),
    ]
    assert made.end is not None
    assert made.remarks == []


def test_at_its_limit_the_recording_ends_and_the_feed_goes_on(tmp_path: Path) -> None:
    with recording(tmp_path / "a.qmr", **{"feed.record_limit": 1}) as (feed, subscriber):
        for number in range(60):
            feed.push([voice(number), sentiment(number)])
        said = reasons(feed, subscriber)
    assert str(said[0]).startswith("recording has stopped after 1.0 MB: its limit of 1 MB")
    assert "records not kept" in str(said[0])
    found, made = read(tmp_path / "a.qmr")
    assert len([item for item in found if isinstance(item, SentimentMessage)]) < 60
    assert made.remarks == []


def test_a_full_disk_ends_the_recording_and_the_feed_goes_on(tmp_path: Path) -> None:
    with recording(tmp_path / "a.qmr") as (feed, subscriber):
        with room_for(200_000):
            for number in range(20):
                feed.push([voice(number), sentiment(number)])
            written(feed)
        feed.push([sentiment(20)])
        said = reasons(feed, subscriber)
        assert subscriber.gaps == 0
    assert "recording has stopped after 0.2 MB: File too large" in str(said[0])
    found, _ = read(tmp_path / "a.qmr")
    assert 0 < len(found) < 40


def test_a_slow_disk_costs_records_and_never_the_feed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with recording(tmp_path / "a.qmr") as (feed, subscriber):
        recorder = feed._recorder
        assert recorder is not None
        write = recorder._writer.write
        with monkeypatch.context() as patch:
            patch.setattr(recorder._writer, "write", lambda items: (time.sleep(0.3), write(items)))
            for number in range(WAITING + 10):
                feed.push([sentiment(number)])
        said = reasons(feed, subscriber)
        assert subscriber.gaps == 0
    assert "recording is incomplete" in str(said[0])
    found, _ = read(tmp_path / "a.qmr")
    (lost,) = [item for item in found if isinstance(item, Lost)]
    kept = [item for item in found if isinstance(item, SentimentMessage)]
    missing = WAITING + 10 - len(kept)
    assert 0 < missing <= lost.items <= missing + 2  # the feed's heartbeats are lost as well


def test_a_session_at_maximal_speed_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_max = settings(tmp_path / "a.qmr", **{"source.file": "x.mp4", "source.speed": "max"})
    assert at_max.feed.record is not None
    recorder = Recorder(at_max.feed.record, at_max, "s1")
    write = recorder._writer.write
    monkeypatch.setattr(recorder._writer, "write", lambda items: (time.sleep(0.001), write(items)))
    for number in range(2 * WAITING):
        recorder.put([sentiment(number)])
    recorder.close("done")
    found, _ = read(tmp_path / "a.qmr")
    assert len(found) == 2 * WAITING
    assert not any(isinstance(item, Lost) for item in found)


def test_a_recording_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.qmr").write_text("mine")
    with pytest.raises(SettingError, match="is there already"):
        Feed(settings(tmp_path / "a.qmr"), "s1")
