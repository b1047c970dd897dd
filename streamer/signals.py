"""What SIGINT and SIGTERM do, from the command's first line to its last."""

import _thread
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM)

_NUDGE = signal.SIGURG
"""Sent to the main thread so that it does not sit in a system call. Nobody means anything by it."""

_AGAIN_SECONDS = 0.01

Handler = Callable[[int, FrameType | None], Any] | signal.Handlers


def interrupt_once() -> None:
    """From now on the first of them raises KeyboardInterrupt in the main thread, and further ones
    do nothing: what the first one has begun, to take everything down, has time-outs of its own.

    To be called before any thread is started. One of its own takes them, no other one is ever sent
    any, so it does not matter what a library has the system do about them: Ray lets it abort this
    process in the midst of its start, and kill it in the midst of its shutdown. While the main
    thread imports they wait: modules swallow exceptions, or leave Python with the exit code of one.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        if _is_importing(frame):
            os.kill(os.getpid(), number)
            return
        ignore_from_now_on()
        raise KeyboardInterrupt

    for number in ENDING:
        signal.signal(number, interrupt)
    signal.signal(_NUDGE, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    os.register_at_fork(after_in_child=heed)
    threading.Thread(target=_listen, name="signals", daemon=True).start()


def heed() -> None:
    """In a process that was started from one that listens as above: be sent them again."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


@contextmanager
def set_by_signals() -> Iterator[threading.Event]:
    """An event that they set instead, so that there is time for a bye."""
    event = threading.Event()
    with _handled(lambda *_: event.set()):
        yield event


@contextmanager
def held_back() -> Iterator[list[int]]:
    """They wait meanwhile; the numbers of those that have come. In a thread nothing changes."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    with _handled(lambda number, _: came.append(number)):
        yield came


@contextmanager
def handlers_kept() -> Iterator[None]:
    """Whatever is made of them meanwhile, afterwards they do what they did before."""
    before = {number: signal.getsignal(number) for number in ENDING}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)


def ignore_from_now_on() -> None:
    """They do nothing any more, also while the interpreter ends."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)


def _listen() -> None:
    main = threading.main_thread().ident
    while main is not None:
        _thread.interrupt_main(signal.Signals(signal.sigwait(ENDING)))
        signal.pthread_kill(main, _NUDGE)
        time.sleep(_AGAIN_SECONDS)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


@contextmanager
def _handled(handler: Handler) -> Iterator[None]:
    with handlers_kept():
        for number in ENDING:
            signal.signal(number, handler)
        yield
