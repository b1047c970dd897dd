"""A recording as a table: one row for every window, as it stood after its last revision."""

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from streamer.errors import SettingError
from streamer.feed.messages import SentimentMessage
from streamer.packets import STREAMS
from streamer.recording.reader import Recording

Table = Literal["csv", "parquet"]

OPEN_WINDOWS = 128
"""Windows that may still be revised: those of twenty seconds, at the shortest hop 100."""

ROWS_AT_ONCE = 4096

TEXT, NUMBER, COUNT = "text", "number", "count"

SENTIMENT = {"value": NUMBER, "uncertainty": NUMBER, "label": TEXT}

PARTS = {"value": NUMBER, "model": NUMBER, "evidence": NUMBER, "reason": TEXT}

COLUMNS: dict[str, str] = {
    "session": TEXT,
    "participant": TEXT,
    "session_epoch": COUNT,
    "seq": COUNT,
    "window_start": NUMBER,
    "window_end": NUMBER,
    "revision": COUNT,
    "captured_at": NUMBER,
    "published_at": NUMBER,
    **SENTIMENT,
    "reason": TEXT,
    "words_age_ms": NUMBER,
    "latency_ms": NUMBER,
    **{f"{stream}_{part}": kind for stream in STREAMS for part, kind in PARTS.items()},
}
"""docs/recording.md says what each means. Empty where the message has null, or not that stream."""

Row = dict[str, str | float | int | None]


def newest(recording: Recording) -> Iterator[SentimentMessage]:
    """The last revision of each window, in the order in which the windows were first told."""
    waiting: dict[tuple[int, float], SentimentMessage] = {}
    for record in recording:
        if isinstance(record, SentimentMessage):
            waiting[record.session_epoch, record.window.end] = record
            if len(waiting) > OPEN_WINDOWS:
                yield waiting.pop(next(iter(waiting)))
    yield from waiting.values()


def row(message: SentimentMessage) -> Row:
    """The columns of one window."""
    cells: Row = {
        "session": message.session,
        "participant": message.participant,
        "session_epoch": message.session_epoch,
        "seq": message.seq,
        "window_start": message.window.start,
        "window_end": message.window.end,
        "revision": message.revision,
        "captured_at": message.captured_at,
        "published_at": message.published_at,
        **{part: getattr(message.sentiment, part, None) for part in SENTIMENT},
        "reason": message.reason,
        "words_age_ms": message.words_age_ms,
        "latency_ms": message.latency_ms,
    }
    for stream in STREAMS:
        found = message.reliability.get(stream)
        cells |= {f"{stream}_{part}": getattr(found, part, None) for part in PARTS}
    return cells


def export(recording: Recording, to: Table, out: Path, overwrite: bool) -> int:
    """Write the table of ``recording`` into ``out``; how many rows it has.

    What is written shows under its name when it is complete. Raises SettingError where it cannot be
    written, or for ``parquet`` without pyarrow.
    """
    write = {"csv": _write_csv, "parquet": _write_parquet}[to]
    if out.exists() and out.samefile(recording.file):
        raise SettingError(f"table {out}: is the recording itself")
    if out.exists() and not overwrite:
        raise SettingError(f"table {out}: is there already; choose another name, or --overwrite")
    part = out.with_name(f".{out.name}.part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        count = write(map(row, newest(recording)), part)
        part.replace(out)
    except OSError as error:
        raise SettingError(f"table {out}: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return count


def _write_csv(rows: Iterator[Row], file: Path) -> int:
    count = 0
    with file.open("w", newline="", encoding="utf-8") as opened:
        table = csv.DictWriter(opened, list(COLUMNS))
        table.writeheader()
        for cells in rows:
            table.writerow(cells)
            count += 1
    return count


def _write_parquet(rows: Iterator[Row], file: Path) -> int:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise SettingError(
            "--to parquet needs pyarrow: pip install 'qamoe-stream[parquet]', or use --to csv"
        ) from None
    types = {TEXT: pyarrow.string(), NUMBER: pyarrow.float64(), COUNT: pyarrow.int64()}
    schema = pyarrow.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
    count = 0
    with parquet.ParquetWriter(file, schema) as writer:
        for batch in _batches(rows):
            writer.write_table(pyarrow.Table.from_pylist(list(batch), schema))
            count += len(batch)
    return count


def _batches(rows: Iterator[Row]) -> Iterator[Sequence[Any]]:
    while batch := list(islice(rows, ROWS_AT_ONCE)):
        yield batch
