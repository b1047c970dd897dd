"""Temporary folders of owners that end in order, and of those that are killed."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from streamer.temporary_folder import LOCK, temporary_folder

PREFIX = "qamoe-test-"

OWNER = f"""
import sys
from streamer.temporary_folder import temporary_folder
with temporary_folder("{PREFIX}") as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


INTERRUPTED = f"""
import os, signal, sys, time
from streamer.signals import interrupt_once
from streamer.temporary_folder import temporary_folder

def watch(frame, event, _):
    if event == "call" and frame.f_code.co_name == "_hold":
        sys.setprofile(None)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)

interrupt_once()
sys.setprofile(watch)
try:
    with temporary_folder("{PREFIX}") as folder:
        print("entered")
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made, here and in processes below."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_it_is_for_one_user_alone_and_goes_with_its_owner() -> None:
    with temporary_folder(PREFIX) as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "below").mkdir()
        (folder / "below" / "file").write_text("something")
    assert not folder.exists()


def test_that_of_an_owner_who_lives_stays_and_that_of_one_who_was_killed_goes() -> None:
    command = [sys.executable, "-c", OWNER]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as owner:
        assert owner.stdout is not None
        left = Path(owner.stdout.readline().strip())
        with temporary_folder(PREFIX):
            assert left.is_dir()
        owner.kill()
        owner.wait()
        assert left.is_dir()
        with temporary_folder(PREFIX) as folder:
            assert not left.exists()
            assert folder.is_dir()


def test_an_interrupt_while_it_is_made_leaves_none(place: Path) -> None:
    command = [sys.executable, "-c", INTERRUPTED]
    done = subprocess.run(command, stdout=-1, text=True, check=True, timeout=60)
    assert done.stdout == "interrupted\n"
    assert list(place.iterdir()) == []


def test_what_was_not_made_here_is_left_alone(place: Path) -> None:
    (place / f"{PREFIX}without-a-lock").mkdir()
    (place / "other").mkdir()
    (place / "other" / LOCK).touch()
    (place / f"{PREFIX}link").symlink_to(place / "other")
    (place / f"{PREFIX}file").touch()
    with temporary_folder(PREFIX):
        pass
    assert len([*place.iterdir()]) == 4
    assert (place / "other" / LOCK).exists()
