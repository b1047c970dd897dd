"""What a session answers, without sockets: any request, any bytes."""

import json
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.control.desk import Desk
from streamer.control.messages import AnyReply, Refused, StreamName
from streamer.errors import PipelineError
from tests.feed_fixtures import health, sentiment

SCHEMAS = Path(__file__).parent.parent / "docs" / "schema"
REQUEST, REPLY = (
    jsonschema.Draft202012Validator(json.loads((SCHEMAS / f"control-{name}-1.json").read_text()))
    for name in ("request", "reply")
)
STEERED = [
    {"request": "pause"},
    {"request": "resume"},
    {"request": "mute", "stream": "audio"},
    {"request": "unmute", "stream": "audio"},
]


class Told:
    """A recording: it can be ended, and that is all."""

    name = "s1"
    address = "tcp://127.0.0.1:5556"

    def __init__(self) -> None:
        self.stop_requested = threading.Event()


class Live(Told):
    """A session that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.controls: list[tuple[set[str], bool]] = []
        self.broken = False

    def set_controls(self, muted: Collection[StreamName], paused: bool) -> None:
        if self.broken:
            raise PipelineError("camera died: it was unplugged")
        self.controls.append((set(muted), paused))


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def desk(session: Told, rate: float = 1e9, clock: Clock | None = None) -> Desk:
    return Desk(session, "json", rate, clock or Clock())


def ask(desk: Desk, **request: Any) -> dict[str, Any]:
    payload = desk.answer(json.dumps(request).encode())
    reply: dict[str, Any] = json.loads(payload)
    REPLY.validate(reply)
    return reply


def test_pause_and_mute_are_remembered_and_taken_back() -> None:
    session = Live()
    at = desk(session)
    assert ask(at, request="mute", stream="audio")["muted"] == ["audio"]
    assert ask(at, request="pause") == {
        "reply": "done", "schema": "qamoe.control/1", "muted": ["audio"], "paused": True,
    }  # fmt: skip
    ask(at, request="pause")
    ask(at, request="mute", stream="vision")
    ask(at, request="unmute", stream="audio")
    described = ask(at, request="describe")
    assert (described["muted"], described["paused"]) == (["vision"], True)
    assert ask(at, request="resume")["paused"] is False
    assert session.controls == [
        ({"audio"}, False),
        ({"audio"}, True),
        ({"audio"}, True),
        ({"audio", "vision"}, True),
        ({"vision"}, True),
        ({"vision"}, False),
    ]
    assert not session.stop_requested.is_set()


def test_what_the_session_cannot_do_is_said_and_changes_nothing() -> None:
    session = Live()
    at = desk(session)
    session.broken = True
    assert ask(at, request="pause")["reason"] == "camera died: it was unplugged"
    assert ask(at, request="describe")["paused"] is False
    session.broken = False
    at.note(health())
    at.note(_without_vision())
    refused = ask(at, request="mute", stream="vision")
    assert refused["reason"] == "stream vision is off; allowed are text, audio"
    assert session.controls == []


def _without_vision() -> Any:
    message = health()
    off = msgspec.structs.replace(message.streams["vision"], state="off")
    return msgspec.structs.replace(message, streams=message.streams | {"vision": off})


def test_it_describes_what_is_on_the_feed() -> None:
    at = desk(Live())
    assert ask(at, request="describe")["topics"] == []
    for participant in ("bob", "ann"):
        at.note(sentiment(participant=participant))
    at.note(health())
    described = ask(at, request="describe")
    assert described["session"] == "s1"
    assert described["feed"] == "tcp://127.0.0.1:5556"
    assert described["schemas"]["sentiment"] == "qamoe.sentiment/1"
    assert described["topics"] == ["health/s1/ann/", "sentiment/s1/ann/", "sentiment/s1/bob/"]
    assert described["participants"] == ["ann", "bob"]
    assert described["streams"] == ["text", "audio", "vision"]


def test_a_snapshot_has_the_last_message_of_every_topic() -> None:
    at = desk(Live())
    assert ask(at, request="snapshot")["messages"] == []
    for number in range(3):
        at.note(sentiment(number))
        at.note(sentiment(number, participant="bob"))
    at.note(health())
    messages = ask(at, request="snapshot")["messages"]
    last = (sentiment(2), sentiment(2, participant="bob"), health())
    assert messages == [msgspec.to_builtins(item) for item in last]


def test_a_recording_can_be_ended_and_not_steered() -> None:
    session = Told()
    at = desk(session)
    assert ask(at, request="describe")["requests"] == ["describe", "snapshot", "stop"]
    for request in STEERED:
        assert "allowed are describe, snapshot, stop" in ask(at, **request)["reason"]
    assert not session.stop_requested.is_set()
    assert ask(at, request="stop")["reply"] == "done"
    assert session.stop_requested.is_set()


def test_no_more_than_the_rate_is_looked_at() -> None:
    clock = Clock()
    at = desk(Live(), rate=10, clock=clock)
    replies = [ask(at, request="describe")["reply"] for _ in range(50)]
    assert replies == 20 * ["description"] + 30 * ["refused"]
    assert ask(at, request="describe")["reason"] == "too many requests: at most 10 a second"
    clock.now += 0.5
    replies = [ask(at, request="describe")["reply"] for _ in range(10)]
    assert replies == 5 * ["description"] + 5 * ["refused"]
    clock.now += 1e6
    assert [ask(at, request="describe")["reply"] for _ in range(21)][-2:] == [
        "description",
        "refused",
    ]


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"{}", b"[]", b"null", b"\xff\xfe", b'{"request":"fly"}', b'{"request":"mute"}',
        b'{"request":"mute","stream":"smell"}', b'{"request":"pause"} {"request":"stop"}',
        b'{"request":"pause","schema":"qamoe.control/2"}', b"[" * 100_000,
        b'{"request":' * 1000, b"\x81\xa7request\xa4stop",
    ],
    ids=lambda payload: payload[:40].decode("ascii", "replace"),
)  # fmt: skip
def test_what_is_no_request_is_refused_in_a_line(payload: bytes) -> None:
    session = Live()
    reply = msgspec.json.decode(desk(session).answer(payload), type=AnyReply)
    assert isinstance(reply, Refused)
    assert len(reply.reason.splitlines()) == 1
    assert "requests are describe, snapshot, pause" in reply.reason
    assert not session.controls
    assert not session.stop_requested.is_set()


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_the_bytes_there_is_one_reply(payload: bytes) -> None:
    REPLY.validate(json.loads(desk(Live()).answer(payload)))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(
    st.fixed_dictionaries(
        {"request": st.sampled_from(["describe", "pause", "mute", "stop", "x"]) | json_values},
        optional={
            "stream": st.sampled_from(["text", "audio", "smell"]) | json_values,
            "schema": st.sampled_from(["qamoe.control/1", "qamoe.control/2"]) | json_values,
            "more": json_values,
        },
    )
)
def test_the_schema_allows_exactly_what_is_not_refused(request: dict[str, Any]) -> None:
    reply = ask(desk(Live()), **request)
    assert REQUEST.is_valid(request) == (reply["reply"] != "refused")
