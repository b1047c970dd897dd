"""Runs of the real command in processes of its own, as a user starts it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from streamer.cli import main
from streamer.feed.messages import (
    KINDS,
    HealthMessage,
    Message,
    SentimentMessage,
    TranscriptMessage,
)

COMMAND = [sys.executable, "-m", "streamer"]
TIMEOUT = 180.0


@dataclass(frozen=True)
class Finished:
    """What a command has left behind."""

    code: int
    lines: list[str]
    said: str

    @property
    def messages(self) -> list[Message]:
        return [msgspec.json.decode(line, type=KINDS[kind_of(line)]) for line in self.lines]

    @property
    def windows(self) -> list[SentimentMessage]:
        return [item for item in self.messages if isinstance(item, SentimentMessage)]

    @property
    def health(self) -> list[HealthMessage]:
        return [item for item in self.messages if isinstance(item, HealthMessage)]

    @property
    def transcripts(self) -> list[TranscriptMessage]:
        return [item for item in self.messages if isinstance(item, TranscriptMessage)]

    @property
    def complaint(self) -> str:
        """The one line that says what is wrong."""
        (line,) = [line for line in self.said.splitlines() if line.startswith("qamoe-stream:")]
        assert "Traceback" not in self.said
        return line


Answer = Callable[..., Finished]
"""What the fixture ``answer`` is."""


def kind_of(line: str) -> str:
    return line.split('"schema":"qamoe.', 1)[1].split("/", 1)[0]


def command(
    *arguments: str, timeout: float = TIMEOUT, env: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Finished:  # fmt: skip
    """Run ``qamoe-stream`` to its end."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **(env or {})},
        cwd=folder,
        stdin=subprocess.DEVNULL,
    )
    return Finished(done.returncode, done.stdout.splitlines(), done.stderr)


def answer(capfd: pytest.CaptureFixture[str], *arguments: str) -> Finished:
    """What the command says that ends before it has started anything: without an interpreter of its
    own, which takes a second to import what this one has."""
    before = signal.getsignal(signal.SIGTERM)
    capfd.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["qamoe-stream", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
    signal.signal(signal.SIGTERM, before)
    done = capfd.readouterr()
    return Finished(int(ended.value.code or 0), done.out.splitlines(), done.err)


def stream(*arguments: str, timeout: float = TIMEOUT, folder: Path | None = None) -> Finished:
    """Run the pipeline with its messages as lines, on a port of its own."""
    options = ("--ui", "json", "--bind", f"tcp://127.0.0.1:{free_port()}")
    return command(*options, *arguments, timeout=timeout, folder=folder)


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The pipeline in the background with the address of its feed; interrupted at the end."""
    address = f"tcp://127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [*COMMAND, "--ui", "off", "--bind", address, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    try:
        yield process, address
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
