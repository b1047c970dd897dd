"""Processes of this machine: which there are, whether they run, and their end."""

import contextlib
import os
import time
from collections.abc import Sequence

import psutil

_AGAIN_SECONDS = 0.01


def is_alive(process: psutil.Process) -> bool:
    """Whether any of its threads runs. The system calls a process a zombie as soon as its first one
    has ended, but until the last one has, the process holds what it had: its addresses, too."""
    with contextlib.suppress(psutil.Error):
        if process.is_running():
            return process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1
    return False


def wait_for_end(processes: Sequence[psutil.Process], timeout: float) -> None:
    """Until they have ended, whether or not their parents have noted it, at most ``timeout`` s."""
    until = time.monotonic() + timeout
    while time.monotonic() < until and any(map(is_alive, processes)):
        time.sleep(_AGAIN_SECONDS)


def end(processes: Sequence[psutil.Process], timeout: float) -> None:
    """Kill them, and wait as above."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    wait_for_end(processes, timeout)


def marked(variable: str, value: str) -> list[psutil.Process]:
    """Those, but for this one, in whose environment ``variable`` has this value, and those below
    them, of which some write their title over their environment."""
    me = os.getpid()
    found = [
        process
        for process in psutil.process_iter()
        if process.pid != me and _environment_of(process).get(variable) == value
    ]
    return list(dict.fromkeys(each for process in found for each in _family(process)))


def name_of(process: psutil.Process) -> str:
    """Empty where that cannot be told."""
    with contextlib.suppress(psutil.Error):
        return process.name()
    return ""


def _family(process: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return []


def _environment_of(process: psutil.Process) -> dict[str, str]:
    with contextlib.suppress(psutil.Error, OSError):
        return process.environ()
    return {}
