"""The messages on the feed: the one source of the contract.

What is said here of a field is what the schemas (docs/schema) and the tables of docs/feed.md say.
Unknown fields are to be ignored by readers. A field that is added has a default and keeps the
schema's number; removing or changing one raises it (streamer/contract/compatibility.py).
"""

from typing import Annotated, Literal

import msgspec

from streamer.feed.meaning import Count, Name, NotNegative, Share, meaning

Label = Literal["negative", "neutral", "positive"]
StreamState = Literal["off", "live", "muted", "stalled", "ended"]
SessionState = Literal["running", "paused", "bye"]


class Span(msgspec.Struct, frozen=True, gc=False):
    """A stretch of time."""

    start: Annotated[float, meaning("where it begins", unit="s")]
    end: Annotated[float, meaning("where it ends", unit="s")]


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What every message has."""

    schema: Annotated[
        str, meaning("name and version of the message's type, such as `qamoe.sentiment/1`")
    ]
    session: Annotated[Name, meaning("the run it belongs to; random unless it was given")]
    participant: Annotated[Name, meaning("whom it is about")]
    seq: Annotated[Count, meaning("0, 1, 2, … for every topic on its own, without gaps")]
    session_epoch: Annotated[
        Count,
        meaning(
            "0, and one more each time the analysis or the feed was started anew within the "
            "session: what it knew of the past is gone"
        ),
    ] = 0
    captured_at: Annotated[
        float,
        meaning(
            "when the newest signal the message tells about was captured: the end of its window "
            "or of its last word; for health, the end of the stretch it tells about",
            unit="s since 1970",
        ),
    ]
    published_at: Annotated[float, meaning("when it was published", unit="s since 1970")]


class Sentiment(msgspec.Struct, frozen=True, gc=False):
    """Expressed sentiment."""

    value: Annotated[
        Annotated[float, msgspec.Meta(ge=-1, le=1)], meaning("from negative to positive")
    ]
    uncertainty: Annotated[
        NotNegative,
        meaning("standard deviation that the model states for `value`", unit="unit of `value`"),
    ]
    label: Annotated[
        Label,
        meaning(
            "the likeliest of three classes, from an output of its own: near zero it may differ "
            "from the sign of `value`"
        ),
    ]


class Reliability(msgspec.Struct, frozen=True, gc=False):
    """How far one stream can be trusted: ``value`` is the one to use, the others its sources."""

    value: Annotated[Share, meaning("the one to use: 1 is as good as clean, 0 carries nothing")]
    model: Annotated[
        Share,
        meaning(
            "what the network says of itself: 1 / (1 + its mean variance for the stream); 0 where "
            "the stream is absent"
        ),
    ]
    evidence: Annotated[
        Share,
        meaning(
            "what is measured on the signal: loudness, noise, sharpness, the transcriber's own "
            "probabilities and more"
        ),
    ]
    reason: Annotated[
        str | None, meaning("the measure that is worst", null="no measure is low")
    ] = None


class SentimentMessage(Header, frozen=True, kw_only=True):
    """One window. Published at once (revision 0), and again each time words land in it."""

    schema: Annotated[Literal["qamoe.sentiment/1"], meaning("name and version of this type")] = (
        "qamoe.sentiment/1"
    )
    window: Annotated[Span, meaning("the stretch of time it was estimated from")]
    revision: Annotated[
        Count,
        meaning(
            "0: published as the window closed; higher: the same window with more of its words, "
            "and it replaces the lower ones. With `words_age_ms` 0 all its words are there and no "
            "revision follows"
        ),
    ]
    sentiment: Annotated[
        Sentiment | None,
        meaning(
            "the estimate",
            null='nothing was reliable enough: the analyzer abstains. That is not "neutral"',
        ),
    ]
    reason: Annotated[str | None, meaning("why there is no estimate", null="there is one")]
    reliability: Annotated[
        dict[str, Reliability],
        meaning(
            "how far each stream (`text`, `audio`, `vision`) can be trusted in this window; a "
            "stream that is switched off is left out",
            unit="by stream",
        ),
    ]
    routing: Annotated[
        dict[str, list[Share]],
        meaning(
            "how much each expert of the network had to say: 0 for all but the few that were "
            "asked, in sum at most 1; all 0 where the stream is absent",
            unit="by stream",
        ),
    ]
    words_age_ms: Annotated[
        NotNegative | None,
        meaning(
            "how far the final words lag behind the window's end",
            unit="ms",
            null="no words are listened for, or none have been so far",
        ),
    ]
    latency_ms: Annotated[
        float | None,
        meaning(
            "from the end of the window to the publication of this revision",
            unit="ms",
            null="the session does not run in real time (`--speed max`)",
        ),
    ]


class TranscribedWord(msgspec.Struct, frozen=True, gc=False):
    """One word."""

    text: Annotated[str, meaning("the word as transcribed")]
    start: Annotated[float, meaning("when it began to be spoken", unit="s")]
    end: Annotated[float, meaning("when it was over", unit="s")]
    probability: Annotated[Share, meaning("the transcriber's own")]


class TranscriptMessage(Header, frozen=True, kw_only=True):
    """Words that have just become final. Only sent where transcripts are asked for."""

    schema: Annotated[Literal["qamoe.transcript/1"], meaning("name and version of this type")] = (
        "qamoe.transcript/1"
    )
    window: Annotated[Span, meaning("from the first word's start to the last one's end")]
    words: Annotated[
        list[TranscribedWord],
        meaning("the words that have just become final, in order; none is changed later"),
    ]
    latency_ms: Annotated[
        float | None,
        meaning(
            "from the last word's end to the publication",
            unit="ms",
            null="the session does not run in real time",
        ),
    ]


class StreamHealth(msgspec.Struct, frozen=True, gc=False):
    """How one stream is doing."""

    state: Annotated[
        StreamState,
        meaning(
            "`muted`: switched off for now over the control socket; `stalled`: the device has "
            "stopped delivering, or an actor is being replaced, and `reason` says which; `ended`: "
            "the file is at its end"
        ),
    ]
    rate: Annotated[
        NotNegative,
        meaning(
            "pictures (vision), seconds of sound (audio) or words (text)",
            unit="per second of media",
        ),
    ]
    dropped: Annotated[
        Count,
        meaning(
            "what was lost of it since the session began: pictures, hops of sound, or words that "
            "were taken for invented"
        ),
    ]


class Retreat(msgspec.Struct, frozen=True, gc=False):
    """What is left out since the machine is too slow for all of it."""

    step: Annotated[Count, meaning("steps gone down")]
    name: Annotated[str, meaning("the lowest of them; docs/overload.md says what it leaves out")]
    reason: Annotated[str, meaning("what was late when it was gone down last")]
    since_s: Annotated[
        NotNegative, meaning("how far the session had come when this step was taken", unit="s")
    ]


class HealthMessage(Header, frozen=True, kw_only=True):
    """Every second, also when nothing is seen. ``state`` is ``bye`` in the last one."""

    schema: Annotated[Literal["qamoe.health/1"], meaning("name and version of this type")] = (
        "qamoe.health/1"
    )
    state: Annotated[
        SessionState,
        meaning(
            "`paused`: nothing is analysed until somebody says resume; `bye`: the last message of "
            "a session that ends in order"
        ),
    ]
    reason: Annotated[str | None, meaning("what is wrong, or why it ends", null="nothing to tell")]
    uptime_s: Annotated[NotNegative, meaning("how far the session has come", unit="s")]
    windows: Annotated[Count, meaning("windows published so far, without their revisions")]
    late_windows: Annotated[
        Count, meaning("of those, the ones closed without a stream that was late")
    ]
    publisher_dropped: Annotated[
        Count,
        meaning(
            "messages that found a subscriber's queue full, never reached the publisher, or came "
            "after the feed had told their window without them: a lower bound of what was lost"
        ),
    ]
    publisher_refused: Annotated[
        Count, meaning("connections that were not let in, since they had no key that is")
    ] = 0
    streams: Annotated[dict[str, StreamHealth], meaning("state of each", unit="by stream")]
    retreat: Annotated[
        Retreat | None,
        meaning(
            "what is left out on purpose since the machine is too slow", null="nothing is left out"
        ),
    ] = None


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
