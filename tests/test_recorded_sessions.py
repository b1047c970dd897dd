"""Real sessions, recorded as a user would: replayed, analysed again, and killed."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from streamer.feed import Subscriber
from streamer.feed.messages import SentimentMessage
from streamer.packets import Opening, TokenStates
from tests.commands import Finished, command, free_port, running, stream
from tests.recording_fixtures import read, record, same, session
from tests.test_pipeline import spoken

pytestmark = pytest.mark.slow

KILLS = 50

ENDLESS = """
import os, sys, time
from itertools import cycle
from pathlib import Path
from streamer.recording import Recording
from streamer.recording.writer import RecordingWriter

with Recording(sys.argv[1]) as recording:
    told = list(recording)
written = RecordingWriter(Path(sys.argv[2]), recording.about, 10**9, False, time.monotonic)
for count, item in enumerate(cycle(told), 1):
    written.write([item])
    os.write(1, count.to_bytes(4, "little"))
"""
"""Records another recording on and on, and says after each record how many it has handed over."""


def told(run: Finished, *without: str) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in run.lines]
    return [{key: value for key, value in row.items() if key not in without} for row in rows]


def again(file: Path, *options: str) -> Finished:
    return command(
        "replay", str(file), "--speed", "max", "--ui", "json",
        "--bind", f"tcp://127.0.0.1:{free_port()}", *options,
    )  # fmt: skip


@pytest.mark.parallel
def test_whenever_its_process_is_killed_no_complete_record_is_lost(tmp_path: Path) -> None:
    chance = random.Random(7)
    expected = session(50)
    source = record(tmp_path / "source.qmr", expected)
    cut_off = 0
    for number in range(KILLS):
        file = tmp_path / f"{number}.qmr"
        with subprocess.Popen(
            [sys.executable, "-c", ENDLESS, str(source), str(file)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            said = process.stdout.read(4)
            time.sleep(chance.uniform(0, 0.05))
            process.send_signal(signal.SIGKILL)
            said = (said + process.stdout.read())[-4:]
        handed_over = int.from_bytes(said, "little")
        found, recording = read(file)
        assert handed_over <= len(found) <= handed_over + 1
        assert same(found, [expected[place % len(expected)] for place in range(len(found))])
        assert recording.damage.skipped == 0
        assert recording.remarks[0].startswith("cut off")
        cut_off += recording.damage.cut_off > 0
        file.unlink()
    print(f"{KILLS} kills, {cut_off} within a record")


@pytest.mark.parallel
@pytest.mark.usefixtures("assets")
@pytest.mark.parametrize("transcripts", [False, True], ids=["without words", "with words"])
def test_a_recorded_file_is_told_again_and_judged_the_same(
    tmp_path: Path, data_folder: Path, transcripts: bool
) -> None:
    clip = str(data_folder / "clips" / "talking_head_en_8s.mp4")
    file = tmp_path / "a.qmr"
    options = ("--transcripts",) if transcripts else ()
    live = stream("--source", clip, "--speed", "max", "--record", str(file), *options)
    assert live.code == 0, live.said
    check_told_again(live, file)
    data = file.read_bytes().lower()
    words = {b"everyone", b"today", b"country", b"world"}
    assert {word for word in words if word in data} == (words if transcripts else set())
    kept, _ = read(file)
    assert any(isinstance(item, TokenStates) for item in kept) is not transcripts
    if transcripts:
        assert "today" in spoken(live.transcripts)


@pytest.mark.usefixtures("assets")
def test_a_live_session_is_judged_the_same(tmp_path: Path, data_folder: Path) -> None:
    """In real time words come late and deadlines pass; the picture of it all is the recording."""
    clip = str(data_folder / "clips" / "talking_head_en_8s.mp4")
    file = tmp_path / "a.qmr"
    live = stream(
        "--source", clip, "--loop", "--duration", "12", "--transcripts", "--record", str(file)
    )
    assert live.code == 0, live.said
    assert "recording   " + str(file) in live.said
    assert {item.revision > 0 for item in live.windows} == {False, True}
    check_told_again(live, file)


def check_told_again(live: Finished, file: Path) -> None:
    replayed = again(file)
    assert replayed.code == 0, replayed.said
    assert len(live.lines) > 40
    assert told(replayed, "published_at") == told(live, "published_at")
    judged = again(file, "--reanalyze")
    assert judged.code == 0, judged.said
    assert "model: the recording's" in judged.said
    wall_clock = ("published_at", "latency_ms", "publisher_dropped")
    assert told(judged, *wall_clock) == told(live, *wall_clock)
    assert "Warning" not in judged.said


@pytest.mark.usefixtures("assets")
def test_a_session_whose_feed_is_killed_has_recorded_what_was_heard_before_and_after(
    tmp_path: Path, data_folder: Path
) -> None:
    clip = str(data_folder / "clips" / "talking_head_en_8s.mp4")
    file = tmp_path / "a.qmr"
    options = ("--source", clip, "--loop", "--record", str(file))
    with running(*options) as (process, address), Subscriber(address, idle=60) as feed:
        heard = [feed.receive(timeout=60) for _ in range(8)]
        (writer,) = [
            child
            for child in psutil.Process(process.pid).children(recursive=True)
            if str(file) in {opened.path for opened in child.open_files()}
        ]
        time.sleep(0.1)  # the last one heard may wait for the disk
        writer.kill()
        until = time.monotonic() + 90  # another feed takes its place, and goes on with the file
        while time.monotonic() < until:
            after = feed.receive(timeout=1)
            if isinstance(after, SentimentMessage) and after.session_epoch > 0:
                break
    found, recording = read(file)
    assert isinstance(found[0], Opening)
    kept = [item for item in found if isinstance(item, SentimentMessage)]
    wanted = [item for item in heard if isinstance(item, SentimentMessage)]
    assert wanted
    assert all(item in kept for item in wanted)
    assert after in kept
    assert recording.remarks == []
    assert file.stat().st_mode & 0o077 == 0
    assert again(file).code == 0
