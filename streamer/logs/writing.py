"""Where the log of a session goes."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from streamer.errors import SettingError, UserError
from streamer.logs.behind import Behind
from streamer.logs.event import Event, line_of
from streamer.logs.limit import Limited
from streamer.logs.relay import OURS
from streamer.settings import LogSettings

log = logging.getLogger(__name__)

MEGABYTE = 1_000_000


@contextmanager
def logged(settings: LogSettings) -> Iterator[None]:
    """Write what our packages log, in the way of the settings.

    An error that ends it is logged, too, but where a person will read it anyway. Raises
    SettingError where the file cannot be made.
    """
    handler = Limited(Behind(target_of(settings)))
    level = getattr(logging, settings.effective_level.upper())
    loggers = [logging.getLogger(name) for name in OURS]
    before = [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.setLevel(level)
        logger.addHandler(handler)
        logger.propagate = False
    try:
        yield
    except UserError as error:
        if not settings.is_for_people:
            log.error(Event("failed", reason=str(error), exit_code=error.exit_code))
        raise
    finally:
        for logger, (old, propagate) in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(old)
            logger.propagate = propagate
        handler.close()


def target_of(settings: LogSettings) -> logging.Handler:
    """What writes lines where the settings say. Raises SettingError."""
    target: logging.Handler = _Terminal()
    if settings.file is not None:
        try:
            target = _File(settings.file, settings.limit * MEGABYTE // 2)
        except OSError as error:
            raise SettingError(f"log.file = {settings.file}: {error.strerror}") from None
    target.setFormatter(_Lines(settings.format == "json"))
    return target


class _Lines(logging.Formatter):
    def __init__(self, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        line = line_of(record)
        return line.json() if self._as_json else line.text()


class _Terminal(logging.Handler):
    """Standard error, as it is at the moment: the live view takes its place meanwhile."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's own name
        """Nobody reads it any more."""


class _File(RotatingFileHandler):
    """A file that only its owner reads, and the one before it under the same name with ``.1``:
    together at most twice ``size`` bytes. A line that cannot be written is counted."""

    def __init__(self, file: Path, size: int) -> None:
        self.lost = 0
        super().__init__(file, maxBytes=size, backupCount=1, encoding="utf-8")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802
        """The disk is full, perhaps: the session goes on."""
        self.lost += 1

    def close(self) -> None:
        with suppress(OSError):  # what could not be written is counted already
            super().close()
        if self.lost:
            lost, self.lost = self.lost, 0
            print(f"log: {lost} lines could not be written", file=sys.stderr)

    def _open(self) -> TextIOWrapper:
        stream = open(  # noqa: SIM115  the handler closes it
            self.baseFilename, self.mode, encoding=self.encoding, opener=_owners
        )
        assert isinstance(stream, TextIOWrapper)  # noqa: S101  since the mode is of text
        return stream


def _owners(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)
