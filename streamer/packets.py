"""The values that flow between the stages, in the order of the flow.

Time is event time: nanoseconds since the session's epoch, taken when the signal was captured,
never when it arrived. The session is cut into hops of equal length; hop ``k`` covers
``[k * hop, (k + 1) * hop)``, and every stream sends one packet per hop, also when it has nothing
to tell. So a packet is at the same time the stream's watermark: after the packet of hop ``k``
nothing captured before that hop's end is still to come, but for late frames and late words,
which carry their own times.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Stream = Literal["text", "audio", "vision"]
STREAMS: tuple[Stream, ...] = ("text", "audio", "vision")

SAMPLE_RATE = 16_000
"""Hz of all audio inside the pipeline, mono."""

SECOND = 1_000_000_000
"""Nanoseconds."""

Floats = npt.NDArray[np.float32]
Times = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """Samples in [-1, 1], float32, as they came from a source; NaN marks a missing sample."""

    captured_at: int
    samples: Floats

    @property
    def end(self) -> int:
        return self.captured_at + len(self.samples) * SECOND // SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """One picture, (height, width, 3), BGR, uint8."""

    captured_at: int
    image: Image


@dataclass(frozen=True, slots=True)
class AudioHop:
    """All audio of one hop: exactly its samples (NaN where missing) and who speaks when.

    ``speech`` is the voice activity probability of each 20 ms, in [0, 1].
    ``ended`` says that the source has come to its end with this hop, ``fault`` what is wrong with
    the device where it delivers nothing.
    """

    hop: int
    samples: Floats
    speech: Floats
    dropped: int = 0
    ended: bool = False
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """How good one stream's signal is, measured without learning.

    ``score`` in [0, 1] is the product of the scores of ``measures``; where it is low, ``reason``
    names the one with the least in words. ``measures`` holds the raw values, in the units that
    docs/reliability.md lists.
    """

    score: float
    reason: str | None
    measures: dict[str, float]

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:
            raise ValueError(f"score {self.score}: must be within [0, 1]")


@dataclass(frozen=True, slots=True)
class VoiceFrames:
    """Voice features of the whole window that ends with ``hop``: ``features`` is (steps, dims),
    ``mask`` (steps,) is true where there is speech. ``present`` in [0, 1] is the share of the
    hop's samples that came, ``fault`` is what is wrong with the microphone."""

    hop: int
    features: Floats
    mask: Flags
    evidence: Evidence
    present: float = 1.0
    dropped: int = 0
    ended: bool = False
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class FaceFrames:
    """The face in each picture that was analysed since the last packet.

    ``captured_at`` is (n,); ``features`` (n, dims), zero where no face was found; ``found`` (n,);
    ``measures`` (n, len(FACE_MEASURES)) holds what the evidence is made from. ``fault`` is what is
    wrong with the camera. ``frame_rate`` is how many pictures a second were asked for, None for as
    many as the settings say.
    """

    hop: int
    captured_at: Times
    features: Floats
    found: Flags
    measures: Floats
    dropped: int = 0
    ended: bool = False
    fault: str | None = None
    frame_rate: float | None = None


FACE_MEASURES = (
    "face_size",
    "sharpness",
    "lost_contrast",
    "noise",
    "blockiness",
    "hidden",
    "brightness",
    "yaw",
    "pitch",
    "outside",
    "second_face",
    "unchanged",
)
"""Columns of ``FaceFrames.measures``: face height in pixels; in the face box, its sharpness, the
share it lacks of the contrast that it had in the last minute, the noise's standard deviation in
luma, the ratio of steps at a coder's blocks to others, the share of the lower face that has not the
upper's colour, and mean luma 0-255 (of the picture where no face is found; all others but the last
are then 0); head turn and nod in degrees; the share of the face's points outside the picture; the
height of the tallest other face, relative to the speaker's; 1 where the picture equals the one
before."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word as transcribed, with the time of the sound and the decoder's probability."""

    text: str
    start: int
    end: int
    probability: float


@dataclass(frozen=True, slots=True)
class Words:
    """The words that became final with ``hop``. Everything spoken before ``final_until`` is final.

    ``no_speech``, ``log_probability`` and ``compression`` are Whisper's own quality figures of the
    hypothesis they come from; ``rejected`` counts words that the guards refused.
    """

    hop: int
    words: tuple[Word, ...]
    final_until: int
    no_speech: float
    log_probability: float
    compression: float
    rejected: int = 0
    ended: bool = False


@dataclass(frozen=True, slots=True)
class StreamWindow:
    """One stream inside a window: ``features`` (steps, dims), ``mask`` (steps,), evidence."""

    features: Floats
    mask: Flags
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Window:
    """What all streams hold between ``start`` and ``end``; a stream that is off is left out.

    ``audio`` and ``vision`` lie ready in ``streams``; the words are there as they were heard, with
    ``heard``, the last packet of words, for its quality figures (None where nobody listens).
    Revision 0 is the window as it closed, those that follow are the same with more of its words.
    ``words_age`` is the time from the moment up to which words are final to ``end``, at least 0;
    where it is 0 all words are there. ``late`` are the streams it closed without.
    """

    hop: int
    start: int
    end: int
    revision: int
    words: tuple[Word, ...]
    words_age: int
    heard: Words | None
    streams: dict[Stream, StreamWindow]
    late: tuple[Stream, ...] = ()


@dataclass(frozen=True, slots=True)
class Closing:
    """A look for windows at session time ``now`` (ns) that found some, with what was muted,
    whether the session was paused, which stages were at fault and why, by stream, and the streams
    that were ``given_up``: with the packets, all that the messages depend on."""

    now: int
    muted: tuple[Stream, ...] = ()
    paused: bool = False
    faults: tuple[tuple[Stream, str], ...] = ()
    given_up: tuple[Stream, ...] = ()


@dataclass(frozen=True, slots=True)
class Opening:
    """An analysis that begins: the session's ``session_epoch``-th, from 0, whose time 0 is
    ``epoch``, in seconds since 1970. ``made_of`` names what its numbers depend on besides, with a
    hash of each; see models.identity. Its first window is that of ``first_hop``."""

    session_epoch: int
    epoch: float
    streams: tuple[Stream, ...]
    made_of: dict[str, str]
    first_hop: int = 0


@dataclass(frozen=True, slots=True)
class TokenStates:
    """What an encoder made of the ``words`` of a window, for the analysis to be repeated without
    them: ``words`` are pseudonyms, ``states`` is (tokens, dims)."""

    words: tuple[str, ...]
    states: Floats


@dataclass(frozen=True, slots=True)
class StreamReliability:
    """``value`` is published; ``model`` comes from the network, ``evidence`` is measured."""

    value: float
    model: float
    evidence: float
    reason: str | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """The network's answer for one window.

    ``value`` in [-1, 1] and its standard deviation, or None where the analyzer abstains, with the
    reason. ``classes`` are the probabilities of negative, neutral, positive. ``routing`` holds each
    stream's weights of all experts.
    """

    value: float | None
    deviation: float | None
    classes: tuple[float, float, float] | None
    reason: str | None
    reliability: dict[Stream, StreamReliability]
    routing: dict[Stream, tuple[float, ...]]
