"""Recordings: what goes in comes out, whatever becomes of the file."""

import os
import resource
import stat
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from streamer.errors import SettingError, SourceError
from streamer.packets import (
    FACE_MEASURES,
    Closing,
    Evidence,
    FaceFrames,
    Opening,
    TokenStates,
    VoiceFrames,
    Word,
    Words,
)
from streamer.recording import Recording
from streamer.recording.framing import HEADER_SIZE, MARK, START_SIZE, framed, start
from streamer.recording.records import Record, decode, encode
from streamer.recording.writer import RecordingWriter
from tests.recording_fixtures import ABOUT, read, record, same, session, writer

FLOATS = st.floats(width=32, allow_nan=True)
WHOLE = st.integers(-(2**62), 2**62)
REAL = st.floats(allow_nan=False)
NAMES = st.text(max_size=8)
STREAMS_ON = st.sampled_from([("text", "audio", "vision"), ("vision",), ()])


def matrix(rows: int, columns: int) -> st.SearchStrategy[np.ndarray]:
    return arrays.arrays(np.float32, (rows, columns), elements=FLOATS)


@st.composite
def voices(draw: st.DrawFn) -> VoiceFrames:
    steps = draw(st.integers(0, 5))
    evidence = Evidence(
        draw(st.floats(0, 1)), draw(st.none() | NAMES), draw(st.dictionaries(NAMES, REAL))
    )
    flags = draw(arrays.arrays(np.bool_, steps))
    return VoiceFrames(draw(WHOLE), draw(matrix(steps, 3)), flags, evidence, draw(REAL))


@st.composite
def pictures(draw: st.DrawFn) -> FaceFrames:
    count = draw(st.integers(0, 4))
    times = draw(arrays.arrays(np.int64, count))
    found = draw(arrays.arrays(np.bool_, count))
    measures = draw(matrix(count, len(FACE_MEASURES)))
    return FaceFrames(draw(WHOLE), times, draw(matrix(count, 2)), found, measures, ended=True)


SAID = st.builds(Word, st.text(), WHOLE, WHOLE, REAL)
RECORDS: st.SearchStrategy[Record] = st.one_of(
    voices(),
    pictures(),
    st.builds(Words, WHOLE, st.lists(SAID, max_size=3).map(tuple), WHOLE, REAL, REAL, REAL),
    st.builds(TokenStates, st.lists(NAMES, max_size=3).map(tuple), matrix(2, 4)),
    st.builds(Closing, WHOLE, STREAMS_ON, st.booleans()),
    st.builds(Opening, WHOLE, REAL, STREAMS_ON, st.dictionaries(NAMES, NAMES)),
    st.sampled_from(session()),
)


@given(st.lists(RECORDS, max_size=6))
def test_what_is_recorded_is_read(
    tmp_path_factory: pytest.TempPathFactory, told: list[Record]
) -> None:
    found, recording = read(record(tmp_path_factory.mktemp("recording") / "a.qmr", told))
    assert same(found, told)
    assert (recording.about, recording.remarks) == (ABOUT, [])
    assert recording.end is not None
    assert recording.end.reason == "done"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return record(tmp_path_factory.mktemp("recording") / "whole.qmr", session(2)).read_bytes()


def ends(data: bytes) -> list[int]:
    """Where each record of an undamaged recording ends."""
    at, found = START_SIZE, []
    while at < len(data):
        at += HEADER_SIZE + struct.unpack_from("<I", data, at + 8)[0]
        found.append(at)
    return found


def damaged(folder: Path, data: bytes) -> tuple[list[Record], Recording]:
    file = folder / "damaged.qmr"
    file.write_bytes(data)
    return read(file)


def test_cut_at_any_byte_all_complete_records_are_read(whole: bytes, tmp_path: Path) -> None:
    complete = ends(whole)
    told = session(2)
    cuts = {at + off for at in complete for off in (-1, 0, 1, 3, 4, HEADER_SIZE - 1, HEADER_SIZE)}
    for cut in sorted(cuts | set(range(complete[0], len(whole), 9973))):
        if not complete[0] <= cut < len(whole):
            continue
        found, recording = damaged(tmp_path, whole[:cut])
        records = sum(end <= cut for end in complete) - 1  # the first says what it is about
        assert same(found, told[:records])
        assert recording.damage.cut_off == cut - max(end for end in complete if end <= cut)
        assert recording.damage.skipped == 0
        assert len(recording.remarks) == 1
        assert "cut off" in recording.remarks[0]


@settings(max_examples=60)
@given(data=st.data())
def test_a_flipped_bit_costs_one_record(
    whole: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    complete = ends(whole)
    at = data.draw(st.integers(complete[0], len(whole) - 1))
    broken = bytearray(whole)
    broken[at] ^= 1 << data.draw(st.integers(0, 7))
    hit = sum(end <= at for end in complete) - 1
    found, recording = damaged(tmp_path_factory.mktemp("flipped"), bytes(broken))
    assert same(found, [item for place, item in enumerate(session(2)) if place != hit])
    assert recording.damage.records + recording.damage.stretches == 1
    assert "1 damaged place" in recording.remarks[0]


def test_rubbish_between_records_is_passed_over(whole: bytes, tmp_path: Path) -> None:
    middle = ends(whole)[3]
    for rubbish in (b"\x00" * 100_000, MARK * 50_000, MARK, whole[:middle], b"\xf5"):
        found, recording = damaged(tmp_path, whole[:middle] + rubbish + whole[middle:])
        assert len(found) >= len(session(2))
        assert recording.damage.stretches >= 1
        assert recording.damage.skipped >= min(len(rubbish), START_SIZE)


def test_a_length_beyond_all_bounds_is_no_length(whole: bytes, tmp_path: Path) -> None:
    checked = MARK + struct.pack("<III", 3, 2**32 - 1, 0)
    huge = checked + struct.pack("<I", zlib.crc32(checked))
    found, recording = damaged(tmp_path, whole + huge + framed(*encode(Closing(1))))
    assert found[-1] == Closing(1)
    assert recording.damage.stretches == 1


@pytest.mark.parametrize(
    "array",
    [
        ["<f8", [1, 1], bytes(8)],
        ["|O", [1], bytes(8)],
        ["<f4", [1 << 30, 1 << 30], b""],
        ["<f4", [0, 1 << 40], b""],
        ["<f4", [-1, -4], bytes(16)],
        ["<f4", [2, 2], bytes(15)],
        ["<f4", [1, 1, 1], bytes(4)],
        ["<f4", 4, bytes(4)],
        [],
        None,
    ],
    ids=repr,
)
def test_arrays_of_other_kinds_and_shapes_are_refused(array: object, tmp_path: Path) -> None:
    payload = msgspec.msgpack.encode({"words": [], "states": array})
    good = encode(TokenStates((), np.zeros((2, 2), np.float32)))
    file = record(tmp_path / "a.qmr", [], end=None)
    with file.open("ab") as end:
        end.write(framed(good[0], payload) + framed(*good))
    found, recording = read(file)
    assert len(found) == recording.malformed == 1


def test_flags_are_true_or_false() -> None:
    kind, payload = encode(session()[1])
    mask = payload.index(bytes([1] * 20))
    with pytest.raises(ValueError, match="flags"):
        decode(kind, payload[:mask] + bytes([2]) + payload[mask + 1 :])


def test_kinds_of_a_later_version_are_left_out_and_told(tmp_path: Path) -> None:
    file = record(tmp_path / "a.qmr", [Closing(1)], end=None)
    with file.open("ab") as end:
        end.write(framed(999, b"new") + framed(*encode(Closing(2))))
    found, recording = read(file)
    assert found == [Closing(1), Closing(2)]
    assert "1 records of a later version" in recording.remarks[0]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "does not begin as a recording"),
        (b"RIFF....WAVE", "does not begin as a recording"),
        (start()[:-4] + struct.pack("<I", 7), "format 7, this version reads 1"),
        (start(), "first record"),
        (start() + framed(*encode(Closing(1))), "first record"),
        (start().replace(b"\r\n", b"\n"), "does not begin"),
    ],
    ids=["empty", "other", "version", "nothing", "no first", "line ends"],
)
def test_what_is_no_recording_is_one_line(data: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "a.qmr"
    file.write_bytes(data)
    with pytest.raises(SourceError, match=said):
        Recording(file)


def test_what_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for file, said in ((tmp_path / "none", "No such file"), (tmp_path, "no file"),
                       (tmp_path / "pipe", "no file")):  # fmt: skip
        with pytest.raises(SourceError, match=said):
            Recording(file)


def test_a_recording_is_for_its_owner_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        file = record(tmp_path / "a.qmr", session())
    finally:
        os.umask(old)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_nothing_is_written_over_unasked(tmp_path: Path) -> None:
    file = record(tmp_path / "a.qmr", session())
    before = file.read_bytes()
    with pytest.raises(SettingError, match="--overwrite"):
        writer(file)
    assert file.read_bytes() == before
    file.chmod(0o644)
    writer(file, overwrite=True).close("done")
    assert len(file.read_bytes()) < len(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_only_a_file_of_its_own_is_written(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("mine")
    (tmp_path / "link").symlink_to(kept)
    for name in ("link", "."):
        with pytest.raises(SettingError, match="no file to write over"):
            writer(tmp_path / name, overwrite=True)
    with pytest.raises(SettingError, match="cannot be made in"):
        writer(tmp_path / "none" / "a.qmr")
    assert kept.read_text() == "mine"


@pytest.mark.parametrize("missing", [0, 1, 30, 1000])
def test_one_that_goes_on_leaves_no_record_cut_off(tmp_path: Path, missing: int) -> None:
    told = session(2)
    file = record(tmp_path / "a.qmr", told, end=None)
    last = len(framed(*encode(told[-1])))
    file.write_bytes(file.read_bytes()[: -min(missing, last - 1) or None])
    again = RecordingWriter(file, ABOUT, 10**9, False, time.monotonic, resumed=True)
    again.write(told[:3])
    again.close("done")
    found, recording = read(file)
    assert same(found, [*told[: len(told) - (missing > 0)], *told[:3]])
    assert recording.remarks == []


def test_at_its_limit_a_recording_ends_and_says_so(tmp_path: Path) -> None:
    told = session(100)
    limit = 100_000
    written = writer(tmp_path / "a.qmr", limit=limit)
    for item in told:
        written.write([item])
    written.close("done")
    found, recording = read(tmp_path / "a.qmr")
    assert same(found, told[: len(found)])
    assert 0 < len(found) == written.records - 1 < len(told)
    assert written.refused == len(told) - len(found)
    assert recording.end is not None
    assert recording.end.reason == written.ended == "its limit of 0.1 MB is reached"
    assert limit - 40_000 < (tmp_path / "a.qmr").stat().st_size < limit + 100


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Files cannot grow beyond ``size`` bytes meanwhile: the system refuses as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_ends_the_recording_at_its_last_whole_record(tmp_path: Path) -> None:
    told = session(10)
    written = writer(tmp_path / "a.qmr")
    with room_for(150_000):
        for item in told:
            written.write([item])
    assert written.ended == "File too large"
    kept = written.records - 1
    assert written.refused == len(told) - kept > 0
    written.write(told[-1:])
    written.close("done")
    found, recording = read(tmp_path / "a.qmr")
    assert same(found, told[:kept])
    assert recording.end is not None
    assert recording.end.reason == "File too large"
    assert recording.remarks == []


def test_a_disk_without_room_for_the_end_leaves_whole_records(tmp_path: Path) -> None:
    told = session(10)
    written = writer(tmp_path / "a.qmr")
    with room_for(written.size + 10):
        written.write(told)
    written.close("done")
    found, recording = read(tmp_path / "a.qmr")
    assert (found, written.ended) == ([], "File too large")
    assert recording.remarks == ["cut off, its last record is missing"]


def test_the_last_record_makes_room_for_why_it_ended(tmp_path: Path) -> None:
    """A disk may become full just behind it."""
    told = session(10)
    written = writer(tmp_path / "a.qmr")
    for item in told[:5]:
        written.write([item])
    written.write([])
    with room_for(written.size + 10):
        written.write([told[5]])
    written.close("done")
    found, recording = read(tmp_path / "a.qmr")
    assert same(found, told[:4])
    assert (written.records, written.refused) == (5, 2)
    assert recording.end is not None
    assert recording.end.reason == "File too large"
    assert recording.remarks == []


@pytest.mark.parametrize("limit", [150_000, 10**9])
def test_one_that_has_ended_is_not_gone_on_with(tmp_path: Path, limit: int) -> None:
    """The feed's actor is replaced after the disk was full, or the limit reached."""
    told = session(10)
    written = writer(tmp_path / "a.qmr", limit=limit)
    with room_for(200_000):
        for item in told:
            written.write([item])
    size = (tmp_path / "a.qmr").stat().st_size
    again = RecordingWriter(tmp_path / "a.qmr", ABOUT, limit, False, time.monotonic, resumed=True)
    assert again.ended == written.ended is not None
    again.write(told[:3])
    again.close("done")
    assert again.refused == 3
    assert (tmp_path / "a.qmr").stat().st_size == size


def test_a_disk_that_is_full_from_the_start_is_one_line(tmp_path: Path) -> None:
    with room_for(20), pytest.raises(SettingError, match="File too large"):
        writer(tmp_path / "a.qmr")
