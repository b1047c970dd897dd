"""The door of a socket: whom its keys let in, and a word about everyone else."""

import logging
import struct
import threading
import time
from collections.abc import Callable
from typing import Self

import zmq
from zmq.utils import z85

from streamer.feed.keys import ServerKeys
from streamer.logs.event import Event

log = logging.getLogger(__name__)

DOMAIN = b"qamoe"
HANDSHAKE_MS = 5000
"""A stranger who says nothing is cut off after it."""

LOOK_MS = 100
CLOSE_SECONDS = 5.0
SAY_EVERY = 1.0
"""Seconds between two lines of the log, however many strangers come."""

FAILED = (
    zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
)
WHY = {
    (zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL, zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH): (
        "it has no key"
    ),
    (zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL, zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC): (
        "it has another session's public key"
    ),
}

BROKE_OFF = "it broke off the handshake"
BROKE_OFF_LOCKED = f"{BROKE_OFF}, as one without a key may"
"""One without a key goes as soon as it sees the lock, which may be before it has said so."""


class Door:
    """Locks a socket that is bound afterwards, and keeps it locked from a thread of its own.

    It answers ZAP, ZeroMQ's question whether a peer is known, for all sockets of ``context``, so
    there is one to a context; and it hears from the socket's monitor of whoever does not get as far
    as that, which is why it is not ``zmq.auth``'s authenticator: that one never hears of a stranger
    without a key. Where ``keys`` is None all are let in that speak ZMTP 3, which a web page that
    posts to this port does not: where nobody answers ZAP, libzmq takes such bytes for ZMTP 1.
    ``name`` is what the log calls the socket. Close the socket first, then the door.
    """

    def __init__(
        self,
        context: "zmq.Context[zmq.Socket[bytes]]",
        socket: "zmq.Socket[bytes]",
        keys: ServerKeys | None,
        name: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.refused = 0
        """Connections that were not let in."""
        self._keys = keys
        self._name = name
        self._clock = clock
        self._unsaid = 0
        self._said_at = -SAY_EVERY
        self._stranger = ""
        if keys is not None:
            socket.setsockopt(zmq.CURVE_SERVER, 1)
            socket.setsockopt(zmq.CURVE_SECRETKEY, keys.secret)
        socket.setsockopt(zmq.ZAP_DOMAIN, DOMAIN)
        socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        self._questions = context.socket(zmq.REP)
        self._questions.bind("inproc://zeromq.zap.01")
        self._events = socket.get_monitor_socket(FAILED)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"{name} door", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join(CLOSE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _keep(self) -> None:
        poller = zmq.Poller()
        for socket in (self._questions, self._events):
            poller.register(socket, zmq.POLLIN)
        while not self._closing.is_set():
            for socket, _ in poller.poll(LOOK_MS):
                if socket is self._questions:
                    self._answer(socket.recv_multipart())
                else:
                    self._note(socket.recv_multipart())
        self._questions.close(linger=0)
        self._events.close(linger=0)

    def _answer(self, question: list[bytes]) -> None:
        """One question of ZAP (RFC 27), which is libzmq's own and so never malformed."""
        version, number, _, address, _, mechanism, *credentials = question
        if self._keys is None:
            known = mechanism == b"NULL"
        else:
            known = mechanism == b"CURVE" and self._keys.lets_in(z85.encode(credentials[0]))
        if not known:
            self._stranger = address.decode(errors="replace")
        code, text = (b"200", b"OK") if known else (b"400", b"unknown key")
        self._questions.send_multipart([version, number, code, text, b"", b""])

    def _note(self, event: list[bytes]) -> None:
        kind, value = struct.unpack("=hi", event[0])
        self.refused += 1
        self._unsaid += 1
        if self._clock() - self._said_at < SAY_EVERY:
            return
        why = WHY.get((kind, value), BROKE_OFF if self._keys is None else BROKE_OFF_LOCKED)
        if kind == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            why = f"the key of {self._stranger} is not among those let in"
        log.warning(
            Event("connection refused", socket=self._name, why=why, connections=self._unsaid)
        )
        self._unsaid = 0
        self._said_at = self._clock()
