"""The command, interrupting itself in the n-th function that it calls; see interrupted_functions.

python -m benchmarks.interrupting N FILE [options of the command]

Functions are counted when they are called first, in the main thread and where an interrupt is not
held back anyway: not amid imports, nor while a session runs or ends. FILE gets a line for each.
"""

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from streamer.__main__ import main as command

IMPORTING = "<frozen importlib._bootstrap>"

ARRIVAL_SECONDS = 0.1
"""Within which a signal has come, in the function that was called."""


def main() -> None:
    number, file, *options = sys.argv[1:]
    sys.argv = ["qamoe-stream", *options]
    seen: set[tuple[str, str]] = set()
    me = os.getpid()

    def watch(frame: FrameType, event: str, _: Any) -> None:
        name = (frame.f_code.co_filename, frame.f_code.co_qualname)
        if event != "call" or name in seen or not _would_interrupt(frame) or os.getpid() != me:
            return
        seen.add(name)
        with Path(file).open("a") as lines:
            lines.write(f"{name[1]} ({name[0]})\n")
        if len(seen) == int(number):
            sys.setprofile(None)
            os.kill(me, signal.SIGINT)
            time.sleep(ARRIVAL_SECONDS)

    sys.setprofile(watch)
    command()


def _would_interrupt(frame: FrameType | None) -> bool:
    handler = signal.getsignal(signal.SIGINT)
    if not getattr(handler, "__qualname__", "").startswith("interrupt_once"):
        return False
    while frame is not None:
        if frame.f_code.co_filename == IMPORTING:
            return False
        frame = frame.f_back
    return True


if __name__ == "__main__":
    main()
