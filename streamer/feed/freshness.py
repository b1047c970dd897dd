"""How old the newest sentiment of each participant is, by the clock of its arrival."""

from collections.abc import Callable
from dataclasses import dataclass

from streamer.errors import StaleError
from streamer.feed.messages import SentimentMessage


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that has arrived between ``after``, when nothing was waiting yet, and ``by``, when
    it was taken in."""

    message: SentimentMessage
    after: float
    by: float


class Freshness:
    """Keeps the newest sentiment of each participant; ``clock`` counts seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._nothing_waited_at = self._opened_at = clock()
        self._arrivals: dict[str, Arrival] = {}
        self._ended: dict[str, str] = {}

    def nothing_waits(self) -> None:
        """Everything that has arrived until now is taken in."""
        self._nothing_waited_at = self._clock()

    def add(self, message: SentimentMessage) -> None:
        """Take in a message; a late revision does not replace a newer window."""
        known = self._arrivals.get(message.participant)
        self._ended.pop(message.participant, None)
        if known is None or not _is_older(message, known.message):
            arrival = Arrival(message, self._nothing_waited_at, self._clock())
            self._arrivals[message.participant] = arrival

    def end(self, session: str, participant: str) -> None:
        """The participant has said ``bye``."""
        known = self._arrivals.get(participant)
        if known is None or known.message.session == session:
            self._arrivals.pop(participant, None)
            self._ended[participant] = session

    def newest(self, max_age: float, *, surely: bool) -> dict[str, SentimentMessage] | None:
        """The newest sentiment by participant where all have arrived within ``max_age`` seconds,
        None while that is uncertain; ``surely`` takes uncertain ones for old.

        Raises StaleError where one is older, or there is none at all.
        """
        now = self._clock()
        uncertain = False
        for participant, arrival in self._arrivals.items():
            if now - arrival.by > max_age or (surely and now - arrival.after > max_age):
                raise StaleError(
                    f"{participant}: the newest sentiment came {now - arrival.by:.1f} s ago or "
                    f"earlier, {max_age:g} s are allowed"
                )
            uncertain |= now - arrival.after > max_age
        if not self._arrivals:
            if self._ended:
                raise StaleError(f"{', '.join(sorted(self._ended))}: said bye")
            if surely or now - self._opened_at > max_age:
                raise StaleError(f"no sentiment heard yet, after {now - self._opened_at:.1f} s")
            return None
        if uncertain:
            return None
        return {name: arrival.message for name, arrival in self._arrivals.items()}


def _is_older(message: SentimentMessage, known: SentimentMessage) -> bool:
    """Whether it tells about an earlier window of the same analysis."""
    analysis = (message.session, message.session_epoch)
    same = analysis == (known.session, known.session_epoch) and message.seq > known.seq
    return same and message.window.end < known.window.end
