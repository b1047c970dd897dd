"""The control socket between real sockets: who asks well, who asks badly, and who goes away."""

import contextlib
import json
import logging
import socket
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zmq

from streamer.control import Controller
from streamer.control.messages import StreamName, names
from streamer.control.server import LARGEST_REQUEST, MOST_FRAMES, ControlServer
from streamer.errors import SettingError, SourceError
from streamer.feed.keys import add_client, new_keys, server_keys
from streamer.feed.messages import HealthMessage, SentimentMessage
from streamer.feed.publisher import Publisher
from tests.commands import Answer
from tests.feed_fixtures import health, sentiment

ANY_PORT = "tcp://127.0.0.1:0"
PATIENCE = 10.0


class Session:
    """A feed of its own, and what it was told to do."""

    name = "s1"

    def __init__(self, keys: Path | None = None) -> None:
        known = None if keys is None else server_keys(keys)
        self.publisher = Publisher(ANY_PORT, "json", blocking=False, keys=known)
        self.stop_requested = threading.Event()
        self.controls: list[tuple[set[str], bool]] = []
        self.busy_seconds = 0.0

    @property
    def address(self) -> str:
        return self.publisher.address

    def set_controls(self, muted: Collection[StreamName], paused: bool) -> None:
        time.sleep(self.busy_seconds)
        self.controls.append((set(muted), paused))


@contextmanager
def running(keys: Path | None = None, rate: float = 1e6) -> Iterator[tuple[Session, ControlServer]]:
    session = Session(keys)
    with session.publisher, ControlServer(ANY_PORT, session, keys=keys, rate=rate) as server:
        yield session, server


@pytest.fixture
def served() -> Iterator[tuple[Session, ControlServer]]:
    with running() as served:
        yield served


Served = tuple[Session, ControlServer]


def test_everything_can_be_asked(served: Served) -> None:
    session, server = served
    session.publisher.publish(sentiment())
    session.publisher.publish(health())
    with Controller(server.address) as controller:
        until = time.monotonic() + PATIENCE
        while len(controller.snapshot()) < 2 and time.monotonic() < until:
            session.publisher.poll()
        kinds = {type(message) for message in controller.snapshot()}
        assert kinds == {SentimentMessage, HealthMessage}
        described = controller.describe()
        assert (described.session, described.participants) == ("s1", ["ann"])
        assert described.feed == session.address
        assert controller.mute("audio").muted == ["audio"]
        assert controller.pause().paused
        assert not controller.resume().paused
        assert controller.unmute("audio").muted == []
        assert session.controls[-1] == (set(), False)
        assert not session.stop_requested.is_set()
        controller.stop()
        assert session.stop_requested.is_set()
        with pytest.raises(SettingError, match=r"refuses: .*smell.*streams are text, audio"):
            controller.mute("smell")  # type: ignore[arg-type]


def test_a_plain_req_socket_will_do(served: Served) -> None:
    """What the docs show for other languages."""
    with zmq.Context() as context, context.socket(zmq.REQ) as asking:
        asking.connect(served[1].address)
        for _ in range(3):
            asking.send(b'{"request": "pause"}')
            assert asking.poll(5000)
            assert json.loads(asking.recv())["paused"] is True


def test_clients_that_die_before_the_reply_hold_up_nobody(served: Served) -> None:
    session, server = served
    session.busy_seconds = 0.02
    for _ in range(20):
        with zmq.Context() as context, context.socket(zmq.REQ) as dying:
            dying.connect(server.address)
            dying.send(b'{"request": "pause"}')
            dying.close(linger=50)
    with Controller(server.address, timeout=PATIENCE) as controller:
        assert controller.resume().paused is False


def test_a_client_that_never_reads_holds_up_nobody(served: Served) -> None:
    _, server = served
    with zmq.Context() as context, context.socket(zmq.DEALER) as deaf:
        deaf.setsockopt(zmq.RCVHWM, 1)
        deaf.setsockopt(zmq.LINGER, 0)
        deaf.setsockopt(zmq.SNDTIMEO, 100)
        deaf.connect(server.address)
        for _ in range(3000):
            try:
                deaf.send_multipart([b"", b'{"request": "describe"}'])
            except zmq.Again:
                break
        with Controller(server.address, timeout=PATIENCE) as controller:
            assert controller.describe().session == "s1"


def test_frames_that_are_no_request_are_refused_or_passed_over(served: Served) -> None:
    session, server = served
    with zmq.Context() as context, context.socket(zmq.DEALER) as odd:
        odd.connect(server.address)
        for frames in (
            [b""],
            [b"", b"", b""],
            [b'{"request": "stop"}'],
            [b"a", b'{"request": "stop"}'],
            [b"", b'{"request": "stop"}', b"more"],
            [*(MOST_FRAMES * [b"via"]), b"", b'{"request": "stop"}'],
        ):
            odd.send_multipart(frames)
        odd.send_multipart([b"a", b"proxy", b"", b'{"request": "describe"}'])
        replies = []
        while odd.poll(PATIENCE * 1000):
            *envelope, payload = odd.recv_multipart()
            replies.append(json.loads(payload)["reply"])
            if envelope == [b"a", b"proxy", b""]:
                break
        odd.close(linger=0)
    assert replies == ["refused", "description"]
    assert server.malformed == 5
    assert not session.stop_requested.is_set()


def test_whoever_sends_more_than_the_bound_is_cut_off(served: Served) -> None:
    _, server = served
    with zmq.Context() as context, context.socket(zmq.REQ) as large:
        large.connect(server.address)
        large.send(b" " * (LARGEST_REQUEST + 1))
        assert not large.poll(300)
        large.close(linger=0)
    with Controller(server.address) as controller:
        assert controller.describe()


def posted(request: bytes) -> bytes:
    """A request of HTTP whose bytes are also frames of ZMTP 1: a length, flags, and so many bytes
    less one. Odd flags say that there is more; the first frame is the peer's identity."""
    rest = b"x" * 40 + b" HTTP/1.1\r\n\r\n"
    head = b"POST /" + b"x" * 75 + bytes([len(rest) + 1]) + b"a" + rest
    return head + b"\x01\x01" + bytes([len(request) + 1, 0]) + request


def test_a_web_page_cannot_stop_a_session(served: Served) -> None:
    session, server = served
    address = ("127.0.0.1", int(server.address.rpartition(":")[2]))
    with socket.create_connection(address, timeout=0.5) as page:
        page.sendall(posted(b'{"request":"stop"}'))
        with contextlib.suppress(TimeoutError, ConnectionError):
            while page.recv(1000):
                pass
    with Controller(server.address) as controller:
        controller.describe()
    assert not session.stop_requested.is_set()


def test_a_late_answer_is_not_taken_for_that_to_the_next_request(served: Served) -> None:
    session, server = served
    session.busy_seconds = 0.5
    with Controller(server.address, timeout=PATIENCE) as controller:
        controller._timeout = 0.1
        with pytest.raises(SourceError, match="nobody answers"):
            controller.pause()
        controller._timeout = PATIENCE
        session.busy_seconds = 0.0
        assert controller.describe().session == "s1"


def test_nobody_there_is_said_in_time() -> None:
    with Controller("tcp://127.0.0.1:1", timeout=0.1) as controller:
        for _ in range(3):
            with pytest.raises(SourceError, match=r"nobody answers on tcp://127\.0\.0\.1:1 within"):
                controller.describe()


def test_answers_that_are_none_are_the_other_ends_fault() -> None:
    with zmq.Context() as context, context.socket(zmq.REP) as odd:
        port = odd.bind_to_random_port("tcp://127.0.0.1")
        with Controller(f"tcp://127.0.0.1:{port}") as controller:
            for answer in (
                b"", b"\xff", b'{"reply":"what"}', b'{"reply":"refused","reason":"no"}',
                b'{"reply":"done","muted":[],"paused":false}',
                b'{"reply":"snapshot","messages":[{"schema":"x"}]}',
                b'{"reply":"snapshot","messages":[{}]}',
            ):  # fmt: skip
                answering = threading.Thread(target=lambda: (odd.recv(), odd.send(answer)))  # noqa: B023 - joined below
                answering.start()
                with pytest.raises((SourceError, SettingError), match=r"answers what|refuses: no"):
                    controller.snapshot()
                answering.join(PATIENCE)


@pytest.mark.slow
@pytest.mark.parallel
def test_with_keys_strangers_get_no_answer(
    keys: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    new_keys(tmp_path / "other")
    with running(keys) as (_, server), caplog.at_level(logging.WARNING):
        with Controller(server.address, keys=add_client(keys, "ann")) as controller:
            assert controller.describe().session == "s1"
        for stranger in (None, tmp_path / "other"):
            with Controller(server.address, keys=stranger, timeout=0.3) as controller:
                for _ in range(2):
                    with pytest.raises(SourceError, match="does it let you in"):
                        controller.stop()
        assert server.refused
        assert any("connection refused (socket: control" in text for text in caplog.messages)


@pytest.mark.parametrize(
    ("bind", "error", "said"),
    [
        ("tcp://0.0.0.0:0", SettingError, "feed.control = tcp://0.0.0.0:0: only loopback"),
        ("nowhere", SettingError, "feed.control = nowhere: must look like"),
    ],
)
def test_bad_addresses_are_named(bind: str, error: type[Exception], said: str) -> None:
    session = Session()
    with session.publisher, pytest.raises(error, match=said):
        ControlServer(bind, session)


def test_an_address_in_use_is_named(served: Served) -> None:
    session, server = served
    with pytest.raises(SourceError, match=r"feed\.control = .*in use"):
        ControlServer(server.address, session)


def test_the_command_asks_and_prints_json(answer: Answer, served: Served) -> None:
    session, server = served
    assert session.publisher.wait_for_subscriber(PATIENCE)
    session.publisher.publish(health())
    done = answer("control", server.address, "mute", "vision")
    assert done.code == 0
    assert json.loads(done.lines[0])["muted"] == ["vision"]
    state = answer("control", server.address, "snapshot")
    assert json.loads(state.lines[0])["schema"] == "qamoe.health/1"
    bad = answer("control", server.address, "mute", "smell")
    assert (bad.code, "must be one of text, audio, vision" in bad.complaint) == (2, True)
    nobody = answer("control", "tcp://127.0.0.1:1", "describe", "--timeout", "0.2")
    assert (nobody.code, "nobody answers" in nobody.complaint) == (3, True)


def test_the_command_offers_what_there_is() -> None:
    from typing import get_args, get_type_hints

    from streamer.commands.listening import control
    from streamer.control.messages import AnyRequest

    assert get_args(get_type_hints(control)["request"]) == names(AnyRequest)
