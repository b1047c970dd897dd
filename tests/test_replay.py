"""A recording on a feed again: its own messages, and those of the analysis done once more."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.analyzer import Analyzer
from actors.feed import Feed
from actors.stand_in import REASON as STANDS_IN
from streamer.errors import AssetError, SourceError
from streamer.feed import Subscriber
from streamer.feed.messages import HealthMessage, Message, SentimentMessage, TranscriptMessage
from streamer.packets import SECOND, Closing, Evidence, Opening, TokenStates, Words
from streamer.recording.pace import LONGEST_WAIT, Pace
from streamer.recording.records import Lost, Record
from streamer.recording.replay import Replay, replay_settings
from streamer.settings import load_settings
from tests.feed_fixtures import health, sentiment
from tests.recording_fixtures import ABOUT, read, record, session
from tests.test_analyzer import Clock
from tests.test_windows import ALL, faces, voice, word, words

pytestmark = [pytest.mark.slow, pytest.mark.parallel]

PATIENCE = 10.0
HOP = SECOND // 2


def plain(records: Sequence[Record]) -> list[Message]:
    """The messages among records, without what the wall clock says of a replay."""
    messages = [item for item in records if isinstance(item, Message)]
    return [msgspec.structs.replace(item, published_at=0.0) for item in messages]


def judged(records: Sequence[Record]) -> list[Message]:
    """As plain, and without how and when they were delivered."""
    return [
        msgspec.structs.replace(item, publisher_dropped=0)
        if isinstance(item, HealthMessage)
        else msgspec.structs.replace(item, latency_ms=None)
        for item in plain(records)
    ]


@contextmanager
def replaying(file: Path, **changed: Any) -> Iterator[tuple[Replay, Subscriber]]:
    reanalyze = changed.pop("reanalyze", False)
    options = {"feed.bind": "tcp://127.0.0.1:0", "source.speed": "max", **changed}
    replay = Replay(replay_settings(file, None, options), reanalyze)
    with replay, Subscriber(replay.address, session=replay.name, idle=PATIENCE) as feed:
        replay.start()
        yield replay, feed


def replayed(file: Path, **changed: Any) -> tuple[list[Message], Replay]:
    with replaying(file, **changed) as (replay, feed):
        replay._player.join(PATIENCE)
        assert replay.finished()
        replay.stop("the source has ended")
        return list(feed), replay


def test_the_messages_of_a_recording_are_told_again(tmp_path: Path) -> None:
    bye = msgspec.structs.replace(health(bye=True, reason="done"), seq=1, published_at=9.5)
    told = [*session(6), bye]
    heard, replay = replayed(record(tmp_path / "a.qmr", told))
    assert plain(heard) == plain(told)
    assert all(message.published_at > 1e9 for message in heard)
    assert (replay.name, replay.remarks) == ("s1", [])
    assert replay.descriptions["recording"].startswith(str(tmp_path / "a.qmr"))


def test_what_is_missing_in_a_recording_is_missing_in_its_replay(tmp_path: Path) -> None:
    told = [
        item for item in session(6) if not (isinstance(item, SentimentMessage) and item.seq == 2)
    ]
    with replaying(record(tmp_path / "a.qmr", [*told, Lost(3)])) as (replay, feed):
        replay._player.join(PATIENCE)
        replay.stop("done")
        heard = [item.seq for item in feed if isinstance(item, SentimentMessage)]
        assert (heard, feed.gaps) == ([0, 1, 3, 4, 5], 1)
    assert replay.remarks == ["3 deliveries did not come to the disk in time"]


def test_a_recording_that_was_cut_off_ends_with_a_bye(tmp_path: Path) -> None:
    file = record(tmp_path / "a.qmr", session(3), end=None)
    file.write_bytes(file.read_bytes()[:-5])
    heard, replay = replayed(file)
    assert isinstance(heard[-1], HealthMessage)
    assert (heard[-1].state, heard[-1].reason) == ("bye", "the source has ended")
    assert [item.seq for item in heard if isinstance(item, SentimentMessage)] == [0, 1, 2]
    assert "cut off within its last record" in replay.remarks[0]


def test_a_replay_can_be_stopped_while_it_waits(tmp_path: Path) -> None:
    with replaying(record(tmp_path / "a.qmr", session(4)), **{"source.speed": "real"}) as (
        replay,
        feed,
    ):
        assert replay._feed._publisher.wait_for_subscriber(PATIENCE)
        assert not replay.finished()
        replay.stop("interrupted")
        *_, bye = feed
        assert replay.finished()
    assert isinstance(bye, HealthMessage)
    assert bye.reason == "interrupted"
    assert replay.remarks == []


class Waits(threading.Event):
    """Time that passes only where somebody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0

    def wait(self, timeout: float | None = None) -> bool:
        self.now += timeout or 0.0
        return False


def times(paced: bool, records: Sequence[Record]) -> list[float]:
    waits = Waits()
    pace = Pace(paced, lambda: waits.now)
    found = []
    for item in records:
        pace.wait(item, waits)
        found.append(waits.now - 100.0)
    return found


def test_a_live_session_is_replayed_at_the_looks_of_its_analyzer() -> None:
    told: list[Record] = [Closing(SECOND), sentiment(40), Closing(SECOND * 3 // 2), sentiment(0)]
    assert times(True, told) == [1.0, 1.0, 1.5, 1.5]


def test_a_file_read_as_fast_as_it_went_is_replayed_by_its_windows() -> None:
    told: list[Record] = [Closing(SECOND * 99), sentiment(0), sentiment(2), sentiment(1), health()]
    assert times(False, told) == [0.0, 4.0, 5.0, 5.0, 5.0]


def test_nobody_waits_for_ever() -> None:
    assert times(True, [Closing(2**62), Closing(2**62 + SECOND)])[0] == LONGEST_WAIT


def test_a_second_analysis_goes_on_where_the_first_was() -> None:
    one, two = (Opening(epoch, 1000.0 + 3 * epoch, ALL, {}) for epoch in (0, 1))
    told = [one, Closing(2 * SECOND), two, Closing(SECOND), Closing(2 * SECOND)]
    assert times(True, told) == [0.0, 2.0, 2.0, 4.0, 5.0]


def test_settings_that_cannot_be_are_the_recordings_fault(tmp_path: Path) -> None:
    file = record(tmp_path / "a.qmr", [], msgspec.structs.replace(ABOUT, hop=77.0))
    with pytest.raises(SourceError, match=r"a\.qmr: setting window\.hop = 77"):
        replay_settings(file)


def recorded(
    file: Path, *, transcripts: bool = False, epochs: int = 1, orderly: bool = True
) -> Path:
    """What an analyzer and a feed record of packets with late words, a stream that is late, one
    that is muted, a pause, and as many analyzers, which are gone without a word, the last one only
    where it does not end in order."""
    options = {"feed.bind": "tcp://127.0.0.1:0", "feed.record": str(file), "session": "s1"}
    settings = load_settings(options={**options, "feed.transcripts": transcripts})
    feed = Feed(settings, "s1")
    feed.open()
    for epoch in range(epochs):
        clock = Clock()
        analyzer = Analyzer(settings, "s1", ALL, feed.push, epoch, clock=clock)
        analyzer.start(epoch=0)
        play(analyzer, clock)
        if orderly and epoch == epochs - 1:
            analyzer.stop("done")
        analyzer._stopping.set()
        analyzer._ticker.join(PATIENCE)
        analyzer._channel.close(PATIENCE)
        with feed._lock:
            assert feed._stand_in is not None
            feed._tell(list(feed._stand_in.due(time.monotonic() + 2)))
    feed.stop("done")
    return file


def play(analyzer: Analyzer, clock: Clock) -> None:
    spoken = Evidence(1.0, None, {"speech_share": 0.8})
    said = ["That", "is", "good,", "good.", "Good", "that"]
    for hop in range(12):
        clock.now = (hop + 1) * HOP + SECOND // 10
        if hop != 5:
            analyzer.push(replace(voice(hop), evidence=spoken))
        if hop == 3:
            analyzer.set_controls({"vision"}, paused=False)
        if hop == 6:
            analyzer.set_controls({"text"}, paused=True)
        if hop == 8:
            analyzer.set_controls((), paused=False)
        clock.now += SECOND // 2 * (hop == 9)
        analyzer.push(faces(hop))
        if hop >= 2:
            spoken_word = word(said[hop % len(said)], hop / 2 - 1, hop / 2 - 0.6)
            analyzer.push(words(hop - 2, [spoken_word], until=hop / 2 - 0.5))
        clock.now += SECOND * (hop == 5)
        analyzer.push(words(hop, until=hop / 2 - 0.4))


@pytest.mark.usefixtures("assets")
@pytest.mark.parametrize("orderly", [True, False], ids=["bye", "killed"])
@pytest.mark.parametrize("transcripts", [False, True], ids=["without words", "with words"])
def test_analysed_again_it_says_the_same(tmp_path: Path, transcripts: bool, orderly: bool) -> None:
    file = recorded(tmp_path / "a.qmr", transcripts=transcripts, epochs=2, orderly=orderly)
    told, _ = read(file)
    heard, replay = replayed(file, reanalyze=True)
    assert replay.descriptions["model"] == "the recording's"
    assert judged(heard) == judged(told)
    assert replay.remarks == []
    windows = [item for item in heard if isinstance(item, SentimentMessage)]
    assert {item.session_epoch for item in windows} == {0, 1}
    assert sum(item.reason == STANDS_IN for item in windows) >= 2 - orderly
    assert {item.revision > 0 for item in windows} == {True, False}
    assert any(item.reliability["vision"].reason == "muted" for item in windows)
    assert any("late" in str(item.reliability["audio"].reason) for item in windows)
    assert any(item.reliability["text"].value > 0.5 for item in windows)
    assert any(isinstance(item, HealthMessage) and item.state == "paused" for item in heard)
    assert transcripts == any(isinstance(item, TranscriptMessage) for item in heard)


@pytest.mark.usefixtures("assets")
def test_words_are_in_the_file_only_where_they_were_asked_for(tmp_path: Path) -> None:
    for transcripts in (False, True):
        file = recorded(tmp_path / f"{transcripts}.qmr", transcripts=transcripts)
        data = file.read_bytes().lower()
        assert [said in data for said in (b"good", b"that")] == [transcripts, transcripts]
        told, _ = read(file)
        assert any(isinstance(item, TokenStates) for item in told) is not transcripts
        assert sum(len(item.words) for item in told if isinstance(item, Words)) == 10


@pytest.mark.usefixtures("assets")
def test_another_model_is_named_and_other_features_are_refused(tmp_path: Path) -> None:
    told, recording = read(recorded(tmp_path / "a.qmr"))
    opening = next(item for item in told if isinstance(item, Opening))

    def changed(name: str) -> Path:
        made_of = {**opening.made_of, name: "other"}
        rest = [item for item in told if item is not opening]
        file = tmp_path / f"{name}.qmr"
        return record(file, [replace(opening, made_of=made_of), *rest], recording.about)

    heard, replay = replayed(changed("network"), reanalyze=True)
    assert replay.descriptions["model"] == "not the recording's: other network"
    assert len(heard) == len(plain(told))
    for name in ("vision features", "face measures"):
        with pytest.raises(AssetError, match=f"its {name} are not what this version takes"):
            replayed(changed(name), reanalyze=True)


@pytest.mark.usefixtures("assets")
def test_without_its_token_states_words_are_missing_and_that_is_told(tmp_path: Path) -> None:
    told, recording = read(recorded(tmp_path / "a.qmr"))
    file = tmp_path / "b.qmr"
    record(file, [item for item in told if not isinstance(item, TokenStates)], recording.about)
    _, replay = replayed(file, reanalyze=True)
    assert "token states are missing" in replay.remarks[0]


@pytest.mark.usefixtures("assets")
def test_without_its_beginning_there_is_nothing_to_analyse(tmp_path: Path) -> None:
    file = record(tmp_path / "a.qmr", session(2)[1:])
    with pytest.raises(SourceError, match="can only be replayed as it is"):
        replayed(file, reanalyze=True)
