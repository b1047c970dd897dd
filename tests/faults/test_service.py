"""A command whose parent is process 1, as a service manager or a container starts it, and nohup
leaves it: Ray takes such a parent for its own process's, and that one for dead."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from streamer.assets import Assets
from streamer.feed import Subscriber
from streamer.feed.messages import HealthMessage
from tests.commands import COMMAND, free_port
from tests.faults.test_endings import folders
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("assets"), pytest.mark.timeout(240)]

PATIENCE = 60.0
ORPHAN = """
import os, sys
if os.fork():
    os._exit(0)
os.setsid()
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.parametrize("victim", ["none", "raylet"])
def test_it_ends_in_order_and_says_how(tmp_path: Path, assets: Assets, victim: str) -> None:
    film = str(assets.file("demo-media", "WolfgangLanger_Pexels.mp4"))
    address, file, before = f"tcp://127.0.0.1:{free_port()}", tmp_path / "a.qmr", folders()
    options = ["--ui", "off", "--bind", address, "--source", film, "--mic", "off", "--loop"]
    options += ["--duration", "6", "--record", str(file)]
    said = tmp_path / "said"
    with said.open("w") as stderr, Subscriber(address, idle=PATIENCE) as feed:
        subprocess.run(
            [sys.executable, "-c", ORPHAN, *COMMAND, *options],
            check=True, stdin=subprocess.DEVNULL, stderr=stderr,
        )  # fmt: skip
        assert feed.receive(timeout=PATIENCE) is not None
        (process,) = [each for each in psutil.process_iter(["cmdline"])
                      if str(file) in (each.info["cmdline"] or [])]  # fmt: skip
        if victim == "raylet":
            (ray,) = [each for each in process.children(recursive=True) if each.name() == victim]
            ray.kill()
        *_, bye = [message for message in feed if isinstance(message, HealthMessage)]
    assert bye.state == "bye"
    assert eventually(lambda: not process.is_running(), PATIENCE)
    last = said.read_text().splitlines()[-1]
    assert last.startswith("recording   " if victim == "none" else "qamoe-stream: Ray has died")
    assert folders() - before == set()
