"""A recording as a table."""

import csv
import math
import sys
from pathlib import Path

import msgspec
import pytest

from streamer.errors import SettingError
from streamer.feed.messages import SentimentMessage
from streamer.recording import Recording
from streamer.recording.export import COLUMNS, OPEN_WINDOWS, export, newest, row
from streamer.recording.records import Record
from tests.feed_fixtures import health, sentiment, transcript
from tests.recording_fixtures import ABOUT, record, session

parquet = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    only_vision = msgspec.structs.replace(
        sentiment(5), reliability={"vision": sentiment(5).reliability["vision"]}
    )
    told: list[Record] = [
        *session(2),
        sentiment(0, value=-0.5, revision=1),
        sentiment(3, value=None, reason="nothing is reliable"),
        transcript("private words"),
        msgspec.structs.replace(sentiment(0), session_epoch=1),
        only_vision,
        health(),
    ]
    return record(tmp_path / "a.qmr", told)


def written(file: Path, out: Path, to: str = "csv", *, overwrite: bool = False) -> int:
    with Recording(file) as recording:
        return export(recording, to, out, overwrite)  # type: ignore[arg-type]


def test_every_window_is_a_row_with_its_newest_revision(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.csv"
    assert written(recording, out) == 5
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(COLUMNS)
    assert [item["session_epoch"] for item in rows] == ["0", "0", "0", "1", "0"]
    assert [item["window_end"] for item in rows] == ["4.0", "4.5", "5.5", "4.0", "6.5"]
    assert [item["revision"] for item in rows] == ["1", "0", "0", "0", "0"]
    assert [item["value"] for item in rows] == ["-0.5", "0.4", "", "0.4", "0.4"]
    assert rows[0]["label"] == "negative"
    assert rows[2]["reason"] == "nothing is reliable"
    assert rows[0]["audio_evidence"] == "0.9"
    assert rows[4]["audio_value"] == rows[4]["text_reason"] == ""
    assert rows[4]["vision_model"] == "0.75"
    assert "private" not in out.read_text()


def test_both_kinds_of_table_hold_the_same(recording: Path, tmp_path: Path) -> None:
    assert written(recording, tmp_path / "a.csv") == written(
        recording, tmp_path / "a.parquet", "parquet"
    )
    table = parquet.read_table(tmp_path / "a.parquet").to_pylist()
    with (tmp_path / "a.csv").open(newline="") as file:
        for one, other in zip(csv.DictReader(file), table, strict=True):
            assert {name: "" if cell is None else str(cell) for name, cell in other.items()} == one


def test_the_table_says_what_the_messages_say() -> None:
    message = sentiment(7, value=0.25)
    cells = row(message)
    assert set(cells) == set(COLUMNS)
    for name, cell in cells.items():
        stream, _, part = name.partition("_")
        if hasattr(message, name):
            assert cell == getattr(message, name)
        elif stream in message.reliability:
            assert cell == getattr(message.reliability[stream], part)
    assert (cells["value"], cells["window_start"]) == (0.25, 3.5)
    assert math.isclose(float(cells["captured_at"] or 0), 1007.5)


def test_a_long_recording_is_read_as_it_goes(tmp_path: Path) -> None:
    told = [sentiment(number) for number in range(3 * OPEN_WINDOWS)]
    with Recording(record(tmp_path / "a.qmr", told)) as recording:
        first = next(newest(recording))
        seen = sum(isinstance(item, SentimentMessage) for item in recording)
    assert first == told[0]
    assert seen == 2 * OPEN_WINDOWS - 1


def test_nothing_is_written_over_unasked(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.csv"
    out.write_text("mine")
    with pytest.raises(SettingError, match="--overwrite"):
        written(recording, out)
    assert out.read_text() == "mine"
    written(recording, out, overwrite=True)
    assert out.read_text().startswith("session,")
    before = recording.read_bytes()
    with pytest.raises(SettingError, match="the recording itself"):
        written(recording, recording, overwrite=True)
    assert recording.read_bytes() == before
    with pytest.raises(SettingError, match="No such file"):
        written(recording, tmp_path / "none" / "a.csv")


def test_without_pyarrow_the_extra_is_named(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SettingError, match=r"pip install 'qamoe-stream\[parquet\]'"):
        written(recording, tmp_path / "a.parquet", "parquet")
    assert [item.name for item in tmp_path.iterdir()] == ["a.qmr"]


def test_a_recording_without_windows_is_a_table_without_rows(tmp_path: Path) -> None:
    file = record(tmp_path / "a.qmr", [], ABOUT)
    for to in ("csv", "parquet"):
        assert written(file, tmp_path / f"a.{to}", to) == 0
    assert parquet.read_table(tmp_path / "a.parquet").column_names == list(COLUMNS)
