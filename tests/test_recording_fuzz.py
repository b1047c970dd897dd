"""Damaged and malicious recordings: whatever the bytes, records or one line, in bounded memory.

``QAMOE_FUZZ`` is the number of mutations, 400 unless it is set.
"""

import io
import os
import random
import struct
import tracemalloc
from pathlib import Path

import pytest

from streamer.errors import SourceError
from streamer.recording import Recording
from streamer.recording.export import newest, row
from streamer.recording.framing import (
    HEADER_SIZE,
    LARGEST_PAYLOAD,
    START_SIZE,
    Damage,
    check_start,
    framed,
    records,
)
from streamer.recording.records import MalformedRecordError, decode
from tests.recording_fixtures import ABOUT, record, session, writer

MUTATIONS = int(os.environ.get("QAMOE_FUZZ", "400"))

LARGEST_GROWTH = 8 * LARGEST_PAYLOAD
"""Bytes that reading a file may need: a record, its buffer, what it is decoded to."""

BOMBS = [
    b"\xdd\xff\xff\xff\xff",  # a list of 4294967295
    b"\xdf\xff\xff\xff\xff",  # a map of as many
    b"\xc6\xff\xff\xff\xff",  # as many bytes
    b"\xdb\xff\xff\xff\xff",  # as long a text
    b"\x91" * 100_000,  # lists within lists
    b"\x81\xa1a" * 50_000,  # maps within maps
    b"\xc1",  # never used
    b"\xa4\xff\xff\xff\xff",  # no UTF-8
]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, bytes]]:
    """Kind and payload of one record of every kind, the first of them About."""
    file = tmp_path_factory.mktemp("fuzz") / "whole.qmr"
    record(file, session(2))
    with file.open("rb") as opened:
        check_start(opened)
        return list(records(opened, Damage()))


def flipped(data: bytes, chance: random.Random) -> bytes:
    """``data`` with some of its bytes changed, cut out, doubled or put in the place of a length."""
    found = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(found) + 1)
        how = chance.randrange(5)
        if how == 0:
            found[at : at + 1] = chance.randbytes(1)
        elif how == 1:
            del found[at : at + chance.randint(1, 64)]
        elif how == 2:
            found[at:at] = found[at : at + chance.randint(1, 64)]
        elif how == 3:
            found[at:at] = chance.choice(BOMBS)[:70]
        else:
            found[at : at + 4] = struct.pack("<I", chance.choice((0, 1 << 20, 2**31, 2**32 - 1)))
    return bytes(found)


def read_all(file: Path) -> int:
    """How many records there are in a file that may be anything; -1 where it is no recording."""
    said: list[str] = []
    count = -1
    try:
        with Recording(file) as recording:
            count = sum(1 for _ in recording)
            said += recording.remarks
    except SourceError as error:
        said.append(str(error))
    assert not any("\n" in line for line in said)
    return count


def test_no_mutation_of_a_file_brings_its_reader_down(
    parts: list[tuple[int, bytes]], tmp_path: Path
) -> None:
    """Half of them are sealed again after the damage, so that they come through the checksums."""
    chance = random.Random(1)
    file = tmp_path / "fuzzed.qmr"
    start = file_start(tmp_path)
    outcomes = {"nothing": 0, "less": 0, "all": 0}
    tracemalloc.start()
    try:
        for number in range(MUTATIONS):
            chosen = [parts[0], *chance.sample(parts[1:], k=3)]
            if number % 2:
                hit = chance.randrange(len(chosen))
                chosen[hit] = chosen[hit][0], flipped(chosen[hit][1], chance)
                data = start + b"".join(framed(*part) for part in chosen)
            else:
                data = flipped(start + b"".join(framed(*part) for part in chosen), chance)
            file.write_bytes(data)
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            count = read_all(file)
            assert tracemalloc.get_traced_memory()[1] - before < LARGEST_GROWTH
            outcomes["nothing" if count < 0 else "less" if count < 3 else "all"] += 1
    finally:
        tracemalloc.stop()
    assert min(outcomes.values()) > 0, outcomes


def file_start(folder: Path) -> bytes:
    written = writer(folder / "start.qmr", ABOUT)
    written.close("done")
    return (folder / "start.qmr").read_bytes()[:START_SIZE]


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: repr(bomb[:5]))
def test_a_bomb_is_no_record(parts: list[tuple[int, bytes]], bomb: bytes) -> None:
    tracemalloc.start()
    try:
        for kind, payload in parts:
            for sealed in (bomb, payload[:1] + bomb, payload[: len(payload) // 2] + bomb):
                with pytest.raises(MalformedRecordError):
                    decode(kind, sealed)
        assert tracemalloc.get_traced_memory()[1] < LARGEST_GROWTH
    finally:
        tracemalloc.stop()


def test_a_file_full_of_marks_is_read_once() -> None:
    """Searching looks at each byte a bounded number of times, whatever is there."""

    class Counting(io.BytesIO):
        given = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            self.given += len(data)
            return data

    for unit in (b"\xf5REC", b"\xf5", framed(3, b"x")[:HEADER_SIZE], framed(3, b"")):
        file = Counting(unit * (2**20 // len(unit)))
        damage = Damage()
        found = sum(1 for _ in records(file, damage))
        assert file.given < 16 * 2**20
        assert found == 0 or unit == framed(3, b"")
        assert damage.stretches <= 2**20 / HEADER_SIZE


def test_any_window_that_is_read_makes_a_row(
    parts: list[tuple[int, bytes]], tmp_path: Path
) -> None:
    chance = random.Random(2)
    (window,) = [part for part in parts if part[0] == 8][:1]
    file = tmp_path / "fuzzed.qmr"
    rows = 0
    for _ in range(MUTATIONS):
        data = file_start_once(file) + framed(*parts[0])
        file.write_bytes(data + framed(8, flipped(window[1], chance)))
        with Recording(file) as recording:
            rows += sum(len(row(message)) > 20 for message in newest(recording))
    assert rows > 0


def file_start_once(file: Path) -> bytes:
    return file.read_bytes()[:START_SIZE] if file.exists() else file_start(file.parent)
