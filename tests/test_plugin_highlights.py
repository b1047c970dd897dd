"""Highlights of a call: from a real feed to a file that another program reads."""

import random
from collections.abc import Iterator
from io import StringIO
from itertools import pairwise
from pathlib import Path

import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from chapters import webvtt as chapters
from moments import KEPT, Rated, Windows, strongest
from streamer.feed.messages import Message, Reliability
from streamer.feed.publisher import Publisher
from tests.feed_fixtures import health, sentiment
from tests.plugin_fixtures import interrupt, outcome, python, run, started

SCRIPT = "highlights/highlights.py"
NOISE = Reliability(0.0, 0.2, 0.0, "noise")


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher("tcp://127.0.0.1:0", "json", blocking=True) as publisher:
        yield publisher


def call() -> list[Message]:
    """A minute, mostly calm: a glad moment, a stronger one that is noise, a sad one, abstention."""
    values = {20: 0.6, 21: 0.9, 22: 0.7, 60: 0.95, 61: 0.9, 100: -0.5, 101: -0.45, 102: None}
    messages: list[Message] = []
    for number in range(120):
        audio = NOISE if number in (60, 61) else None
        value = values.get(number, 0.05)
        messages.append(sentiment(number, value=value, audio=audio, reason="dark"))
        if number == 101:  # the words turn the moment before it into nothing
            messages.append(sentiment(100, value=-0.7, revision=1))
            messages.append(sentiment(40, value=None, revision=1, reason="dark"))
    return messages


def captions(path: Path) -> list[tuple[float, float, str]]:
    return [
        (caption.start_in_seconds, caption.end_in_seconds, caption.text)
        for caption in webvtt.read(str(path))
    ]


def publish(publisher: Publisher, messages: list[Message]) -> None:
    assert publisher.wait_for_subscriber(20)
    for message in messages:
        publisher.publish(message)


def test_a_call_becomes_chapters(publisher: Publisher, tmp_path: Path) -> None:
    out = tmp_path / "call.vtt"
    command = python(SCRIPT, publisher.address, "--out", str(out), "--count", "3")
    with started(command) as plugin:
        publish(publisher, [*call(), health(bye=True)])
        code, lines, err = outcome(plugin)
    assert (code, err) == (0, "")
    assert lines == [f"{out}: 3 moments out of 118 windows with an estimate"]
    # Windows are 4 s long and end at 4 + number / 2.
    assert captions(out) == [
        (10, 15, "ann: positive +0.90, reliability 0.80"),
        (30, 34, "ann: positive +0.95, reliability 0.53"),
        (50, 54, "ann: negative -0.70, reliability 0.80"),
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["call.vtt"]


def test_the_same_messages_in_any_order_give_the_same_file() -> None:
    messages = [message for message in call() if message.schema == "qamoe.sentiment/1"]
    newest = {message.window.end: message for message in messages}
    files = set()
    for seed in range(5):
        windows = Windows()
        for message in random.Random(seed).sample(list(newest.values()), len(newest)):
            windows.add(message)
        files.add(chapters("s1", strongest(windows, 3, 10, 30)))
    assert len(files) == 1


def test_only_so_many_windows_are_kept() -> None:
    windows = Windows(most=3)
    for number in (0, 1, 2, 3, 1):
        windows.add(sentiment(number, revision=number))
    assert (len(windows), windows.left_out) == (3, 1)


rated = st.builds(
    lambda participant, number, value, reliability: Rated(
        participant, number / 2, 4 + number / 2, value, reliability
    ),
    st.sampled_from(["ann", "bob"]),
    st.integers(0, 200),
    st.floats(-1, 1),
    st.floats(0, 1),
)


@given(
    st.lists(rated, unique_by=lambda item: (item.participant, item.end), max_size=60),
    st.integers(1, 6),
    st.floats(0, 20),
    st.floats(4, 30),
)
def test_moments_stand_apart_and_hold_what_is_strong(
    windows: list[Rated], count: int, apart: float, longest: float
) -> None:
    moments = strongest(windows, count, apart, longest)
    assert len(moments) <= count
    assert bool(moments) == any(window.strength for window in windows)
    for earlier, later in pairwise(moments):
        assert later.start - earlier.end >= apart
    for moment in moments:
        assert moment.start <= moment.peak.start < moment.peak.end <= moment.end
        assert moment.end - moment.start <= longest
    if moments:
        strongest_of_all = max(window.strength for window in windows)
        assert max(moment.peak.strength for moment in moments) == strongest_of_all
    read = webvtt.from_buffer(StringIO(chapters("s1", moments)))
    assert [caption.start_in_seconds for caption in read] == [int(m.start) for m in moments]


def test_neighbours_are_taken_in_while_they_are_strong_and_alike() -> None:
    strengths = [0.1, 0.5, 0.8, 0.45, 0.39, 0.8, -0.8]
    windows = [Rated("ann", n, n + 2.0, value, 1.0) for n, value in enumerate(strengths)]
    (moment,) = strongest(windows, 1, 0, 30)
    assert (moment.start, moment.end, moment.peak.value) == (1.0, 5.0, 0.8)
    assert 0.39 < KEPT * 0.8 < 0.45


def test_ctrl_c_writes_what_was_heard(publisher: Publisher, tmp_path: Path) -> None:
    out = tmp_path / "call.vtt"
    publisher.publish(sentiment(value=0.8))
    with started(python(SCRIPT, publisher.address, "--out", str(out))) as plugin:
        assert publisher.wait_for_subscriber(20)
        code, lines, err = interrupt(plugin)
    assert (code, err) == (0, "interrupted: what was heard so far\n")
    assert len(lines) == 1
    assert captions(out) == [(0, 4, "ann: positive +0.80, reliability 0.80")]


def test_another_session_on_the_feed_is_not_mixed_in(publisher: Publisher, tmp_path: Path) -> None:
    out = tmp_path / "call.vtt"
    command = python(SCRIPT, publisher.address, "--out", str(out), "--session", "s2")
    with started(command) as plugin:
        ends = [health(bye=True), health(session="s2", bye=True)]
        publish(publisher, [sentiment(0), sentiment(9, session="s2"), *ends])
        assert outcome(plugin)[0] == 0
    assert [start for start, _, _ in captions(out)] == [4]


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["nowhere"], 2, "highlights: feed address nowhere"),
        (["--out", "/no/such/folder/call.vtt"], 2, "--out = /no/such/folder/call.vtt: cannot"),
        (["--count", "0"], 2, "--count = 0: must be 1 to 1000"),
        (["--apart", "nan"], 2, "--apart = nan: must be 0 to 86400"),
        (["tcp://127.0.0.1:1", "--timeout", "0.2"], 3, "no sentiment heard on tcp://127.0.0.1:1"),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], code: int, complaint: str) -> None:
    ended, lines, err = run(python(SCRIPT, *arguments))
    assert (ended, lines) == (code, [])
    assert complaint in err.splitlines()[-1]
    assert "Traceback" not in err
