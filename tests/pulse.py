"""A private PulseAudio server whose microphone hears what is played to it."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

import pytest

SINK = "virtual_microphone"
START_TIMEOUT = 10.0


class PulseServer:
    """Plays files into the microphone that PortAudio calls ``pulse`` and ``default``."""

    def __init__(self, folder: str) -> None:
        self._socket = f"{folder}/socket"
        self._env = {**os.environ, "HOME": folder}
        self._running = ExitStack()

    def start(self, rate: int = 16_000) -> None:
        """Returns when the microphone is there; ``rate`` is its own, in Hz."""
        server = _server(self._socket, rate)
        self._running.enter_context(_running(*server, env=self._env))
        _wait_for(["pactl", "set-default-source", "microphone"])
        # Without a reader that asks for little delay, the sink renders in blocks of 2 s.
        listener = ("parec", "--latency-msec=10", "-d", f"{SINK}.monitor")
        self._running.enter_context(_running(*listener))
        _wait_for_sound(listener)

    def stop(self) -> None:
        """End the server, and with it the microphone; it may be started again."""
        self._running.close()

    def play(self, wav: Path, timeout: float = 60.0) -> None:
        """Returns when the whole file has been played."""
        # The microphone's small delay would let the player run dry on a busy machine.
        env = {name: value for name, value in os.environ.items() if name != "PULSE_LATENCY_MSEC"}
        command = ["paplay", "-d", SINK, "--latency-msec=1000", str(wav)]
        subprocess.run(command, check=True, timeout=timeout, env=env)

    @contextmanager
    def playing(self, wav: Path) -> Iterator[None]:
        """Plays meanwhile, in the background."""
        env = {name: value for name, value in os.environ.items() if name != "PULSE_LATENCY_MSEC"}
        command = ["paplay", "-d", SINK, "--latency-msec=1000", str(wav)]
        with subprocess.Popen(command, env=env) as player:
            try:
                yield
            finally:
                player.kill()

    def suspend(self, suspended: bool) -> None:
        """A suspended microphone delivers nothing at all, like one that hangs."""
        command = ["pactl", "suspend-source", "microphone", str(int(suspended))]
        subprocess.run(command, check=True, timeout=10)


@contextmanager
def pulse_server() -> Iterator[PulseServer]:
    """Runs the server and points this process and its children to it; skips where none is."""
    for program in ("pulseaudio", "paplay", "parec", "pactl"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: apt install pulseaudio pulseaudio-utils")
    with ExitStack() as stack:
        # Not pytest's folder: a socket's path holds 107 characters at most.
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pulse"))
        stack.enter_context(
            mock.patch.dict(
                os.environ,
                XDG_RUNTIME_DIR=folder,
                PULSE_RUNTIME_PATH=folder,
                PULSE_SERVER=f"unix:{folder}/socket",
                PULSE_LATENCY_MSEC="20",
            )
        )
        server = PulseServer(folder)
        stack.callback(server.stop)
        server.start()
        yield server


def _server(socket: str, rate: int) -> list[str]:
    modules = (
        f"module-native-protocol-unix socket={socket} auth-anonymous=1",
        f"module-null-sink sink_name={SINK} rate={rate} channels=1",
        f"module-remap-source source_name=microphone master={SINK}.monitor",
    )
    loads = [argument for module in modules for argument in ("-L", module)]
    return [
        "pulseaudio",
        "-n",
        "--daemonize=no",
        "--exit-idle-time=-1",
        "--use-pid-file=no",
        *loads,
    ]


def _wait_for(command: list[str]) -> None:
    """Returns when the command succeeds."""
    deadline = time.monotonic() + START_TIMEOUT
    while (result := subprocess.run(command, capture_output=True, text=True)).returncode:
        assert time.monotonic() < deadline, f"PulseAudio did not start: {result.stderr}"
        time.sleep(0.05)


def _wait_for_sound(listener: tuple[str, ...]) -> None:
    """Returns when the sink renders: its first block takes up to 2 s."""
    with subprocess.Popen(listener, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        process.stdout.read(4000)
        process.kill()


@contextmanager
def _running(*command: str, env: dict[str, str] | None = None) -> Iterator[None]:
    silent = subprocess.DEVNULL
    process = subprocess.Popen(command, env=env, stdout=silent, stderr=silent)
    try:
        yield
    finally:
        process.kill()
        process.wait(10)
