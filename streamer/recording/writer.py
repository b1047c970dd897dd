"""The writing end of a recording."""

import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import accumulate
from pathlib import Path

from streamer.errors import SettingError
from streamer.recording.framing import (
    LARGEST_PAYLOAD,
    START_SIZE,
    Damage,
    NotARecordingError,
    check_start,
    framed,
    records,
    start,
)
from streamer.recording.records import About, End, MalformedRecordError, Record, decode, encode

SYNC_SECONDS = 1.0
"""A power cut loses what was written since about then; the end of a process loses nothing."""

MEGABYTE = 10**6


class RecordingWriter:
    """Appends records to a file that it makes, for its owner alone to read.

    Every ``write`` has reached the operating system when it returns. A recording ends when it is
    closed, when ``limit`` bytes are reached, or when the file cannot be written to; ``ended`` then
    says which, and ``write`` counts in ``refused`` what it is given. All that is in the file by
    then are whole records, of which the last says why it ended: where there is no room for that,
    what was written last makes it. Where it is ``resumed`` it goes on after the last whole record
    that is there already, unless that says that the recording has ended. Raises SettingError where
    the file cannot be made.
    """

    def __init__(
        self,
        file: Path,
        about: About,
        limit: int,
        overwrite: bool,
        clock: Callable[[], float],
        resumed: bool = False,
    ) -> None:
        self.ended: str | None = None
        self.records = 0
        self.refused = 0
        self.size = 0
        self._newest = 0, 0
        """Where the records begin that were written last, and how many they are."""
        self._limit = limit
        self._clock = clock
        self._synced_at = clock()
        if resumed:
            self._descriptor = _opened(file, os.O_NOFOLLOW)
            self.size, self.ended = ending(file)
            os.ftruncate(self._descriptor, self.size)
            self._newest = self.size, 0
            return
        check_file(file, overwrite)
        self._descriptor = _made(file)
        self._append(start())
        self._newest = self.size, 0
        self.write([about])
        self._newest = self.size, 0  # nobody reads the rest without it
        if self.ended is not None:
            os.close(self._descriptor)
            file.unlink(missing_ok=True)
            raise SettingError(f"recording {file}: {self.ended}")

    def write(self, records: Iterable[Record]) -> None:
        """Append ``records``. Raises ValueError for one that is too large."""
        payloads = [framed(*encode(record)) for record in records]
        written = 0 if self.ended is not None else self._append_all(payloads)
        self.records += written
        self.refused += len(payloads) - written

    def close(self, reason: str) -> None:
        """End the recording, where nothing else has, and see it on the disk; once."""
        if self._descriptor < 0:
            return
        if self.ended is None:
            self._end(reason)
        with suppress(OSError):
            os.fsync(self._descriptor)
        with suppress(OSError):
            os.close(self._descriptor)
        self._descriptor = -1

    def _append_all(self, payloads: list[bytes]) -> int:
        """How many of ``payloads`` are in the file now; at its limit the recording ends."""
        fitting, before = self._fitting(payloads), self.size
        if not self._append(b"".join(payloads[:fitting])):
            return 0
        if fitting:
            self._newest = before, fitting
        if fitting < len(payloads):
            self._end(f"its limit of {self._limit / MEGABYTE:g} MB is reached")
        return fitting

    def _fitting(self, payloads: list[bytes]) -> int:
        sizes = accumulate((len(payload) for payload in payloads), initial=self.size)
        return max(sum(size <= self._limit for size in sizes) - 1, 0)

    def _end(self, reason: str) -> None:
        self.ended = reason
        end = framed(*encode(End(reason)))
        if not self._append(end):
            self._make_room()
            self._append(end)

    def _make_room(self) -> None:
        """Give up the records that were written last."""
        (self.size, records), self._newest = self._newest, (self._newest[0], 0)
        self.records -= records
        self.refused += records
        with suppress(OSError):
            os.ftruncate(self._descriptor, self.size)

    def _append(self, data: bytes) -> bool:
        """All of ``data``, or, where that cannot be, none of it and the end of the recording."""
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            self._sync()
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self.size)
            if self.ended is None:
                self._end(error.strerror or str(error))
            return False
        self.size += len(data)
        return True

    def _sync(self) -> None:
        now = self._clock()
        if now - self._synced_at >= SYNC_SECONDS:
            os.fdatasync(self._descriptor)
            self._synced_at = now


def check_file(file: Path, overwrite: bool) -> None:
    """Raise SettingError where a recording must not, or cannot, be made in ``file``."""
    try:
        found = file.lstat()
    except FileNotFoundError:
        found = None
    except OSError as error:
        raise _cannot(file, error) from None
    if found is not None and not stat.S_ISREG(found.st_mode):
        raise SettingError(f"recording {file}: is there already, and is no file to write over")
    if found is not None and not overwrite:
        raise SettingError(
            f"recording {file}: is there already; choose another name, or --overwrite"
        )
    if not os.access(file.parent, os.W_OK):
        raise SettingError(f"recording {file}: cannot be made in {file.parent}")


def _made(file: Path) -> int:
    """The descriptor of a new file, in the place of what was there."""
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise _cannot(file, error) from None
    return _opened(file, os.O_CREAT | os.O_EXCL)


def _opened(file: Path, how: int) -> int:
    try:
        return os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | how, 0o600)
    except OSError as error:
        raise _cannot(file, error) from None


def ending(file: Path) -> tuple[int, str | None]:
    """Bytes up to where its last record is cut off, if it is, and why the recording has ended, if
    it has; only the file's end is read. Raises SettingError."""
    damage = Damage()
    last = None
    try:
        with file.open("rb") as opened:
            check_start(opened)
            size = opened.seek(0, os.SEEK_END)
            opened.seek(max(size - 2 * LARGEST_PAYLOAD, START_SIZE))
            *_, found = None, *records(opened, damage)
    except NotARecordingError as error:
        raise SettingError(f"recording {file}: {error}") from None
    except OSError as error:
        raise _cannot(file, error) from None
    if found is not None:
        with suppress(MalformedRecordError):
            last = decode(*found)
    return size - damage.cut_off, last.reason if isinstance(last, End) else None


def _cannot(file: Path, error: OSError) -> SettingError:
    return SettingError(f"recording {file}: {error.strerror or error}")
