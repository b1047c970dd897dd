from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.features.face_reader import LOOK_SIZE
from models.features.voice_features import VOICE_SIZE
from streamer.packets import (
    FACE_MEASURES,
    SECOND,
    Evidence,
    FaceFrames,
    Stream,
    VoiceFrames,
    Window,
    Word,
    Words,
)
from streamer.settings import WindowSettings
from streamer.windows import Packet, WindowAssembler

SETTINGS = WindowSettings(length=4.0, hop=0.5, deadline=0.3)
HOP = SETTINGS.hop_ns
ALL: tuple[Stream, ...] = ("text", "audio", "vision")
CLEAR = {"face_size": 150, "sharpness": 200, "blockiness": 1, "brightness": 120}
FACE = np.array([CLEAR.get(name, 0) for name in FACE_MEASURES], np.float32)
"""Measures of a face well seen."""


def voice(hop: int, ended: bool = False) -> VoiceFrames:
    features = np.full((20, VOICE_SIZE), hop, np.float32)
    evidence = Evidence(1.0, None, {})
    return VoiceFrames(hop, features, np.ones(20, np.bool_), evidence, ended=ended)


def faces(hop: int, ended: bool = False, count: int = 7) -> FaceFrames:
    at = hop * HOP + np.arange(count, dtype=np.int64) * (HOP // max(count, 1))
    measures = np.tile(FACE, (count, 1))
    features = np.ones((count, LOOK_SIZE), np.float32)
    return FaceFrames(hop, at, features, np.ones(count, np.bool_), measures, ended=ended)


def words(hop: int, said: Iterable[Word] = (), until: float = 0.0, ended: bool = False) -> Words:
    return Words(hop, tuple(said), round(until * SECOND), 0.0, -0.2, 1.0, ended=ended)


def word(text: str, start: float, end: float) -> Word:
    return Word(text, round(start * SECOND), round(end * SECOND), 0.9)


def assembler(streams: tuple[Stream, ...] = ALL, deadline: int | None = None) -> WindowAssembler:
    return WindowAssembler(SETTINGS, streams, frame_rate=14, deadline=deadline)


def closed(windows: WindowAssembler, now: int = 0) -> list[Window]:
    return [item for item in windows.ready(now) if isinstance(item, Window)]


def test_a_window_closes_when_every_stream_has_passed_its_end() -> None:
    windows = assembler()
    windows.add(voice(0))
    assert not closed(windows)
    windows.add(faces(0))
    (window,) = closed(windows, now=0)
    assert (window.hop, window.start, window.end, window.revision) == (0, 0, HOP, 0)
    assert window.streams["audio"].evidence.score == 1.0
    assert window.streams["vision"].mask.any()


def test_a_late_stream_is_waited_for_until_the_deadline_and_then_named() -> None:
    windows = assembler(deadline=SECOND // 4)
    windows.add(voice(0))
    assert not closed(windows, now=HOP + SECOND // 5)
    (window,) = closed(windows, now=HOP + SECOND // 4)
    assert window.streams["vision"].evidence.score == 0
    assert window.streams["vision"].evidence.reason == "pictures are late"
    assert windows.late == 1


def test_a_voice_that_is_late_is_there_for_the_revision() -> None:
    windows = assembler(deadline=SECOND // 4)
    windows.add(faces(0))
    (first,) = closed(windows, now=HOP + SECOND // 4)
    assert first.streams["audio"].evidence.reason == "sound is late"
    windows.add(voice(0))
    windows.add(words(0, [word("hello", 0.2, 0.45)], until=0.5))
    (revised,) = closed(windows, now=HOP + SECOND // 2)
    assert revised.streams["audio"].evidence.score == 1.0


def test_words_land_as_a_revision_and_never_hold_the_others_up() -> None:
    windows = assembler()
    windows.add(voice(0))
    windows.add(faces(0))
    windows.add(words(0))
    windows.add(voice(1))
    windows.add(faces(1))
    first, second = closed(windows, now=0)
    assert (first.words, second.words) == ((), ())
    assert second.words_age == 2 * HOP
    windows.add(words(1, [word("hello", 0.2, 0.45)], until=0.6))
    revised, newest = closed(windows, now=0)
    assert (revised.hop, revised.revision, revised.words_age) == (0, 1, 0)
    assert (newest.hop, newest.revision, newest.words_age) == (1, 1, round(0.4 * SECOND))
    assert [item.text for item in revised.words] == ["hello"]
    assert revised.streams["audio"] is first.streams["audio"]
    windows.add(words(2, until=1.0))
    windows.add(voice(2))
    windows.add(faces(2))
    third, last = closed(windows, now=0)
    assert (third.hop, third.revision) == (2, 0)
    assert (last.hop, last.revision, last.words_age) == (1, 2, 0)


def test_words_keep_the_figures_of_the_hypothesis_they_come_from() -> None:
    windows = assembler(("text", "audio"))
    for hop, said in enumerate(([word("hello", 0.1, 0.4)], [])):
        windows.add(voice(hop))
        windows.add(replace(words(hop, said, until=(hop + 1) / 2), log_probability=-0.3 - hop))
    windows.add(voice(2))
    last = closed(windows)[-1].heard
    assert last is not None
    assert (last.log_probability, last.hop, last.final_until) == (-0.3, 1, SECOND)
    windows.add(replace(words(2, [word("again", 1.1, 1.4)], until=1.5), log_probability=-2.0))
    after = closed(windows)[-1].heard
    assert after is not None
    assert after.log_probability == -2.0


def test_a_window_holds_the_words_that_touch_it_and_no_others() -> None:
    windows = assembler(("text", "audio"))
    said = [word("before", 0.0, 0.9), word("across", 0.9, 1.1), word("inside", 2.0, 2.4)]
    for hop in range(10):
        windows.add(voice(hop))
        windows.add(words(hop, said if hop == 8 else (), until=4.5 if hop == 8 else 0.0))
    last = [window for window in closed(windows) if window.hop == 9]
    assert [item.text for item in last[0].words] == ["across", "inside"]


def test_a_face_seen_late_still_falls_into_the_windows_that_follow() -> None:
    windows = assembler(("vision",), deadline=SECOND // 4)
    (missed,) = closed(windows, now=HOP + SECOND // 4)
    assert not missed.streams["vision"].mask.any()
    windows.add(faces(0))
    windows.add(faces(1))
    (window,) = closed(windows, now=HOP)
    assert window.streams["vision"].mask.sum() == 5


def test_a_camera_that_stalls_reads_zero_long_before_the_window_is_empty() -> None:
    windows = assembler(("vision",))
    for hop in range(8):
        windows.add(faces(hop))
    for hop in range(8, 11):
        windows.add(faces(hop, count=0))
    scores = [window.streams["vision"].evidence.score for window in closed(windows)]
    assert min(scores[:8]) > 0.9
    assert 0.9 > scores[8] > scores[9] == scores[10] == 0
    assert closed(windows) == []


def test_a_stream_that_has_ended_is_absent_and_the_rest_goes_on() -> None:
    windows = assembler()
    windows.add(voice(0, ended=True))
    windows.add(words(0, until=0.5, ended=True))
    windows.add(faces(0))
    windows.add(faces(1, ended=True))
    handed_out = [(window.hop, window.revision) for window in closed(windows)]
    assert handed_out == [(0, 0), (0, 1), (1, 0)]
    assert windows.finished


@pytest.mark.slow
@pytest.mark.parallel
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_arrival_between_streams_does_not_change_the_feed(seed: int) -> None:
    generator = np.random.default_rng(seed)
    hops = 12
    heard: list[Packet] = []
    for hop in range(hops):
        last = hop == hops - 1
        heard += [voice(hop, ended=last)]
        said = [word(f"w{hop}", hop / 2 - 0.9, hop / 2 - 0.5)] if hop > 1 else []
        heard += [words(hop, said, until=max(hop / 2 - 0.5, 0), ended=last)]
    seen: list[Packet] = [faces(hop, ended=hop == hops - 1) for hop in range(hops)]

    def run(turns: Iterable[bool]) -> list[tuple[int, int, tuple[str, ...], int]]:
        windows = assembler()
        out: list[Window] = []
        queues = {True: list(heard), False: list(seen)}
        for turn in [*turns, *[True] * len(heard), *[False] * len(seen)]:
            if queues[turn]:
                windows.add(queues[turn].pop(0))
                out += closed(windows, now=0)
        assert windows.finished
        return [
            (item.hop, item.revision, tuple(word.text for word in item.words), item.words_age)
            for item in out
        ]

    mixed = run(generator.random(3 * hops) < generator.random())
    assert mixed == run([])
    assert [item[:2] for item in mixed if item[1] == 0] == [(hop, 0) for hop in range(hops)]
    last = {hop: age for hop, _, _, age in mixed}
    assert last == dict.fromkeys(range(hops), 0)


@pytest.mark.slow
@pytest.mark.parallel
@given(st.integers(0, 2**32 - 1))
def test_sound_that_ends_before_the_pictures_gives_one_feed_as_well(seed: int) -> None:
    generator = np.random.default_rng(seed)
    heard = [packet for hop in range(4) for packet in (voice(hop, hop == 3), words(hop))]
    heard[-1] = words(3, [word("end", 1.5, 1.9)], until=2.0, ended=True)

    def run(turns: Iterable[bool]) -> list[tuple[int, int, int]]:
        windows = assembler()
        queues = {True: list(heard), False: [faces(hop, ended=hop == 9) for hop in range(10)]}
        out: list[Window] = []
        for turn in [*turns, *[True] * 8, *[False] * 10]:
            if queues[turn]:
                windows.add(queues[turn].pop(0))
                out += closed(windows)
        assert windows.finished
        return [(item.hop, item.revision, item.words_age) for item in out]

    assert run(generator.random(30) < generator.random()) == run([])


def test_memory_is_bounded_when_words_never_become_final() -> None:
    windows = assembler()
    for hop in range(400):
        windows.add(voice(hop))
        windows.add(faces(hop))
        windows.add(words(hop))
        closed(windows)
    held = [len(windows._unrevised), len(windows._faces), len(windows._voices)]
    assert max(held) <= 41


def test_one_that_begins_amid_a_session_closes_no_window_from_before() -> None:
    windows = WindowAssembler(SETTINGS, ALL, 15.0, 0, first_hop=100)
    assert not closed(windows, now=100 * HOP)
    (first,) = closed(windows, now=101 * HOP)
    assert (first.hop, first.revision) == (100, 0)


@pytest.mark.parametrize("lost", ["audio", "vision"])
def test_a_stream_that_is_given_up_is_waited_for_no_longer(lost: Stream) -> None:
    windows = assembler(deadline=1000 * SECOND)
    windows.add(voice(0))
    windows.add(faces(0))
    assert len(closed(windows)) == 1
    windows.give_up(lost)
    other = faces(1, ended=True) if lost == "audio" else voice(1, ended=True)
    windows.add(other)
    assert len(closed(windows)) == 1
    if lost == "vision":
        windows.add(words(1, until=1.0, ended=True))
        list(windows.ready(0))
    assert windows.finished


def test_a_window_names_the_streams_it_closed_without() -> None:
    windows = assembler(deadline=SECOND // 4)
    windows.add(voice(0))
    windows.add(faces(0))
    windows.add(voice(1))
    complete, without = closed(windows, now=2 * HOP + SECOND // 4)
    assert (complete.late, without.late) == ((), ("vision",))


def test_a_stream_that_has_ended_is_not_late() -> None:
    windows = assembler(deadline=SECOND // 4)
    windows.add(faces(0, ended=True))
    windows.add(voice(0))
    windows.add(voice(1))
    assert [window.late for window in closed(windows)] == [(), ()]


def test_fewer_pictures_on_purpose_are_no_fault_of_the_camera() -> None:
    windows = assembler(deadline=SECOND)
    for hop in range(8):
        windows.add(voice(hop))
        windows.add(replace(faces(hop, count=1), frame_rate=2.0))
    last = closed(windows)[-1]
    assert last.streams["vision"].evidence.score == 1.0
    plain = assembler(deadline=SECOND)
    for hop in range(8):
        plain.add(voice(hop))
        plain.add(faces(hop, count=1))
    assert closed(plain)[-1].streams["vision"].evidence.score < 0.7


def test_of_fewer_pictures_those_that_do_not_come_are_missed() -> None:
    windows = assembler(deadline=SECOND)
    for hop in range(8):
        windows.add(voice(hop))
        windows.add(replace(faces(hop, count=int(hop < 6)), frame_rate=2.0))
    last = closed(windows)[-1]
    assert last.streams["vision"].evidence.score < 0.7
    assert last.streams["vision"].evidence.reason == "no pictures from the camera"


def test_while_words_are_paused_windows_wait_for_none() -> None:
    windows = assembler(deadline=SECOND)
    windows.add(voice(0))
    windows.add(faces(0))
    assert len(closed(windows)) == 1
    windows.pause_words(True)
    windows.add(words(0, [word("hello", 0.2, 0.45)], until=0.5))  # was on its way
    windows.add(voice(1))
    windows.add(faces(1))
    (paused,) = closed(windows)
    assert (paused.revision, paused.words, paused.heard) == (0, (), None)
    windows.pause_words(False)
    windows.add(voice(2))
    windows.add(faces(2))
    windows.add(words(2, [word("again", 1.1, 1.4)], until=1.5))
    first, revised = closed(windows)
    assert (first.hop, revised.hop, revised.revision) == (2, 2, 1)
    assert [item.text for item in revised.words] == ["again"]
