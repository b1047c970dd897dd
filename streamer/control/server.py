"""The control socket of a session: requests in, one reply to each."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import zmq

from streamer.control.desk import Controlled, Desk
from streamer.feed.address import cannot_bind, check_bind, check_free, remove_socket
from streamer.feed.codec import Encoding
from streamer.feed.door import Door
from streamer.feed.keys import server_keys
from streamer.feed.messages import KINDS
from streamer.feed.subscriber import Subscriber
from streamer.logs.event import Event
from streamer.settings import Settings

log = logging.getLogger(__name__)

SETTING = "feed.control"

LARGEST_REQUEST = 4096
"""Bytes of a frame; whoever sends more is cut off."""

MOST_FRAMES = 8
"""Of one request, with what REQ and proxies put around it."""

WAITING = 100
"""Requests that wait, and replies to one client."""

AT_ONCE = 100
LOOK_MS = 50
LINGER_MS = 500
CLOSE_SECONDS = 15.0
"""Longer than a session may take to do as it is told."""

RATE = 20.0


class ControlServer:
    """Answers at ``bind`` for ``session``, from a thread of its own until it is closed.

    It is a ROUTER, which answers whoever asks and forgets who has gone: a client that dies between
    request and reply holds up nobody. What is no request gets the reply ``refused``; what could not
    be answered either, since it has no envelope as REQ makes it, is counted in ``malformed``. With
    ``keys``, a folder of them, only their owners are heard.

    Raises SettingError for an address that is malformed, or not loopback where there are no keys;
    SourceError for one that cannot be had.
    """

    def __init__(
        self,
        bind: str,
        session: Controlled,
        encoding: Encoding = "json",
        *,
        keys: Path | None = None,
        rate: float = RATE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        known = None if keys is None else server_keys(keys)
        endpoint = check_bind(bind, locked=known is not None, setting=SETTING)
        check_free(endpoint, SETTING)
        self._endpoint = endpoint
        self.malformed = 0
        self._desk = Desk(session, encoding, rate, clock)
        self._feed = Subscriber(session.address, tuple(KINDS), session=session.name, keys=keys)
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.LINGER, LINGER_MS)
        self._socket.setsockopt(zmq.RCVHWM, WAITING)
        self._socket.setsockopt(zmq.SNDHWM, WAITING)
        self._socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_REQUEST)
        self._socket.setsockopt(zmq.IPV6, "[" in endpoint)
        self._door = Door(self._context, self._socket, known, "control")
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="control", daemon=True)
        try:
            self._socket.bind(endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise cannot_bind(bind, error, SETTING) from None
        self._thread.start()

    @property
    def address(self) -> str:
        """The endpoint to connect to, with the port that a wildcard has come to."""
        return self._socket.getsockopt_string(zmq.LAST_ENDPOINT)

    @property
    def refused(self) -> int:
        """Connections that were not let in, for want of a key that is."""
        return self._door.refused

    def close(self) -> None:
        """Stop answering, after the reply that is under way."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_SECONDS)
        self._socket.close()
        self._door.close()
        self._context.term()
        self._feed.close()
        remove_socket(self._endpoint)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                heard = self._listen()
                if self._socket.poll(0 if heard else LOOK_MS):
                    self._listen()
                    self._serve()
        except Exception:
            log.exception(Event("control socket broken"))

    def _listen(self) -> bool:
        """Take in what the feed has said since; whether there may be more."""
        for _ in range(AT_ONCE):
            message = self._feed.receive(0)
            if message is None:
                return False
            self._desk.note(message)
        return True

    def _serve(self) -> None:
        for _ in range(AT_ONCE):
            try:
                frames = self._socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return
            if len(frames) > MOST_FRAMES or frames[-2] != b"":
                self.malformed += 1
                continue
            reply = self._desk.answer(frames[-1])
            with contextlib.suppress(zmq.Again):  # it takes no replies: its own loss
                self._socket.send_multipart([*frames[:-1], reply], zmq.DONTWAIT)


@contextlib.contextmanager
def controlled(session: Controlled, settings: Settings) -> Iterator[str]:
    """A control socket beside ``session`` where the settings want one; its address, or nothing."""
    feed = settings.feed
    if feed.control is None:
        yield ""
        return
    with ControlServer(feed.control, session, feed.encoding, keys=feed.keys) as server:
        yield server.address
