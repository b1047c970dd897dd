"""Messages as a running session publishes them, for the tests of the feed and the terminal view."""

from hypothesis import strategies as st

from streamer.feed.messages import (
    HealthMessage,
    Label,
    Message,
    Reliability,
    Retreat,
    Sentiment,
    SentimentMessage,
    Span,
    StreamHealth,
    TranscribedWord,
    TranscriptMessage,
)


def sentiment(
    number: int = 0,
    *,
    value: float | None = 0.4,
    revision: int = 0,
    session: str = "s1",
    participant: str = "ann",
    reason: str | None = None,
    audio: Reliability | None = None,
    latency_ms: float | None = 80.0,
) -> SentimentMessage:
    """The message of the window that ends half a second after the one before."""
    end = 4.0 + number / 2
    label = "neutral" if value is None or abs(value) < 0.1 else _sign(value)
    return SentimentMessage(
        session=session,
        participant=participant,
        seq=0,
        window=Span(end - 4.0, end),
        revision=revision,
        captured_at=1000.0 + end,
        published_at=0.0,
        sentiment=None if value is None else Sentiment(value, 0.2, label),
        reason=reason,
        reliability={
            "text": Reliability(0.9, 0.9, 0.95),
            "audio": audio or Reliability(0.8, 0.8, 0.9),
            "vision": Reliability(0.7, 0.75, 0.7),
        },
        routing={"text": [0.5, 0.5], "audio": [0.5, 0.5], "vision": [0.5, 0.5]},
        words_age_ms=700.0,
        latency_ms=latency_ms,
    )


def transcript(
    words: str, *, start: float = 0.0, session: str = "s1", participant: str = "ann"
) -> TranscriptMessage:
    """Words of 0.3 s each from ``start`` on."""
    spoken = [
        TranscribedWord(word, start + 0.3 * place, start + 0.3 * place + 0.3, 0.9)
        for place, word in enumerate(words.split())
    ]
    return TranscriptMessage(
        session=session,
        participant=participant,
        seq=0,
        window=Span(start, start + 0.3 * len(spoken)),
        captured_at=1000.0 + start,
        published_at=0.0,
        words=spoken,
        latency_ms=900.0,
    )


def health(
    *,
    session: str = "s1",
    participant: str = "ann",
    bye: bool = False,
    reason: str | None = None,
    vision_dropped: int = 0,
    windows: int = 0,
    retreat: Retreat | None = None,
) -> HealthMessage:
    return HealthMessage(
        session=session,
        participant=participant,
        seq=0,
        captured_at=1000.0,
        published_at=0.0,
        state="bye" if bye else "running",
        reason=reason,
        uptime_s=1.0,
        windows=windows,
        late_windows=0,
        publisher_dropped=0,
        streams={
            "text": StreamHealth("live", 2.5, 0),
            "audio": StreamHealth("live", 2.0, 0),
            "vision": StreamHealth("live", 15.0, vision_dropped),
        },
        retreat=retreat,
    )


def messages() -> st.SearchStrategy[Message]:
    """Any message that the contract allows."""
    finite = st.floats(allow_nan=False, allow_infinity=False)
    not_negative = st.floats(0, allow_nan=False, allow_infinity=False)
    share = st.floats(0, 1)
    counts = st.integers(0, 2**53)
    names = st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True)
    streams = st.sampled_from(["text", "audio", "vision", "pulse"])
    header = {
        "session": names,
        "participant": names,
        "seq": counts,
        "session_epoch": counts,
        "captured_at": finite,
        "published_at": finite,
    }
    texts = st.none() | st.text()
    sentiments = st.builds(
        Sentiment,
        st.floats(-1, 1),
        not_negative,
        st.sampled_from(["negative", "neutral", "positive"]),
    )
    words = st.builds(TranscribedWord, st.text(), finite, finite, share)
    states = st.sampled_from(["off", "live", "muted", "stalled", "ended"])
    return st.one_of(
        st.builds(
            SentimentMessage,
            schema=st.just("qamoe.sentiment/1"),
            **header,
            window=st.builds(Span, finite, finite),
            revision=counts,
            sentiment=st.none() | sentiments,
            reason=texts,
            reliability=st.dictionaries(streams, st.builds(Reliability, share, share, share)),
            routing=st.dictionaries(streams, st.lists(share)),
            words_age_ms=st.none() | not_negative,
            latency_ms=st.none() | finite,
        ),
        st.builds(
            TranscriptMessage,
            schema=st.just("qamoe.transcript/1"),
            **header,
            window=st.builds(Span, finite, finite),
            words=st.lists(words),
            latency_ms=st.none() | finite,
        ),
        st.builds(
            HealthMessage,
            schema=st.just("qamoe.health/1"),
            **header,
            state=st.sampled_from(["running", "paused", "bye"]),
            reason=texts,
            uptime_s=not_negative,
            windows=counts,
            late_windows=counts,
            publisher_dropped=counts,
            streams=st.dictionaries(streams, st.builds(StreamHealth, states, not_negative, counts)),
            retreat=st.none() | st.builds(Retreat, counts, st.text(), st.text(), not_negative),
        ),
    )


def _sign(value: float) -> Label:
    return "positive" if value > 0 else "negative"
