"""The receiving end of the feed: typed messages, repeats left out, losses counted."""

import math
import re
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar, cast

import zmq

from streamer.errors import SettingError
from streamer.feed.address import cannot_connect
from streamer.feed.codec import KIND_OF, MalformedError, decode
from streamer.feed.freshness import Freshness
from streamer.feed.keys import client_keys
from streamer.feed.messages import KINDS, HealthMessage, Message, SentimentMessage

LARGEST_MESSAGE = 1 << 20
"""Bytes; whoever sends more is cut off, and nothing more is heard from there."""

Result = TypeVar("Result")
Steps = Generator[float, list[bytes] | None, Result]
"""What both subscribers do alike: yields how many seconds to wait for a message at most, and is
sent its frames, or None where none has come."""


class Listener:
    """A connection to the messages of ``kinds`` at ``address``, of all or of one session and
    participant: which of them are new and wanted, and what was lost. How one waits for the next is
    up to ``Subscriber`` and ``AsyncSubscriber``.

    Nobody needs to be publishing yet, and a publisher that starts again is found again. ``queue``
    bounds the messages that wait here to be received, ``topics`` of how many one keeps the state:
    those of more are skipped, and count as malformed. After ``idle`` seconds without any message,
    health included, iterating ends. ``keys``, a folder of them, are needed where the publisher has
    some; it is silent to strangers.

    Raises SettingError for a malformed address, an unknown kind, an impossible name or bad keys.
    """

    _context_type: ClassVar[type[zmq.Context[Any]]] = zmq.Context

    def __init__(
        self,
        address: str,
        kinds: Sequence[str] = ("sentiment", "transcript", "health"),
        session: str | None = None,
        participant: str | None = None,
        *,
        keys: str | Path | None = None,
        queue: int = 1000,
        topics: int = 10_000,
        idle: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_wishes(kinds, session, participant)
        known = None if keys is None else client_keys(Path(keys))
        self.gaps = 0
        """Messages lost on the way, by the gaps in ``seq``."""
        self.restarts = 0
        """How often a topic's ``seq`` began anew: its publisher was started again."""
        self.malformed = 0
        """Messages that could not be understood, and were skipped."""
        self._kinds = frozenset(kinds)
        self._session = session
        self._participant = participant
        self._queue = queue
        self._topics = topics
        self._idle = idle
        self._clock = clock
        self._heard_at = clock()
        self._heard: dict[bytes, tuple[int, float]] = {}
        self._running: dict[tuple[str, str], bool] = {}
        self._freshness = Freshness(clock)
        self._context = self._context_type()
        self._socket: Any = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.RCVHWM, queue)
        self._socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.IPV6, "[" in address)
        if known is not None:
            known.lock(self._socket)
        # Health is always heard: it is where the end of a session is told.
        for kind in sorted(self._kinds | {"health"}):
            self._socket.subscribe(_prefix(kind, session, participant))
        try:
            self._socket.connect(address)
        except zmq.ZMQError as error:
            self.close()
            raise cannot_connect(address, error) from None

    @property
    def ended(self) -> bool:
        """Whether everyone heard so far has said ``bye``."""
        return bool(self._running) and not any(self._running.values())

    @property
    def silent(self) -> bool:
        """Whether nothing at all has been heard for ``idle`` seconds."""
        return self._clock() - self._heard_at >= self._idle

    def close(self) -> None:
        self._socket.close()
        self._context.term()

    def _receiving(self, timeout: float) -> Steps[Message | None]:
        """``Subscriber.receive``, step by step."""
        deadline = self._clock() + timeout
        for considered in count():
            remaining = max(0.0, deadline - self._clock())
            if remaining == 0 and considered > self._queue:
                return None  # a flood of things to skip must not hold the caller
            frames = yield remaining
            if frames is None:
                return None
            ended = self.ended
            message = self._accept(frames)
            if message is not None or (self.ended and not ended):
                return message
        return None

    def _looking(self, max_age: float) -> Steps[dict[str, SentimentMessage]]:
        """``Subscriber.latest``, step by step."""
        deadline = self._clock() + max_age
        wait = 0.0
        while True:
            for _ in range(self._queue):
                frames = yield wait
                if frames is None:
                    break
                self._accept(frames)
                wait = 0.0
            wait = max(0.0, deadline - self._clock())
            newest = self._freshness.newest(max_age, surely=wait == 0)
            if newest is not None:
                return newest

    def _accept(self, frames: list[bytes]) -> Message | None:
        """The message in ``frames``, unless it is malformed, not asked for or a repeat."""
        try:
            message = decode(frames)
        except MalformedError:
            self.malformed += 1
            return None
        if self._participant not in (None, message.participant):
            return None
        if frames[0] not in self._heard and len(self._heard) >= self._topics:
            self.malformed += 1
            return None
        self._heard_at = self._clock()
        bye = isinstance(message, HealthMessage) and message.state == "bye"
        wanted = KIND_OF[type(message)] in self._kinds
        if not self._is_new(frames[0], message, counted=wanted):
            return None
        self._running[message.session, message.participant] = not bye
        if isinstance(message, SentimentMessage):
            self._freshness.add(message)
        elif bye:
            self._freshness.end(message.session, message.participant)
        return message if wanted else None

    def _is_new(self, name: bytes, message: Message, *, counted: bool) -> bool:
        """Follow a topic's ``seq``; False for the repeat that a late joiner has called forth."""
        last = self._heard.get(name)
        this = (message.seq, message.published_at)
        if this == last:
            return False
        self._heard[name] = this
        if counted and last is not None:
            self.restarts += message.seq <= last[0]
            self.gaps += max(0, message.seq - last[0] - 1)
        return True


class Subscriber(Listener):
    """Hears a feed, message by message.

        with Subscriber("tcp://127.0.0.1:5556") as feed:
            for message in feed:
                print(message)

    Iterating ends after the ``bye`` of everyone heard, or when nothing at all, not even health, has
    come for ``idle`` seconds: ``ended`` tells which, and nothing is raised. Not for use by two
    threads.
    """

    def receive(self, timeout: float) -> Message | None:
        """The next message, or None where none comes within ``timeout`` seconds.

        Also None, and at once, where the feed ends with a message that was not asked for.
        """
        return self._take(self._receiving(timeout))

    def latest(self, max_age: float) -> dict[str, SentimentMessage]:
        """The newest sentiment of every participant who has not said ``bye``, none of which has
        arrived more than ``max_age`` seconds ago.

        What has been waiting here may be old. So where nobody has looked for ``max_age`` seconds,
        and at the beginning, this waits for the next message, for ``max_age`` seconds at most;
        otherwise it answers at once. Iterating does not give what it has taken in again.

        Raises StaleError that says who has been silent, and for how long.
        """
        return self._take(self._looking(max_age))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Message]:
        self._heard_at = self._clock()
        while not self.silent:
            message = self.receive(self._idle)
            if message is not None:
                yield message
            if self.ended:
                return

    def _take(self, steps: Steps[Result]) -> Result:
        try:
            wait = next(steps)
            while True:
                wait = steps.send(self._frames(wait))
        except StopIteration as done:
            return cast(Result, done.value)

    def _frames(self, timeout: float) -> list[bytes] | None:
        with suppress(zmq.Again):
            return self._frames_now()
        self._freshness.nothing_waits()
        if timeout > 0 and self._socket.poll(math.ceil(timeout * 1000)):
            return self._frames_now()
        return None

    def _frames_now(self) -> list[bytes]:
        """As ``recv_multipart`` does, in half its time."""
        frames = [self._socket.recv(zmq.DONTWAIT)]
        while self._socket.getsockopt(zmq.RCVMORE):
            frames.append(self._socket.recv())
        return frames


def _prefix(kind: str, session: str | None, participant: str | None) -> bytes:
    """What to subscribe to. It ends with the separator, so "ann" never catches "anna"."""
    levels = [kind]
    if session is not None:
        levels.append(session)
        if participant is not None:
            levels.append(participant)
    return "".join(f"{level}/" for level in levels).encode()


def check_wishes(kinds: Sequence[str], session: str | None, participant: str | None) -> None:
    """Raise SettingError for an unknown kind or an impossible name."""
    unknown = set(kinds) - set(KINDS)
    if unknown or not kinds:
        raise SettingError(
            f"feed kinds = {', '.join(kinds) or '(none)'}: allowed are {', '.join(KINDS)}"
        )
    for what, name in (("session", session), ("participant", participant)):
        if name is not None and not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name):
            raise SettingError(
                f"{what} = {name!r}: allowed are 1 to 64 of letters, digits, '.', '_' and '-'"
            )
