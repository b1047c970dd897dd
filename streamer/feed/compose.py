"""From what the analyzer knows to what the feed says."""

from dataclasses import dataclass

from streamer.feed.messages import (
    Label,
    Reliability,
    Sentiment,
    SentimentMessage,
    Span,
    TranscribedWord,
    TranscriptMessage,
)
from streamer.packets import SECOND, Estimate, Window, Words

LABELS: tuple[Label, ...] = ("negative", "neutral", "positive")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What all messages of one participant share.

    ``epoch`` is the session's beginning in seconds since 1970; ``paced`` says whether the session
    runs in real time, so that latency means something; ``session_epoch`` which analysis within the
    session this is.
    """

    session: str
    participant: str
    epoch: float
    paced: bool
    session_epoch: int = 0

    def captured_at(self, time: int) -> float:
        """Wall-clock time of session time ``time`` (ns)."""
        return self.epoch + time / SECOND

    def latency_ms(self, time: int, now: float) -> float | None:
        """From session time ``time`` to wall-clock time ``now``."""
        return 1000 * (now - self.captured_at(time)) if self.paced else None


def sentiment_message(
    envelope: Envelope, window: Window, estimate: Estimate, now: float
) -> SentimentMessage:
    """The message for one revision of a window; ``seq`` and ``published_at`` come later."""
    return SentimentMessage(
        session=envelope.session,
        participant=envelope.participant,
        seq=0,
        session_epoch=envelope.session_epoch,
        window=Span(window.start / SECOND, window.end / SECOND),
        revision=window.revision,
        captured_at=envelope.captured_at(window.end),
        published_at=now,
        sentiment=_sentiment(estimate),
        reason=estimate.reason,
        reliability={
            stream: Reliability(part.value, part.model, part.evidence, part.reason)
            for stream, part in estimate.reliability.items()
        },
        routing={stream: list(weights) for stream, weights in estimate.routing.items()},
        words_age_ms=None if window.heard is None else window.words_age / (SECOND // 1000),
        latency_ms=envelope.latency_ms(window.end, now),
    )


def _sentiment(estimate: Estimate) -> Sentiment | None:
    if estimate.value is None or estimate.deviation is None or estimate.classes is None:
        return None
    likeliest = max(range(len(LABELS)), key=estimate.classes.__getitem__)
    return Sentiment(estimate.value, estimate.deviation, LABELS[likeliest])


def transcript_message(envelope: Envelope, heard: Words, now: float) -> TranscriptMessage:
    """The words that have just become final; ``heard.words`` must not be empty."""
    first, last = heard.words[0], heard.words[-1]
    return TranscriptMessage(
        session=envelope.session,
        participant=envelope.participant,
        seq=0,
        session_epoch=envelope.session_epoch,
        window=Span(first.start / SECOND, last.end / SECOND),
        captured_at=envelope.captured_at(last.end),
        published_at=now,
        words=[
            TranscribedWord(
                word.text,
                word.start / SECOND,
                word.end / SECOND,
                min(word.probability, 1.0),  # a mean of 32-bit floats may lie a hair above
            )
            for word in heard.words
        ],
        latency_ms=envelope.latency_ms(last.end, now),
    )
