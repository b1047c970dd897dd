"""A temporary folder that goes with its owner, or, where that was killed, with the next one."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from streamer.signals import held_back, undisturbed

LOCK = "in-use"
"""A file that the owner of a folder holds a lock on for as long as it lives."""

_AGAIN_SECONDS = 0.1


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """A new one, for this user alone, and removed afterwards.

    Those of this user with the same ``prefix`` that nobody holds any more are removed before: who
    was killed, or lost power, could not do it.
    """
    _remove_abandoned(prefix)
    with ExitStack() as undo:
        with undisturbed():
            folder = Path(tempfile.mkdtemp(prefix=prefix))
            undo.callback(_let_go, folder, _hold(folder))
        yield folder


def _hold(folder: Path) -> int:
    """Under its name the lock's file is never there without the lock."""
    new = folder / f"{LOCK}.new"
    descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    new.rename(folder / LOCK)
    return descriptor


def _let_go(folder: Path, held: int) -> None:
    with held_back():
        _remove(folder)
        os.close(held)


def _remove_abandoned(prefix: str) -> None:
    """Without a lock's file one is not ours, or only just being made."""
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError):
            if not folder.is_symlink() and folder.stat().st_uid == os.getuid():
                _remove_unless_held(folder)


def _remove_unless_held(folder: Path) -> None:
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(folder)
    finally:
        os.close(descriptor)


def _remove(folder: Path) -> None:
    """A process that is just being killed may still write into it."""
    for _ in range(3):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_AGAIN_SECONDS)
