"""What the feed says for itself while no analyzer does."""

import math
from collections.abc import Iterator

import msgspec

from streamer.feed.messages import (
    HealthMessage,
    Message,
    Reliability,
    SentimentMessage,
    Span,
    StreamHealth,
)

WINDOW_GRACE = 0.8
"""Seconds beyond its time after which a window is taken not to come."""

HEALTH_EVERY = 1.0
HEALTH_GRACE = 1.0

REASON = "no analysis: the analyzer does not answer"


class StandIn:
    """Goes by the messages published last, and by a monotonic clock (s).

    A window that is overdue is told without an estimate and with all reliabilities 0, so that
    nobody takes the last estimate for the present one; and health goes on every second.
    """

    def __init__(self, length: float, hop: float) -> None:
        """``length`` of a window and ``hop`` from one to the next, in seconds."""
        self._length = length
        self._hop = hop
        self._window: SentimentMessage | None = None
        self._health: HealthMessage | None = None
        self._window_at = self._window_due = math.inf
        self._health_at = self._health_due = math.inf

    def take(self, message: Message, now: float) -> None:
        """Note a message that is published at ``now``, be it the analyzer's or one from here."""
        own = getattr(message, "reason", None) == REASON
        if isinstance(message, HealthMessage):
            self._health, self._health_at = message, now
            self._health_due = now + HEALTH_EVERY + HEALTH_GRACE * (not own)
        elif isinstance(message, SentimentMessage) and message.revision == 0:
            self._window, self._window_at = message, now
            self._window_due = now + self._hop + WINDOW_GRACE * (not own)

    def has_told(self, message: Message) -> bool:
        """Whether ``message`` is the first of a window that was told from here meanwhile."""
        last = self._window
        return (
            isinstance(message, SentimentMessage)
            and last is not None
            and last.reason == REASON
            and message.session_epoch == last.session_epoch
            and message.revision == 0
            and message.window.end <= last.window.end
        )

    def due(self, now: float) -> Iterator[Message]:
        """What there is to say at ``now``; at most one message of a kind."""
        state = "running" if self._health is None else self._health.state
        if state == "bye":
            return
        if state == "running" and self._window is not None and now >= self._window_due:
            yield self._without_estimate(self._window, now - self._window_at)
        if self._health is not None and now >= self._health_due:
            yield _still_here(self._health, now - self._health_at)

    def _without_estimate(self, last: SentimentMessage, since: float) -> SentimentMessage:
        """For the newest window that has ended, ``since`` seconds after ``last`` was published."""
        age = since + (last.latency_ms or 0.0) / 1000
        later = max(math.floor(age / self._hop), 1) * self._hop
        end = last.window.end + later
        return msgspec.structs.replace(
            last,
            window=Span(max(end - self._length, 0.0), end),
            revision=0,
            captured_at=last.captured_at + later,
            sentiment=None,
            reason=REASON,
            reliability={name: Reliability(0.0, 0.0, 0.0, REASON) for name in last.reliability},
            routing={name: [0.0] * len(weights) for name, weights in last.routing.items()},
            words_age_ms=None,
            latency_ms=1000 * (age - later),
        )


def _still_here(last: HealthMessage, since: float) -> HealthMessage:
    return msgspec.structs.replace(
        last,
        captured_at=last.captured_at + since,
        reason=REASON,
        uptime_s=last.uptime_s + since,
        streams={
            name: StreamHealth("off" if item.state == "off" else "stalled", 0.0, item.dropped)
            for name, item in last.streams.items()
        },
    )
