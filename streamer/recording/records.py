"""What a recording holds, and each kind's number in the file.

A number is never used for anything else again. Readers skip kinds and fields they do not know, so
both may be added; what is removed or changes its meaning raises ``framing.VERSION``.
"""

from typing import Any

import msgspec

from streamer.feed.messages import HealthMessage, Message, SentimentMessage, TranscriptMessage
from streamer.packets import (
    Closing,
    FaceFrames,
    Opening,
    Stream,
    TokenStates,
    VoiceFrames,
    Words,
)
from streamer.recording.arrays import restored, stored


class PlannedDamage(msgspec.Struct, frozen=True):
    """Damage done on purpose, as the settings name it: seconds of the session."""

    stream: Stream
    kind: str
    severity: float
    start: float
    end: float | None
    scene: str | None


class About(msgspec.Struct, frozen=True, kw_only=True):
    """The first record: whose session it is, and the settings that its messages depend on.

    ``begun_at`` in seconds since 1970; ``window``, ``hop``, ``deadline`` in seconds; ``frame_rate``
    in pictures a second. ``climb_after`` in seconds, None where it never retreated from load. Where
    ``transcripts`` is false there is no word of it in the file.
    """

    package: str
    begun_at: float
    session: str
    participant: str
    paced: bool
    transcripts: bool
    window: float
    hop: float
    deadline: float
    frame_rate: float
    reliability_floor: float
    damage: list[PlannedDamage] = []
    climb_after: float | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """What analyses the session again as it was, for load_settings."""
        return {
            "session": self.session,
            "participant": self.participant,
            "feed.transcripts": self.transcripts,
            "window.length": self.window,
            "window.hop": self.hop,
            "window.deadline": self.deadline,
            "camera.frame_rate": self.frame_rate,
            "analyzer.reliability_floor": self.reliability_floor,
            "retreat.enabled": self.climb_after is not None,
            "retreat.climb_after": self.climb_after,
            "damage": [msgspec.structs.asdict(item) for item in self.damage],
        }


class Lost(msgspec.Struct, frozen=True):
    """``items`` that belong here did not come to the disk in time."""

    items: int


class End(msgspec.Struct, frozen=True):
    """The last record of a recording that was ended, not cut off; says why."""

    reason: str


Analysed = Opening | VoiceFrames | FaceFrames | Words | TokenStates | Closing
"""What messages are told from."""

Record = About | Analysed | Message | Lost | End

NUMBERS: dict[type[Any], int] = {
    About: 1,
    Opening: 2,
    VoiceFrames: 3,
    FaceFrames: 4,
    Words: 5,
    TokenStates: 6,
    Closing: 7,
    SentimentMessage: 8,
    TranscriptMessage: 9,
    HealthMessage: 10,
    Lost: 11,
    End: 12,
}

_ENCODER = msgspec.msgpack.Encoder(enc_hook=stored)
_DECODERS = {
    number: msgspec.msgpack.Decoder(kind, dec_hook=restored) for kind, number in NUMBERS.items()
}


class MalformedRecordError(ValueError):
    """A payload that is not what its kind says; says why in one line."""


def encode(record: Record) -> tuple[int, bytes]:
    """Kind and payload of a record."""
    return NUMBERS[type(record)], _ENCODER.encode(record)


def decode(kind: int, payload: bytes) -> Record | None:
    """The record, or None for a kind that this version does not know.

    Raises MalformedRecordError.
    """
    if kind not in _DECODERS:
        return None
    try:
        record: Record = _DECODERS[kind].decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise MalformedRecordError(str(error)) from None
    return record
