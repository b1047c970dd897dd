"""How a session ends when something is wrong: in order, soon, and with nothing left behind."""

import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from streamer.assets import Assets
from streamer.errors import PipelineError
from streamer.faults import Observer, leftovers
from streamer.feed import Subscriber
from streamer.feed.messages import HealthMessage
from streamer.session import Session
from streamer.settings import load_settings
from tests.commands import COMMAND, free_port

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("assets"), pytest.mark.timeout(240)]

PATIENCE = 60.0


@dataclass(frozen=True)
class Ended:
    code: int
    said: str
    bye: HealthMessage | None
    left: list[psutil.Process]
    folders: set[Path]


def folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("qamoe-*"))


def ended(film: Path, disturb: Callable[[psutil.Process, list[psutil.Process]], None]) -> Ended:
    """A session that is running well, then disturbed, to its end."""
    address = f"tcp://127.0.0.1:{free_port()}"
    before = folders()
    command = [*COMMAND, "--ui", "off", "--bind", address, "--source", str(film), "--loop"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    with Subscriber(address, kinds=["sentiment", "health"], idle=PATIENCE) as feed:
        assert feed.receive(timeout=PATIENCE) is not None
        below = psutil.Process(process.pid).children(recursive=True)
        disturb(psutil.Process(process.pid), below)
        last = [message for message in feed if isinstance(message, HealthMessage)]
    _, said = process.communicate(timeout=PATIENCE)
    psutil.wait_procs(below, timeout=5)
    bye = last[-1] if last and last[-1].state == "bye" else None
    return Ended(process.returncode, said, bye, leftovers(below), folders() - before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_interrupted_amid_a_recovery_it_ends_in_order(assets: Assets, number: int) -> None:
    def disturb(process: psutil.Process, below: list[psutil.Process]) -> None:
        hosts = [child for child in below if child.name().startswith("ray::Host")]
        assert {host.nice() for host in hosts} == {process.nice()}
        biggest = sorted(hosts, key=lambda host: host.memory_info().rss)[-3:]
        biggest[0].kill()
        biggest[1].send_signal(signal.SIGSTOP)
        time.sleep(1.0)
        process.send_signal(number)

    run = ended(assets.file("demo-media", "WolfgangLanger_Pexels.mp4"), disturb)
    assert run.code == 0, run.said
    assert run.bye is not None
    assert run.bye.reason == "interrupted"
    assert "Traceback" not in run.said
    assert (run.left, run.folders) == ([], set())


@pytest.mark.parametrize("victim", ["raylet", "gcs_server"])
def test_where_ray_dies_the_command_ends_with_one_clear_line(assets: Assets, victim: str) -> None:
    def disturb(process: psutil.Process, below: list[psutil.Process]) -> None:
        assert process.is_running()
        (ray,) = [child for child in below if child.name() == victim]
        ray.kill()

    run = ended(assets.file("demo-media", "WolfgangLanger_Pexels.mp4"), disturb)
    assert run.code == 5, run.said
    (line,) = [line for line in run.said.splitlines() if line.startswith("qamoe-stream:")]
    assert "Ray has died" in line
    assert "Traceback" not in run.said
    assert run.bye is not None
    assert (run.left, run.folders) == ([], set())


def test_what_is_given_up_is_named_and_the_rest_goes_on_until_nothing_is_left(
    data_folder: Path,
) -> None:
    options = {
        "source.file": str(data_folder / "clips" / "talking_head_en_8s.mp4"),
        "source.loop": True,
        "feed.bind": "tcp://127.0.0.1:0",
        "supervision.restarts": 0,
    }
    with (
        Session(load_settings(options=options)) as session,
        Observer(session.address, session.name) as observer,
    ):
        session.start()
        wait_for(lambda: len(list(observer.windows(0.0))) > 4 and len(session.processes) == 5)
        psutil.Process(session.processes["camera"]).kill()
        wait_for(
            lambda: any(
                "camera given up" in str(window.reliability["vision"].reason)
                and window.reliability["audio"].value > 0
                for _, window in observer.windows(0.0)
            )
        )
        assert any(
            "camera given up" in str(message.reason)
            for _, message in observer.since(0.0)
            if isinstance(message, HealthMessage)
        )
        assert not session.finished()
        psutil.Process(session.processes["microphone"]).kill()
        with pytest.raises(PipelineError, match="microphone: it died"):
            wait_for(session.finished)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
