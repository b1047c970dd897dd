"""Processes of this machine, found and ended."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psutil
import pytest

from streamer.processes import end, is_alive, marked, name_of, wait_for_end
from tests.waiting import eventually

FIRST_THREAD_ENDS = """
import ctypes, sys, threading
threading.Thread(target=sys.stdin.read).start()
ctypes.CDLL(None).pthread_exit(None)
"""

IDLE = "import sys; print(flush=True); sys.stdin.read()"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {IDLE!r}], env={{}})"

Starts = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def started() -> Iterator[Starts]:
    """Runs a program until the test ends."""
    with ExitStack() as undo:

        def start(code: str, **environment: str) -> subprocess.Popen[str]:
            child = undo.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", code],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    env={**os.environ, **environment},
                )
            )
            undo.callback(child.kill)
            return child

        yield start


def test_a_process_lives_until_its_last_thread_has_ended(started: Starts) -> None:
    child = started(FIRST_THREAD_ENDS)
    process = psutil.Process(child.pid)
    assert eventually(lambda: process.status() == psutil.STATUS_ZOMBIE)
    assert is_alive(process)
    assert child.stdin is not None
    child.stdin.close()
    assert eventually(lambda: not is_alive(process)), "nobody has noted its end, but it has ended"
    wait_for_end([process], timeout=0.0)
    child.wait()
    assert not is_alive(process)


def test_what_is_killed_has_ended_though_nobody_has_noted_it(started: Starts) -> None:
    child = started(IDLE)
    process = psutil.Process(child.pid)
    assert is_alive(process)
    end([process], timeout=10.0)
    assert not is_alive(process)
    assert process.status() == psutil.STATUS_ZOMBIE
    child.wait()
    end([process], timeout=10.0)
    assert name_of(process) == ""


def test_one_that_goes_on_is_not_waited_for_any_longer(started: Starts) -> None:
    process = psutil.Process(started(IDLE).pid)
    wait_for_end([process], timeout=0.05)
    assert is_alive(process)


def test_marked_ones_are_found_with_those_below_them(started: Starts) -> None:
    parent = started(PARENT, QAMOE_TEST="here")
    assert parent.stdout is not None
    parent.stdout.readline()
    started(PARENT, QAMOE_TEST="elsewhere")
    found = marked("QAMOE_TEST", "here")
    assert [each.pid for each in found] == [
        parent.pid,
        *(child.pid for child in psutil.Process(parent.pid).children()),
    ]
    assert len(found) == 2
