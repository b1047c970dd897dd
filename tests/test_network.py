"""Nothing leaves the machine while a session runs: none of our calls, and none of a library's."""

import subprocess
import sys
from pathlib import Path

import pytest

from streamer.assets import Assets
from tests.commands import COMMAND
from tests.media_files import demo_media

ENTER = ("unshare", "--map-root-user", "--net", "sh", str(Path(__file__).parent / "namespace.sh"))
TALK = "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('198.51.100.1', 9))"


def packets_sent(*command: str) -> int:
    """How many packets the command, which must succeed, wanted to send out of this machine."""
    done = subprocess.run([*ENTER, *command], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    name, _, count = done.stderr.strip().splitlines()[-1].partition(": ")
    assert name == "packets sent outside"
    return int(count)


@pytest.fixture(scope="module", autouse=True)
def _namespaces() -> None:
    """Skips where the machine does not let us watch, and fails where what is sent is not seen."""
    try:
        there = subprocess.run([*ENTER, "true"], capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("no unshare (util-linux) on this machine")
    if there.returncode:
        pytest.skip(f"no network namespace of our own: {there.stderr.strip()}")
    assert packets_sent(sys.executable, "-c", TALK) > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["two_cities.wav", "single_face.mp4"], ids=["sound", "pictures"])
def test_a_session_sends_nothing_out_of_the_machine(
    name: str, assets: Assets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not assets.missing(["demo-media"])
    options = ["--speed", "max", "--duration", "5", "--ui", "off", "--bind", "tcp://127.0.0.1:0"]
    watched = [
        "--metrics-port",
        "0",
        "--log-format",
        "json",
        "--profile",
        str(tmp_path / "profile"),
    ]
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://198.51.100.1:4318")
    command = [*COMMAND, "--source", str(demo_media(name)), *options, *watched]
    assert packets_sent(*command) == 0
