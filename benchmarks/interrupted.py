"""The real command, to be interrupted: how it ends, and what it leaves behind."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

import psutil

from streamer.feed import Subscriber
from streamer.processes import is_alive

PATIENCE = 120.0
"""Until one that hangs is killed, in s."""

VANISH_SECONDS = 1.0
"""Until what a killed process leaves is gone, too."""

PR_SET_CHILD_SUBREAPER = 36
SHARED_MEMORY = Path("/dev/shm")


class Run:
    """The command over a looped film, in a process group and a temporary folder of its own; a
    context that leaves neither. ``module``, told the folder, is what runs it, with that one's own
    arguments."""

    def __init__(
        self,
        film: Path,
        duration: float | None,
        module: Callable[[Path], Sequence[str]] = lambda _: ("streamer",),
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="i-"))  # short: sockets have long names
        self._shared_before = shared_memory()
        limit = () if duration is None else ("--duration", str(duration))
        self.began = time.monotonic()
        self.address = f"ipc://{self.folder}/feed"
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", *module(self.folder), "--ui", "off", "--loop"),
                *("--source", str(film), *limit),
                *("--bind", self.address, "--control", f"ipc://{self.folder}/control"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "said").open("wb"),
            env={**os.environ, "TMPDIR": str(self.folder)},
            process_group=0,
            preexec_fn=_heeding_interrupts,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        list(self.left())

    def until_window(self, end: float) -> None:
        """Returns when a window that ends at ``end`` s or later is published."""
        deadline = time.monotonic() + PATIENCE
        with Subscriber(self.address, kinds=["sentiment"]) as feed:
            while time.monotonic() < deadline:
                message = feed.receive(0.2)
                if message is not None and message.window.end >= end:  # type: ignore[union-attr]
                    return
                if self.process.poll() is not None:
                    return
        raise SystemExit(f"no window up to {end:g} s came: {self.said()}")

    def is_in_control(self) -> bool:
        """Whether the command itself, and no longer Python, says what SIGTERM does."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return False
        caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
        return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)

    def send(self, number: int) -> None:
        if self.process.poll() is None:
            if number == signal.SIGINT:
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)

    def said(self) -> str:
        return (self.folder / "said").read_text(errors="replace")

    def wait(self) -> int:
        """Its exit code; one that hangs is killed, and counts as -9."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def wrong(self, code: int) -> Iterator[str]:
        """What is not in order about its end, and takes away what it has left."""
        said = self.said()
        yield from self.left()
        if code != 0:
            yield f"exit code {code}"
        if "Traceback" in said:
            yield f"traceback: {said.strip().splitlines()[-1]}"

    def left(self) -> Iterator[str]:
        """All that is still there after its end, and takes it away."""
        orphans = psutil.Process().children(recursive=True)
        psutil.wait_procs(orphans, VANISH_SECONDS)
        for process in orphans:
            if is_alive(process):
                yield f"process {process.name()} {' '.join(process.cmdline())[:120]}"
                process.kill()
        psutil.wait_procs(orphans, VANISH_SECONDS)
        for path in self.folder.iterdir() if self.folder.exists() else ():
            if path.name != "said":
                inside = sorted(str(each.relative_to(path)) for each in path.rglob("*"))
                yield f"file {path.name} {', '.join(inside[-3:])}".rstrip()
        yield from (f"shared memory {name}" for name in shared_memory() - self._shared_before)
        shutil.rmtree(self.folder, ignore_errors=True)


def adopt_orphans() -> None:
    """All that a command leaves behind becomes a child of this process, so none is overlooked."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def shared_memory() -> set[str]:
    return {path.name for path in SHARED_MEMORY.iterdir()} if SHARED_MEMORY.is_dir() else set()


def _heeding_interrupts() -> None:
    """A shell has its background jobs ignore SIGINT, and they hand that on."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
