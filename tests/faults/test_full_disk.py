"""The real command records onto a disk that becomes full."""

import subprocess
from pathlib import Path

import pytest

from streamer.feed.messages import HealthMessage, SentimentMessage
from tests.commands import COMMAND, Finished, command, free_port
from tests.recording_fixtures import read

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("assets"), pytest.mark.timeout(240)]

ENTER = (
    "unshare",
    "--map-root-user",
    "--mount",
    "sh",
    str(Path(__file__).parent / "small_disk.sh"),
)
FULL = "No space left on device"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str]:
    """Of the disk, and of what is kept of it; skips where no disk can be made."""
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    kept.mkdir()
    there = subprocess.run([*ENTER, str(disk), str(kept), "true"], capture_output=True, text=True)
    if there.returncode:
        pytest.skip(f"no disk of our own: {there.stderr.strip()}")
    return str(disk), str(kept)


def test_the_session_goes_on_and_what_was_written_is_whole(
    folders: tuple[str, str], data_folder: Path
) -> None:
    disk, kept = folders
    clip = str(data_folder / "clips" / "talking_head_en_8s.mp4")
    options = ("--source", clip, "--loop", "--duration", "12", "--record", f"{disk}/a.qmr")
    feed = ("--ui", "json", "--bind", f"tcp://127.0.0.1:{free_port()}")
    done = subprocess.run(
        [*ENTER, disk, kept, *COMMAND, *feed, *options],
        capture_output=True,
        text=True,
        timeout=200,
        stdin=subprocess.DEVNULL,
    )
    live = Finished(done.returncode, done.stdout.splitlines(), done.stderr)
    assert live.code == 0, live.said
    (said,) = [line for line in live.said.splitlines() if "recording stopped" in line]
    assert FULL in said
    last = live.said.rstrip().splitlines()[-1]
    assert last.startswith(f"recording   {disk}/a.qmr")
    assert last.endswith(FULL)
    assert [item.seq for item in live.windows] == list(range(len(live.windows)))
    assert any(FULL in str(item.reason) for item in live.health)
    found, recording = read(Path(kept) / "a.qmr")
    kept_windows = [item for item in found if isinstance(item, SentimentMessage)]
    assert kept_windows == live.windows[: len(kept_windows)]
    assert 0 < len(kept_windows) < len(live.windows)
    assert recording.end is not None
    assert recording.end.reason == FULL
    assert recording.remarks == []
    again = ("--speed", "max", "--ui", "json", "--bind", f"tcp://127.0.0.1:{free_port()}")
    replayed = command("replay", f"{kept}/a.qmr", *again)
    assert replayed.code == 0
    assert len(replayed.windows) == len(kept_windows)
    assert isinstance(replayed.messages[-1], HealthMessage)
