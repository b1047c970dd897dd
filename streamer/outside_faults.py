"""Faults of what surrounds a session: who listens to it, where it records, what else Ray holds."""

import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from streamer import cluster
from streamer.faults import Fault
from streamer.session import Session

BLOCK_MB = 8
ROOM_BYTES = 50_000
"""What a recording may still grow by when the disk fills: less than a second's."""


class StalledSubscriber:
    """A subscriber in a process of its own that is stopped amid listening."""

    def __init__(self, address: str, keys: Path | None = None) -> None:
        self._options = [address] if keys is None else [address, "--keys", str(keys)]
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        command = [sys.executable, "-m", "streamer", "tap", *self._options]
        silent = subprocess.DEVNULL
        self._process = subprocess.Popen(  # noqa: S603  this very command, at our own address
            command, stdout=subprocess.PIPE, stderr=silent
        )
        if self._process.stdout is not None:
            self._process.stdout.readline()  # it listens
        self._process.send_signal(signal.SIGSTOP)

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


class FilledStore:
    """Objects of others, in Ray's object store, of more megabytes than it holds."""

    def __init__(self, megabytes: int) -> None:
        self._blocks = megabytes // BLOCK_MB + 1
        self._held: list[Any] = []

    def begin(self) -> None:
        block = np.ones(BLOCK_MB * 2**20, np.uint8)
        self._held = [cluster.hold(block) for _ in range(self._blocks)]

    def end(self) -> None:
        self._held.clear()


def outside_faults(session: Session, store_mb: int, keys: Path | None = None) -> Iterator[Fault]:
    """Those that need nothing but the session itself, whose object store has ``store_mb`` and whose
    feed is locked where there are ``keys``."""
    subscriber, store = StalledSubscriber(session.address, keys), FilledStore(store_mb)
    yield Fault("a subscriber stalls", (), subscriber.begin, subscriber.end)
    yield Fault("object store filled", (), store.begin, store.end)


def disk_full(session: Session, file: Path) -> Fault:
    """The recording in ``file`` may grow no further, as on a full disk; for good."""

    def begin() -> None:
        process = session.processes["feed"]
        _, most = resource.prlimit(process, resource.RLIMIT_FSIZE)
        room = file.stat().st_size + ROOM_BYTES
        resource.prlimit(process, resource.RLIMIT_FSIZE, (room, most))

    return Fault("disk full while recording", (), begin, lasting=True)
