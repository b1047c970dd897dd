"""The sending end of the feed: one XPUB socket that remembers the last message of every topic.

A new subscription brings the last message of each topic it matches. XPUB cannot address a single
subscriber, so others on the same topic hear that message once more. Such a repeat is the same bytes
with the same ``seq``, readers skip it, and any number of subscriptions that arrive between two
calls of ``poll`` cost one repeat a topic. (libzmq's draft option XPUB_MANUAL_LAST_VALUE would
address the newcomer, but with one message only, and where nothing matches it diverts the next
message from everyone else.)
"""

import math
import threading
import time
from collections.abc import Callable
from typing import Self, TypeVar

import msgspec
import zmq

from streamer.feed.address import cannot_bind, check_bind, check_free, remove_socket
from streamer.feed.codec import Encoding, encode, topic_of
from streamer.feed.door import Door
from streamer.feed.keys import ServerKeys
from streamer.feed.messages import Message

SEND_MARK = 1000
"""Messages that wait for one subscriber before it loses some."""

PATIENCE_MS = 10_000
"""How long a blocking publisher waits for a subscriber that has fallen SEND_MARK behind."""

SETTLED = 0.05
"""Seconds without a new subscription after which those of one reader are taken to be complete."""

LOOK_SECONDS = 0.01
"""``publish`` looks for newcomers at most this often: a look costs more than a message."""

SUBSCRIPTION_BYTES = 4096
"""A longer subscription closes its connection."""


AnyMessage = TypeVar("AnyMessage", bound=Message)


class Publisher:
    """Publishes messages under the topics of their sessions and participants.

    ``blocking`` is for files read faster than real time: a publication waits for slow subscribers,
    so that they lose nothing. Otherwise it never waits, and a slow subscriber sees a gap in
    ``seq``. Safe to use from several threads; it runs none of its own, so call ``poll`` at least
    every 100 ms to serve late joiners (``publish`` does so, too). With ``keys`` only those whom
    they let in can subscribe, and everything is encrypted.

    Raises SettingError for an address that is malformed, or not loopback where there are no keys;
    SourceError for one that cannot be had.
    """

    def __init__(
        self,
        bind: str,
        encoding: Encoding,
        *,
        blocking: bool,
        keys: ServerKeys | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        endpoint = check_bind(bind, locked=keys is not None)
        check_free(endpoint)
        self._endpoint = endpoint
        self.dropped = 0
        """Messages that found a subscriber's queue full: a lower bound of what was lost, since the
        first loss of a subscriber that falls behind is seen here, the following only there."""
        self._encoding = encoding
        self._wall_clock = wall_clock
        self._last: dict[bytes, bytes] = {}
        self._next_seq: dict[bytes, int] = {}
        self._subscribed: set[bytes] = set()
        self._looked_at = -math.inf
        self._waits = False
        self._lock = threading.RLock()
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.XPUB)
        self._socket.setsockopt(zmq.SNDHWM, SEND_MARK)
        self._socket.setsockopt(zmq.SNDTIMEO, PATIENCE_MS if blocking else 0)
        self._socket.setsockopt(zmq.MAXMSGSIZE, SUBSCRIPTION_BYTES)
        self._socket.setsockopt(zmq.XPUB_VERBOSE, 1)
        self._socket.setsockopt(zmq.IPV6, "[" in endpoint)
        self._door = None if keys is None else Door(self._context, self._socket, keys, "feed")
        try:
            self._socket.bind(endpoint)
        except zmq.ZMQError as error:
            self.close(linger_ms=0)
            raise cannot_bind(bind, error) from None

    @property
    def address(self) -> str:
        """The endpoint to connect to, with the port that a wildcard has come to."""
        return self._socket.getsockopt_string(zmq.LAST_ENDPOINT)

    @property
    def refused(self) -> int:
        """Connections that were not let in, for want of a key that is."""
        return 0 if self._door is None else self._door.refused

    def publish(self, message: AnyMessage) -> AnyMessage:
        """Send a message with its ``seq`` and ``published_at`` filled in, and return it so.

        One that comes with a higher ``seq`` than is due keeps it: it is from a recording, and what
        is missing there is missing here."""
        with self._lock:
            now = self._wall_clock()
            if not 0 <= now - self._looked_at < LOOK_SECONDS:
                self._looked_at = now
                self.poll()
            name = topic_of(message)
            seq = max(self._next_seq.get(name, 0), message.seq)
            stamped = msgspec.structs.replace(message, seq=seq, published_at=now)
            payload = encode(stamped, self._encoding)
            self._next_seq[name] = seq + 1
            self._last.pop(name, None)  # the latest last, so that nothing is repeated after a bye
            self._last[name] = payload
            self.dropped += not self._send(name, payload)
            return stamped

    def poll(self) -> None:
        """Give those who have subscribed since the last call the last message of their topics."""
        with self._lock:
            joined = self._subscriptions()
            for name, payload in self._last.items():
                if name.startswith(joined):
                    self._send(name, payload)

    def wait_for_subscriber(self, timeout: float, settled: float = SETTLED) -> bool:
        """Whether anyone is subscribed to anything, waiting up to ``timeout`` seconds for it.

        Then it waits until there has been no other subscription for ``settled`` seconds.
        """
        deadline = time.monotonic() + timeout
        while (remaining := deadline - time.monotonic()) > 0:
            with self._lock:
                more = self._socket.poll(math.ceil(1000 * min(remaining, settled)))
                self.poll()
            if self._subscribed and not more:
                break
        return bool(self._subscribed)

    def close(self, linger_ms: int = 1000) -> None:
        """Stop. What is still queued is sent for up to ``linger_ms`` milliseconds."""
        with self._lock:
            self._socket.close(linger=linger_ms)
            if self._door is not None:
                self._door.close()
            self._context.term()
            remove_socket(self._endpoint)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _subscriptions(self) -> tuple[bytes, ...]:
        """The topic prefixes subscribed to since the last call; at most SEND_MARK requests."""
        joined = set()
        for _ in range(SEND_MARK):
            try:
                request = self._socket.recv(zmq.DONTWAIT)
            except zmq.Again:
                break
            prefix = request[1:]
            if request.startswith(b"\x01"):
                self._subscribed.add(prefix)
                joined.add(prefix)
            elif request.startswith(b"\x00"):
                self._subscribed.discard(prefix)
        return tuple(joined)

    def _send(self, name: bytes, payload: bytes) -> bool:
        """Send to all, or to all but those whose queue is full; whether there were none of them."""
        if not self._waits:
            self._socket.setsockopt(zmq.XPUB_NODROP, 1)
            self._waits = True
        try:
            self._send_frames(name, payload)
        except zmq.Again:
            # Nobody has got it yet. A subscriber that is dropped for here is left out of all that
            # follows until it reads again, so that a dead one costs the patience only once.
            self._socket.setsockopt(zmq.XPUB_NODROP, 0)
            self._waits = False
            self._send_frames(name, payload)
            return False
        return True

    def _send_frames(self, name: bytes, payload: bytes) -> None:
        """As ``send_multipart`` does, in half its time."""
        self._socket.send(name, zmq.SNDMORE)
        self._socket.send(payload)
