"""What a session answers to a request, without sockets and threads."""

from collections.abc import Callable, Collection
from importlib.metadata import version
from threading import Event
from typing import Protocol, get_args, runtime_checkable

import msgspec

from streamer.contract.schema import schema_id
from streamer.control.messages import (
    AnyReply,
    AnyRequest,
    Describe,
    Description,
    Done,
    Mute,
    Pause,
    Refused,
    Resume,
    Snapshot,
    State,
    Stop,
    StreamName,
    Unmute,
    names,
)
from streamer.errors import UserError
from streamer.feed.codec import Encoding, topic_of
from streamer.feed.messages import KINDS, HealthMessage, Message

STEERING = ("pause", "resume", "mute", "unmute")

_REQUESTS = msgspec.json.Decoder(AnyRequest)


class Controlled(Protocol):
    """Anything with a feed that can be told to end, live or told from a recording."""

    name: str
    address: str
    stop_requested: Event


@runtime_checkable
class Steerable(Protocol):
    """What can be paused and muted, too."""

    def set_controls(self, muted: Collection[StreamName], paused: bool) -> None: ...


class Desk:
    """Answers for ``session``, whose feed's messages it is shown by ``note``.

    At most ``rate`` requests a second are looked at, after a moment's rest twice as many at once.
    """

    def __init__(
        self,
        session: Controlled,
        encoding: Encoding,
        rate: float,
        clock: Callable[[], float],
    ) -> None:
        self._session = session
        self._steerable = session if isinstance(session, Steerable) else None
        self._encoding = encoding
        self._rate = rate
        self._clock = clock
        self._allowance = 2 * rate
        self._asked_at = clock()
        self._last: dict[str, Message] = {}
        self._muted: frozenset[StreamName] = frozenset()
        self._paused = False

    @property
    def requests(self) -> tuple[str, ...]:
        """What can be asked of this session."""
        every = names(AnyRequest)
        return tuple(name for name in every if self._steerable or name not in STEERING)

    def note(self, message: Message) -> None:
        """Remember a message of the feed as its topic's last."""
        self._last[topic_of(message).decode()] = message

    def answer(self, payload: bytes) -> bytes:
        """The reply to a request, both in JSON; whatever the bytes are, there is one."""
        return msgspec.json.encode(self._reply(payload))

    def _reply(self, payload: bytes) -> AnyReply:
        if not self._allowed():
            return Refused(reason=f"too many requests: at most {self._rate:g} a second")
        try:
            request = _REQUESTS.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return Refused(
                reason=f"{error}; requests are {', '.join(self.requests)}; streams are "
                f"{', '.join(get_args(StreamName))}"
            )
        if isinstance(request, Describe):
            return self._description()
        if isinstance(request, Snapshot):
            return State(messages=[msgspec.to_builtins(item) for item in self._last.values()])
        if isinstance(request, Stop):
            self._session.stop_requested.set()
            return self._done()
        return self._steer(request)

    def _steer(self, request: Pause | Resume | Mute | Unmute) -> AnyReply:
        if self._steerable is None:
            return Refused(
                reason=f"this session cannot be steered; allowed are {', '.join(self.requests)}"
            )
        muted, paused = self._muted, self._paused
        if isinstance(request, Mute | Unmute):
            streams = self._streams()
            if streams and request.stream not in streams:
                return Refused(
                    reason=f"stream {request.stream} is off; allowed are {', '.join(streams)}"
                )
            muted = muted - {request.stream}
            if isinstance(request, Mute):
                muted = muted | {request.stream}
        else:
            paused = isinstance(request, Pause)
        try:
            self._steerable.set_controls(muted, paused)
        except UserError as error:
            return Refused(reason=str(error))
        self._muted, self._paused = muted, paused
        return self._done()

    def _done(self) -> Done:
        return Done(muted=sorted(self._muted), paused=self._paused)

    def _description(self) -> Description:
        return Description(
            version=version("qamoe-stream"),
            session=self._session.name,
            feed=self._session.address,
            encoding=self._encoding,
            schemas={kind: schema_id(of) for kind, of in KINDS.items()},
            topics=sorted(self._last),
            participants=sorted({message.participant for message in self._last.values()}),
            streams=self._streams(),
            muted=sorted(self._muted),
            paused=self._paused,
            requests=list(self.requests),
        )

    def _streams(self) -> list[str]:
        """Those that are not off, by the latest health of anyone; empty where there is none yet."""
        states = {
            name: stream.state
            for message in self._last.values()
            if isinstance(message, HealthMessage)
            for name, stream in message.streams.items()
        }
        return [name for name in get_args(StreamName) if states.get(name, "off") != "off"]

    def _allowed(self) -> bool:
        now = self._clock()
        earned = self._rate * (now - self._asked_at)
        self._allowance = min(self._allowance + earned, 2 * self._rate)
        self._asked_at = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True
