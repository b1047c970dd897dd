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
_SIGACTION_BYTES = 256
"""More than C's ``struct sigaction`` has, which is only copied here."""

Handler = Callable[[int, FrameType | None], Any] | signal.Handlers


def interrupt_once() -> None:
    """From now on the first of them raises KeyboardInterrupt, and further ones do nothing: what the
    first one has begun, to take everything down, has time-outs of its own."""

    def interrupt(*_: object) -> None:
        ignore_from_now_on()
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
    """They wait meanwhile; the numbers of those that have come. So it is also where a library gives
    them another meaning in C, as Ray does in the midst of its start and of its shutdown: then one
    would abort or kill this process. In a thread, which is never sent any, nothing changes."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    with _handled(lambda number, _: came.append(number)), _kept():
        yield came


def ignore_from_now_on() -> None:
    """They do nothing any more, also while the interpreter ends: then Python gives back to the
    system what anything else is done about, and one more would kill this process."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def _kept() -> Iterator[None]:
    """What the system does about them now is put back all the time, by a thread."""
    libc = ctypes.CDLL(None)
    actions = {number: ctypes.create_string_buffer(_SIGACTION_BYTES) for number in ENDING}
    for number, action in actions.items():
        libc.sigaction(number, None, action)
    over = threading.Event()

    def put_back() -> None:
        while not over.wait(_AGAIN_SECONDS):
            for number, action in actions.items():
                libc.sigaction(number, action, None)

    thread = threading.Thread(target=put_back, name="keeps signals", daemon=True)
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
