"""The asking end of the control socket."""

import math
from pathlib import Path
from typing import Self, TypeVar

import msgspec
import zmq

from streamer.control.messages import (
    AnyReply,
    AnyRequest,
    Describe,
    Description,
    Done,
    Mute,
    Pause,
    Refused,
    Reply,
    Resume,
    Snapshot,
    State,
    Stop,
    StreamName,
    Unmute,
)
from streamer.errors import SettingError, SourceError
from streamer.feed.address import cannot_connect
from streamer.feed.keys import client_keys
from streamer.feed.messages import KINDS, Message

LARGEST_REPLY = 1 << 20
"""Bytes; whoever sends more is cut off."""

_REPLIES = msgspec.json.Decoder(AnyReply)

Answer = TypeVar("Answer", bound=Reply)


class Controller:
    """Asks the session whose control socket is at ``address``, and waits for its answer.

        with Controller("tcp://127.0.0.1:5557") as session:
            session.mute("audio")
            print(session.describe().participants)

    ``keys``, a folder of them, are needed where the session has some. Not for use by two threads.

    Raises SettingError for a malformed address or bad keys. Each request raises SourceError where
    no answer comes within ``timeout`` seconds, and SettingError, with its reason, where the session
    refuses; either way the next request is a fresh one.
    """

    def __init__(
        self, address: str, *, keys: str | Path | None = None, timeout: float = 5.0
    ) -> None:
        known = None if keys is None else client_keys(Path(keys))
        self._address = address
        self._timeout = timeout
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.REQ)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.SNDTIMEO, math.ceil(1000 * timeout))
        self._socket.setsockopt(zmq.REQ_RELAXED, 1)
        self._socket.setsockopt(zmq.REQ_CORRELATE, 1)  # no answer to a request that was given up
        self._socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_REPLY)
        self._socket.setsockopt(zmq.IPV6, "[" in address)
        if known is not None:
            known.lock(self._socket)
        try:
            self._socket.connect(address)
        except zmq.ZMQError as error:
            self.close()
            raise cannot_connect(address, error, "control", 5557) from None

    def describe(self) -> Description:
        """What the session is."""
        return self._ask(Describe(), Description)

    def snapshot(self) -> list[Message]:
        """The last message of every topic."""
        state = self._ask(Snapshot(), State)
        try:
            return [_message(fields) for fields in state.messages]
        except (msgspec.ValidationError, KeyError) as error:
            raise self._unclear(error) from None

    def pause(self) -> Done:
        """Stop looking and listening until ``resume``."""
        return self._ask(Pause(), Done)

    def resume(self) -> Done:
        return self._ask(Resume(), Done)

    def mute(self, stream: StreamName) -> Done:
        """Stop looking at one stream until ``unmute``."""
        return self._ask(Mute(stream=stream), Done)

    def unmute(self, stream: StreamName) -> Done:
        return self._ask(Unmute(stream=stream), Done)

    def stop(self) -> Done:
        """End the session, with its ``bye``."""
        return self._ask(Stop(), Done)

    def close(self) -> None:
        self._socket.close()
        self._context.term()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, request: AnyRequest, expected: type[Answer]) -> Answer:
        try:
            reply = _REPLIES.decode(self._exchange(msgspec.json.encode(request)))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._unclear(error) from None
        if isinstance(reply, Refused):
            raise SettingError(f"the session refuses: {reply.reason}")
        if not isinstance(reply, expected):
            raise self._unclear(f"{type(reply).__name__} instead of {expected.__name__}")
        return reply

    def _exchange(self, payload: bytes) -> bytes:
        try:
            self._socket.send(payload)  # which finds no way out where the keys were refused
            answered = self._socket.poll(math.ceil(1000 * self._timeout))
        except zmq.Again:
            answered = 0
        if not answered:
            raise SourceError(
                f"nobody answers on {self._address} within {self._timeout:g} s: is a session with "
                "this control socket running, and does it let you in?"
            )
        return self._socket.recv_multipart()[-1]

    def _unclear(self, why: object) -> SourceError:
        return SourceError(f"{self._address} answers what no session does: {why}")


def _message(fields: dict[str, object]) -> Message:
    kind = str(fields["schema"]).removeprefix("qamoe.").partition("/")[0]
    return msgspec.convert(fields, KINDS[kind])
