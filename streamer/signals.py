"""What SIGINT and SIGTERM do, from the command's first line to its last."""

import ctypes
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM)

_AGAIN_SECONDS = 0.001

Handler = Callable[[int, FrameType | None], Any] | signal.Handlers


def interrupt_once() -> None:
    """From now on the first of them raises KeyboardInterrupt, and further ones do nothing: what the
    first one has begun, to take everything down, has time-outs of its own."""

    def interrupt(*_: object) -> None:
        for each in ENDING:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in ENDING:
        signal.signal(number, interrupt)


@contextmanager
def set_by_signals() -> Iterator[threading.Event]:
    """An event that they set instead, so that there is time for a bye."""
    event = threading.Event()
    with _handled(lambda *_: event.set()):
        yield event


@contextmanager
def held_back() -> Iterator[list[int]]:
    """They wait meanwhile; the numbers of those that have come. In a thread, which is never sent
    any, nothing changes."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    with _handled(lambda number, _: came.append(number)):
        yield came


@contextmanager
def ignored_throughout() -> Iterator[None]:
    """They do nothing meanwhile, also where a library gives them back to the system, as Ray does in
    the midst of its shutdown: then one more would kill this process. In a thread nothing changes,
    as it could not put back what there was."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    libc = ctypes.CDLL(None)
    libc.signal.argtypes = (ctypes.c_int, ctypes.c_void_p)
    over = threading.Event()

    def ignore() -> None:
        while not over.wait(_AGAIN_SECONDS):
            for number in ENDING:
                libc.signal(number, int(signal.SIG_IGN))

    thread = threading.Thread(target=ignore, name="ignores signals", daemon=True)
    with _handled(signal.SIG_IGN):
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@contextmanager
def _handled(handler: Handler) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in ENDING}
    try:
        yield
    finally:
        for number, other in before.items():
            signal.signal(number, other)
