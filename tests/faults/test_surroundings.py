"""What befalls the surroundings of a session leaves its feed as it was."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from benchmarks.faults import PATIENCE
from streamer.faults import Fault, Observer, Outcome, rehearse
from streamer.feed.messages import HealthMessage
from streamer.outside_faults import disk_full, outside_faults
from streamer.session import Session
from streamer.settings import Settings, load_settings
from tests.recording_fixtures import read

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("assets"), pytest.mark.timeout(240)]

HOLD = 3.0
STORE_MB = 80


@dataclass
class Running:
    session: Session
    observer: Observer
    settings: Settings

    @property
    def recording(self) -> Path:
        return Path(str(self.settings.feed.record))

    def done(self, fault: Fault) -> Outcome:
        """Do it; the feed goes on, complete, and no actor is replaced."""
        before = self.session.processes
        outcome = rehearse(fault, self.observer, self.session.finished, HOLD, PATIENCE)
        assert outcome.recovered is not None, outcome
        assert outcome.lost == 0
        assert self.session.processes == before
        return outcome

    def wait(self, windows: int) -> None:
        """Returns when that many more windows have been published."""
        began, until = time.monotonic(), time.monotonic() + PATIENCE
        while len(list(self.observer.windows(began))) < windows:
            assert time.monotonic() < until
            self.session.finished()
            time.sleep(0.05)


@pytest.fixture(scope="module")
def running(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    options = {
        "source.file": str(data_folder / "clips" / "talking_head_en_8s.mp4"),
        "source.loop": True,
        "camera.frame_rate": 5,
        "feed.bind": "tcp://127.0.0.1:0",
        "feed.record": str(tmp_path_factory.mktemp("recording") / "a.qmr"),
        "feed.transcripts": True,
        "ray.object_store_mb": STORE_MB,
    }
    settings = load_settings(options=options)
    with Session(settings) as session, Observer(session.address, session.name) as observer:
        session.start()
        shown = Running(session, observer, settings)
        shown.wait(8)
        yield shown
        session.stop("done")


def named(running: Running, name: str) -> Fault:
    (fault,) = [each for each in outside_faults(running.session, STORE_MB) if each.name == name]
    return fault


def in_store() -> float:
    """Bytes in Ray's object store, as Ray has it."""
    import ray  # not before streamer.cluster, whose environment it reads

    name = "object_store_memory"
    room: float = ray.available_resources().get(name, 0.0)  # type: ignore[no-untyped-call]
    return float(ray.cluster_resources()[name]) - room  # type: ignore[no-untyped-call]


def test_the_object_store_may_be_full(running: Running) -> None:
    """Nothing of the pipeline passes through it. A slow machine may be late for a window while Ray
    writes to the disk what does not fit."""
    began = time.monotonic()
    used = 0.0
    while len(list(running.observer.windows(began))) < 6:
        used = max(used, in_store())
        time.sleep(0.05)
    assert used == 0
    fault = named(running, "object store filled")
    running.done(replace(fault, end=None))
    running.wait(2)
    assert in_store() > 0
    assert fault.end is not None
    fault.end()


def test_a_subscriber_may_stall(running: Running) -> None:
    assert running.done(named(running, "a subscriber stalls")).touched == ()


def test_the_disk_may_fill(running: Running) -> None:
    began = time.monotonic()
    assert running.done(disk_full(running.session, running.recording)).touched == ()
    running.wait(8)
    told = [item for _, item in running.observer.since(began) if isinstance(item, HealthMessage)]
    (said,) = {item.reason for item in told[-1:]}
    assert str(said).startswith("recording has stopped after")
    assert "File too large" in str(said)
    found, recording = read(running.recording)
    assert found
    assert recording.end is not None
    assert recording.end.reason == "File too large"
    assert recording.remarks == []
