"""Messages in, one bounded queue for every client out; who does not keep up is let go."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

from aiohttp import WSCloseCode

from streamer.feed.codec import KIND_OF, json_line, topic_of
from streamer.feed.messages import Message

QUEUE = 256
"""Messages that wait for one client, over a minute of one participant's."""

TOPICS = 1024
"""Topics whose last message is kept; the one that has been silent longest is forgotten."""


@dataclass(frozen=True, slots=True)
class Line:
    """A message as it goes out."""

    kind: str
    participant: str
    text: str


@dataclass(eq=False, slots=True)
class Client:
    """One who listens to ``kinds`` of all participants or of one. ``code`` is why it has to go."""

    kinds: Collection[str]
    participant: str | None
    lines: asyncio.Queue[Line] = field(default_factory=lambda: asyncio.Queue(QUEUE))
    code: asyncio.Future[WSCloseCode] = field(default_factory=asyncio.Future)

    def offer(self, line: Line) -> bool:
        """Whether the client keeps up; what it does not want costs it nothing."""
        if line.kind not in self.kinds or self.participant not in (None, line.participant):
            return True
        try:
            self.lines.put_nowait(line)
        except asyncio.QueueFull:
            return False
        return True

    def end(self, code: WSCloseCode) -> None:
        if not self.code.done():
            self.code.set_result(code)


class Hub:
    """Belongs to one event loop. Publishing never waits."""

    def __init__(self, most_clients: int) -> None:
        self.dropped = 0
        """Clients let go because they did not keep up."""
        self._most_clients = most_clients
        self._clients: set[Client] = set()
        self._last: dict[bytes, Line] = {}

    def __len__(self) -> int:
        return len(self._clients)

    def publish(self, message: Message) -> None:
        """Give a message to all who want it."""
        name = topic_of(message)
        line = Line(KIND_OF[type(message)], message.participant, json_line(message))
        self._last.pop(name, None)  # the latest last
        self._last[name] = line
        if len(self._last) > TOPICS:
            del self._last[next(iter(self._last))]
        for client in [client for client in self._clients if not client.offer(line)]:
            self._clients.discard(client)
            self.dropped += 1
            client.end(WSCloseCode.TRY_AGAIN_LATER)

    def join(self, kinds: Collection[str], participant: str | None) -> Client | None:
        """A client that has the last message of every topic it wants, or None where it is full."""
        if len(self._clients) >= self._most_clients:
            return None
        client = Client(kinds, participant)
        for line in list(self._last.values())[-QUEUE:]:
            client.offer(line)
        self._clients.add(client)
        return client

    def leave(self, client: Client) -> None:
        self._clients.discard(client)

    def close(self) -> None:
        """Send everyone away: the gateway ends."""
        for client in self._clients:
            client.end(WSCloseCode.GOING_AWAY)
        self._clients.clear()
