"""From messages of the feed to samples of Lab Streaming Layer, and what their channels mean."""

import math
from dataclasses import dataclass

from streamer.feed.messages import SentimentMessage


@dataclass(frozen=True, slots=True)
class Channel:
    label: str
    unit: str
    type: str


CHANNELS = (
    Channel("sentiment", "-1..1", "Sentiment"),
    Channel("uncertainty", "standard deviation", "Uncertainty"),
    Channel("reliability_text", "0..1", "Reliability"),
    Channel("reliability_audio", "0..1", "Reliability"),
    Channel("reliability_vision", "0..1", "Reliability"),
    Channel("words_age", "seconds", "Latency"),
    Channel("revision", "count", "Revision"),
)

NOTHING = [math.nan] * len(CHANNELS)
"""Says that what came before does not hold any more."""


def sample(message: SentimentMessage) -> list[float]:
    """One number a channel; NaN for what there is not: no estimate, no such stream, no words."""
    estimate = message.sentiment
    return [
        math.nan if estimate is None else estimate.value,
        math.nan if estimate is None else estimate.uncertainty,
        *(_reliability(message, stream) for stream in ("text", "audio", "vision")),
        math.nan if message.words_age_ms is None else message.words_age_ms / 1000,
        float(message.revision),
    ]


def lsl_time(captured_at: float, wall_now: float, lsl_now: float) -> float:
    """When it was captured by LSL's clock, given one moment by both clocks.

    Both are seconds; ``captured_at`` and ``wall_now`` since 1970. The moment is taken anew for each
    message, because the wall clock is moved by NTP and LSL's is not.
    """
    return captured_at - wall_now + lsl_now


def _reliability(message: SentimentMessage, stream: str) -> float:
    known = message.reliability.get(stream)
    return math.nan if known is None else known.value
