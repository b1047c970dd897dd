"""Records in a file of bytes: found again after damage, whole or not at all.

The file begins with ``SIGNATURE`` and the format's version. Then come records: a header of fixed
size, whose own checksum says whether its length can be trusted, and the payload. Where a header is
damaged the next one is searched for by its mark; where only a payload is, its length leads over it.
So each byte is looked at a bounded number of times, and at most one payload is in memory.
docs/recording.md gives the layout to the byte.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

SIGNATURE = b"\x89QMREC\r\n"
"""Its first byte is no text, its last ones show a copy that has changed line ends."""

VERSION = 1

MARK = b"\xf5REC"
"""Begins every record; its first byte is in no UTF-8 text."""

LARGEST_PAYLOAD = 1 << 20
"""Bytes. The largest packet there is, ten seconds of voice, has a tenth of it."""

_START = struct.Struct("<8sI")
_HEADER = struct.Struct("<4sIIII")
_CHECKED = _HEADER.size - 4
_NEAR, _FAR = 1 << 8, 1 << 16
"""Bytes looked at in one go: few at first, as the next record may be near, and this one false."""

START_SIZE, HEADER_SIZE = _START.size, _HEADER.size


class NotARecordingError(ValueError):
    """A file that does not begin as a recording of this version does; says why in one line."""


@dataclass(slots=True)
class Damage:
    """What was found unreadable so far."""

    records: int = 0
    """Records whose payload is damaged."""
    stretches: int = 0
    """Places where a record's header is damaged, or where there is something else."""
    skipped: int = 0
    """Bytes in them all."""
    cut_off: int = 0
    """Bytes of the last record, whose end is missing."""


def start() -> bytes:
    """What a file begins with."""
    return _START.pack(SIGNATURE, VERSION)


def framed(kind: int, payload: bytes) -> bytes:
    """One record. Raises ValueError for a payload above LARGEST_PAYLOAD."""
    if len(payload) > LARGEST_PAYLOAD:
        raise ValueError(f"a record of {len(payload)} bytes: at most {LARGEST_PAYLOAD}")
    checked = _HEADER.pack(MARK, kind, len(payload), zlib.crc32(payload), 0)[:_CHECKED]
    return checked + zlib.crc32(checked).to_bytes(4, "little") + payload


def check_start(file: BinaryIO) -> None:
    """Read what a recording begins with. Raises NotARecordingError for anything else."""
    found = file.read(START_SIZE)
    if len(found) < START_SIZE or not found.startswith(SIGNATURE):
        raise NotARecordingError("it does not begin as a recording does")
    (_, version) = _START.unpack(found)
    if version != VERSION:
        raise NotARecordingError(f"format {version}, this version reads {VERSION}")


def records(file: BinaryIO, damage: Damage) -> Iterator[tuple[int, bytes]]:
    """Kind and payload of every complete record, in order; all else is counted in ``damage``."""
    while header := file.read(HEADER_SIZE):
        length = _length(header)
        if length is None:
            if not _search(file, header, damage):
                return
            continue
        payload = file.read(length)
        if len(payload) < length:
            damage.cut_off = len(header) + len(payload)
            return
        _, kind, _, checksum, _ = _HEADER.unpack(header)
        if zlib.crc32(payload) == checksum:
            yield kind, payload
        else:
            damage.records += 1
            damage.skipped += len(header) + length


def _length(header: bytes) -> int | None:
    """The payload's length, or None where these bytes are no header."""
    if len(header) < HEADER_SIZE or not header.startswith(MARK):
        return None
    _, _, length, _, checksum = _HEADER.unpack(header)
    if zlib.crc32(header[:_CHECKED]) != checksum or length > LARGEST_PAYLOAD:
        return None
    return int(length)


def _search(file: BinaryIO, header: bytes, damage: Damage) -> bool:
    """Move on from a ``header`` that is none to the next that is one, if there is one."""
    begun = file.tell() - len(header)
    ahead = header[1:]
    at = begun + 1  # where ``ahead`` lies in the file
    size = _NEAR
    while True:
        found = ahead.find(MARK)
        while found >= 0 and found + HEADER_SIZE <= len(ahead):
            if _length(ahead[found : found + HEADER_SIZE]) is not None:
                file.seek(at + found)
                damage.stretches += 1
                damage.skipped += at + found - begun
                return True
            found = ahead.find(MARK, found + 1)
        rest = ahead[-(HEADER_SIZE - 1) :]
        more = file.read(size)
        size = min(2 * size, _FAR)
        if not more:
            return _give_up(begun, at + len(ahead), header, damage)
        at += len(ahead) - len(rest)
        ahead = rest + more


def _give_up(begun: int, end: int, header: bytes, damage: Damage) -> bool:
    """Nothing follows: a header that was cut off, or something else."""
    if end - begun < HEADER_SIZE and MARK.startswith(header[: len(MARK)]):
        damage.cut_off = end - begun
    else:
        damage.stretches += 1
        damage.skipped += end - begun
    return False
