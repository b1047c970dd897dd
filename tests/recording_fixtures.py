"""Recordings of sessions that never were, for the tests of what reads them."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import numpy as np

from streamer.packets import SECOND, Closing, Opening, TokenStates
from streamer.recording import Recording
from streamer.recording.records import About, Record, encode
from streamer.recording.writer import RecordingWriter
from tests.feed_fixtures import health, sentiment
from tests.test_windows import ALL, faces, voice, word, words

ABOUT = About(
    package="0.1.0",
    begun_at=1000.0,
    session="s1",
    participant="ann",
    paced=True,
    transcripts=False,
    window=4.0,
    hop=0.5,
    deadline=0.3,
    frame_rate=15.0,
    reliability_floor=0.1,
)


def session(windows: int = 4) -> list[Record]:
    """What a session of so many windows has told, and from what; ``seq`` as it was published."""
    told: list[Record] = [Opening(0, 1000.0, ALL, {"network": "abc"})]
    for number in range(windows):
        message = msgspec.structs.replace(sentiment(number), seq=number, published_at=1.0 + number)
        told += [
            voice(number),
            words(number, [word("0", 0.1, 0.4)], until=0.5),
            faces(number),
            TokenStates(("0",), np.full((1, 384), number, np.float32)),
            Closing((8 + number) * SECOND // 2, ("vision",)),
            message,
        ]
    return [*told, msgspec.structs.replace(health(windows=windows), published_at=9.0)]


def writer(
    file: Path, about: About = ABOUT, limit: int = 10**9, overwrite: bool = False
) -> RecordingWriter:
    return RecordingWriter(file, about, limit, overwrite, time.monotonic)


def record(
    file: Path, told: Iterable[Record], about: About = ABOUT, end: str | None = "done"
) -> Path:
    """A recording of ``told``; without ``end`` it is one that was cut off."""
    written = writer(file, about)
    written.write(told)
    if end is not None:
        written.close(end)
    return file


def read(file: Path) -> tuple[list[Record], Recording]:
    with Recording(file) as recording:
        return list(recording), recording


def same(one: Sequence[Record], other: Sequence[Record]) -> bool:
    """Whether these are the same records, to the bit: arrays have no equality of their own."""
    return list(map(encode, one)) == list(map(encode, other))
