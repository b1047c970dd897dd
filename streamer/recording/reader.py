"""The reading end of a recording, whatever has become of the file."""

import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from streamer.errors import SourceError
from streamer.recording.framing import Damage, NotARecordingError, check_start, records
from streamer.recording.records import About, End, MalformedRecordError, Record, decode


class Recording:
    """The records of a file, in the order in which they were written.

        with Recording("call.qmr") as recording:
            print(recording.about.participant)
            for record in recording:
                print(record)

    It reads as it goes, a record at a time. Records that are damaged are left out and counted, and
    so are kinds that this version does not know; ``remarks`` says so in words once all is read.
    Raises SourceError where the file cannot be read, is no recording or lacks its first record.
    """

    def __init__(self, file: Path | str) -> None:
        self.file = Path(file)
        self.damage = Damage()
        self.malformed = 0
        """Records that are whole, but not what their kind says."""
        self.unknown = 0
        """Records of kinds that a later version has added."""
        self.end: End | None = None
        """The last record, where the recording was ended and not cut off."""
        self._read = False
        self._name = f"recording {file}"
        try:
            if not stat.S_ISREG(self.file.stat().st_mode):  # opening a pipe may take for ever
                raise SourceError(f"{self._name}: is no file")
            self._file = self.file.open("rb")
        except OSError as error:
            raise SourceError(f"{self._name}: {error.strerror or error}") from None
        try:
            self._records = self._decoded()
            self.about = self._first()
        except BaseException:
            self._file.close()
            raise

    def __iter__(self) -> Iterator[Record]:
        """Raises SourceError where the file can be read no further."""
        for record in self._records:
            if isinstance(record, End):
                self.end = record
            else:
                yield record
        self._read = True

    @property
    def remarks(self) -> list[str]:
        """What was not as it should be in what was read, a line each."""
        found = self.damage
        damaged = found.records + found.stretches + self.malformed
        said = []
        if damaged:
            said.append(f"{damaged} damaged places left out ({found.skipped} bytes)")
        if self.unknown:
            said.append(f"{self.unknown} records of a later version left out")
        if found.cut_off:
            said.append(f"cut off within its last record ({found.cut_off} bytes)")
        elif self._read and self.end is None:
            said.append("cut off, its last record is missing")
        return said

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _first(self) -> About:
        try:
            check_start(self._file)
        except NotARecordingError as error:
            raise SourceError(f"{self._name}: {error}") from None
        except OSError as error:
            raise SourceError(f"{self._name}: {error.strerror or error}") from None
        first = next(self._records, None)
        if not isinstance(first, About):
            raise SourceError(f"{self._name}: its first record, of whom it is, is damaged")
        return first

    def _decoded(self) -> Iterator[Record]:
        try:
            for kind, payload in records(self._file, self.damage):
                try:
                    record = decode(kind, payload)
                except MalformedRecordError:
                    self.malformed += 1
                    continue
                if record is None:
                    self.unknown += 1
                else:
                    yield record
        except OSError as error:
            raise SourceError(f"{self._name}: {error.strerror or error}") from None
