"""The machine's clock is set by an hour amid a session, forwards and back: no time of it moves."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from streamer.feed import Subscriber
from streamer.feed.messages import HealthMessage, Message, SentimentMessage
from tests.commands import running

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("assets"), pytest.mark.timeout(240)]

HOUR = 3600.0
PATIENCE = 90.0
WINDOWS = 6
"""With every setting of the clock."""


SET = """
import time
from pathlib import Path

real_time, real_time_ns = time.time, time.time_ns

def set_by():
    return float(Path(__file__).with_name("clock").read_text() or "0")

time.time = lambda: real_time() + set_by()
time.time_ns = lambda: real_time_ns() + round(set_by() * 10**9)
"""
"""Python runs it at the start of every process: the wall clock is set by the seconds in a file."""


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that says by how many seconds the wall clock is set, for all processes started from
    here on."""
    (tmp_path / "sitecustomize.py").write_text(SET)
    (tmp_path / "clock").write_text("0")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path / "clock"


def wall_clock() -> float:
    """As a new process reads it."""
    code = "import time; print(time.time())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    return float(done.stdout)


def heard(feed: Subscriber, windows: int) -> list[Message]:
    """What the feed says until so many windows more have been published."""
    said: list[Message] = []
    until = time.monotonic() + PATIENCE
    while sum(isinstance(item, SentimentMessage) and item.revision == 0 for item in said) < windows:
        assert time.monotonic() < until
        message = feed.receive(1.0)
        if message is not None:
            said.append(message)
    return said


def test_set_forwards_and_back_it_moves_no_window(clock: Path, data_folder: Path) -> None:
    clip = str(data_folder / "clips" / "talking_head_en_8s.mp4")
    said: list[Message] = []
    with (
        running("--source", clip, "--loop") as (process, address),
        Subscriber(address, idle=PATIENCE) as feed,
    ):
        heard(feed, 2)
        for by in (0.0, HOUR, -HOUR):
            clock.write_text(str(by))
            assert abs(wall_clock() - time.time() - by) < HOUR / 2
            said += heard(feed, WINDOWS)
        assert (feed.gaps, feed.restarts) == (0, 0)
    assert process.returncode == 0
    windows = [item for item in said if isinstance(item, SentimentMessage)]
    closed = [item for item in windows if item.revision == 0]
    ends = [item.window.end for item in closed]
    assert ends == sorted(set(ends))
    began = [item.captured_at - item.window.end for item in windows]
    assert max(began) - min(began) < 0.01
    assert all(item.latency_ms is not None and 0 < item.latency_ms < 1e6 for item in windows)
    published = [item.published_at for item in said]
    assert published == sorted(published)
    assert published[-1] - published[0] < HOUR / 2
    assert {item.state for item in said if isinstance(item, HealthMessage)} == {"running"}
    assert {item.session_epoch for item in said} == {0}
