"""How long a stage took, as its actor measures it."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from streamer.feed.messages import SentimentMessage

WAITING = 500
"""Spans that wait in an actor to be fetched; of more the oldest go."""

STAGES = ("read face", "hear", "transcribe", "estimate", "publish")


@dataclass(frozen=True, slots=True)
class Span:
    """One piece of work of a stage for the window that ends with ``hop``, from ``begun`` to
    ``ended`` on the monotonic clock of the machine (ns)."""

    stage: str
    hop: int
    begun: int
    ended: int
    revision: int = 0


class Spans:
    """Those of one actor, until they are fetched; none where they are not ``wanted``."""

    def __init__(self, wanted: bool, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self.clock = clock
        self._wanted = wanted
        self._spans: deque[Span] = deque(maxlen=WAITING)

    def add(self, stage: str, hop: int, begun: int, revision: int = 0) -> None:
        """Note a piece of work that ends now."""
        if self._wanted:
            self._spans.append(Span(stage, hop, begun, self.clock(), revision))

    def add_for(self, message: SentimentMessage, stage: str, hop: float, begun: int) -> None:
        """Note work for a message's window that ends now; ``hop`` is the length of one in s."""
        self.add(stage, round(message.window.end / hop) - 1, begun, message.revision)

    @contextmanager
    def of(self, stage: str, hop: int) -> Iterator[None]:
        """Note the work that is done meanwhile."""
        begun = self.clock()
        yield
        self.add(stage, hop, begun)

    def fetch(self) -> tuple[Span, ...]:
        """All since the last time."""
        return tuple(self._spans.popleft() for _ in range(len(self._spans)))
