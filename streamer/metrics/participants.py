"""What is known of each participant on a feed: the latest of it, for a bounded number of them."""

from dataclasses import dataclass, replace

from streamer.feed.messages import HealthMessage, Message, SentimentMessage


@dataclass(frozen=True, slots=True)
class Participant:
    """``heard_at`` is by the clock of whoever calls ``hear``, in seconds."""

    session: str
    name: str
    heard_at: float
    sentiment: SentimentMessage | None = None
    health: HealthMessage | None = None

    def is_up(self, now: float, stale: float) -> bool:
        """Whether there is news: no bye, and not silent for ``stale`` seconds."""
        left = self.health is not None and self.health.state == "bye"
        return not left and now - self.heard_at < stale


class Participants:
    """At most ``most``; who has not been heard for ``forget`` seconds goes, and so does the one
    that has been silent for longest where a new one finds no room."""

    def __init__(self, most: int, forget: float) -> None:
        self.forgotten = 0
        self._most = most
        self._forget = forget
        self._known: dict[tuple[str, str], Participant] = {}  # the latest heard is the last

    def hear(self, message: Message, now: float) -> None:
        key = (message.session, message.participant)
        known = self._known.pop(key, None) or Participant(*key, heard_at=now)
        if len(self._known) >= self._most:
            self._drop(next(iter(self._known)))
        if isinstance(message, SentimentMessage):
            known = replace(known, sentiment=message)
        elif isinstance(message, HealthMessage):
            known = replace(known, health=message)
        self._known[key] = replace(known, heard_at=now)

    def current(self, now: float) -> list[Participant]:
        """Those that are not forgotten yet."""
        for key, known in list(self._known.items()):
            if now - known.heard_at >= self._forget:
                self._drop(key)
        return list(self._known.values())

    def _drop(self, key: tuple[str, str]) -> None:
        del self._known[key]
        self.forgotten += 1
