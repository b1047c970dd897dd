"""The messages on the feed: the one source of the contract. docs/feed.md explains each field.

Unknown fields are to be ignored by readers. Adding a field keeps the schema's number; removing or
changing one raises it.
"""

from typing import Literal

import msgspec

Label = Literal["negative", "neutral", "positive"]
StreamState = Literal["off", "live", "muted", "stalled", "ended"]
SessionState = Literal["running", "paused", "bye"]


class Span(msgspec.Struct, frozen=True):
    """Seconds since the session began."""

    start: float
    end: float


class Sentiment(msgspec.Struct, frozen=True):
    """Expressed sentiment: ``value`` in [-1, 1], ``uncertainty`` its standard deviation."""

    value: float
    uncertainty: float
    label: Label


class Reliability(msgspec.Struct, frozen=True):
    """All in [0, 1]; ``value`` is the one to use, the others its two sources."""

    value: float
    model: float
    evidence: float
    reason: str | None = None


class SentimentMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One window. Published at once (revision 0), and again each time words land in it."""

    schema: Literal["qamoe.sentiment/1"] = "qamoe.sentiment/1"
    session: str
    participant: str
    seq: int
    session_epoch: int = 0
    window: Span
    revision: int
    captured_at: float
    published_at: float
    sentiment: Sentiment | None
    reason: str | None
    reliability: dict[str, Reliability]
    routing: dict[str, list[float]]
    words_age_ms: float | None
    latency_ms: float | None


class TranscribedWord(msgspec.Struct, frozen=True):
    """``start`` and ``end`` in seconds since the session began."""

    text: str
    start: float
    end: float
    probability: float


class TranscriptMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Words that have just become final. Only sent where transcripts are asked for."""

    schema: Literal["qamoe.transcript/1"] = "qamoe.transcript/1"
    session: str
    participant: str
    seq: int
    session_epoch: int = 0
    window: Span
    captured_at: float
    published_at: float
    words: list[TranscribedWord]
    latency_ms: float | None


class StreamHealth(msgspec.Struct, frozen=True):
    """``rate`` is per second of media: pictures (vision), seconds of sound (audio), words (text).
    ``dropped`` counts what was lost since the session began: pictures, hops of sound, or words
    that the guards refused."""

    state: StreamState
    rate: float
    dropped: int


class HealthMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Every second, also when nothing is seen. ``state`` is ``bye`` in the last one."""

    schema: Literal["qamoe.health/1"] = "qamoe.health/1"
    session: str
    participant: str
    seq: int
    session_epoch: int = 0
    captured_at: float
    published_at: float
    state: SessionState
    reason: str | None
    uptime_s: float
    windows: int
    late_windows: int
    publisher_dropped: int
    streams: dict[str, StreamHealth]


Message = SentimentMessage | TranscriptMessage | HealthMessage

KINDS: dict[str, type[SentimentMessage] | type[TranscriptMessage] | type[HealthMessage]] = {
    "sentiment": SentimentMessage,
    "transcript": TranscriptMessage,
    "health": HealthMessage,
}
"""First level of a topic, and the type of the messages under it."""


def topic(kind: str, session: str, participant: str) -> bytes:
    """``kind/session/participant/``: the separator ends every level, so that a subscription to one
    participant never catches another whose name begins alike."""
    return f"{kind}/{session}/{participant}/".encode()
