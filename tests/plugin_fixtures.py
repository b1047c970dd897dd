"""Plugins in processes of their own, as a user starts them."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
import zmq

from streamer.feed.messages import Message
from tests.test_subscriber import Sender

PLUGINS = Path(__file__).parent.parent / "examples" / "plugins"
JAVASCRIPT = PLUGINS / "javascript-subscriber"
TIMEOUT = 30.0


@contextmanager
def started(command: Sequence[str | Path]) -> Iterator[subprocess.Popen[str]]:
    """The plugin in the background; whatever happens, it is gone at the end."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        bufsize=1,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def outcome(process: subprocess.Popen[str]) -> tuple[int, list[str], str]:
    """Exit code, the lines not read yet, and what it complains of, once it has ended."""
    out, err = process.communicate(timeout=TIMEOUT)
    return process.returncode, out.splitlines(), err


def run(command: Sequence[str | Path]) -> tuple[int, list[str], str]:
    """The plugin from start to end."""
    with started(command) as process:
        return outcome(process)


def interrupt(process: subprocess.Popen[str]) -> tuple[int, list[str], str]:
    """Ctrl-C."""
    process.send_signal(signal.SIGINT)
    return outcome(process)


def python(script: str, *arguments: str) -> list[str]:
    """The command of a plugin in Python; ``script`` is relative to the plugins' folder."""
    return [sys.executable, str(PLUGINS / script), *arguments]


def node(*arguments: str) -> list[str]:
    """The command of node, or the test is skipped where node or the npm packages are missing."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("no node on this machine")
    if not (JAVASCRIPT / "node_modules" / "zeromq").is_dir():
        pytest.skip("npm packages are missing: run make setup where npm is installed")
    return [found, *arguments]


@contextmanager
def sending() -> Iterator[Sender]:
    """A socket that sends what no publisher would."""
    with zmq.Context() as context:
        sender = Sender(context)
        try:
            yield sender
        finally:
            sender.close()


def stamped(message: Message, seq: int, published_at: float) -> Message:
    """The message as a publisher sends it."""
    return msgspec.structs.replace(message, seq=seq, published_at=published_at)
