"""What SIGINT and SIGTERM do, from the command's first line to its last."""

import _thread
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM)

_NUDGE = signal.SIGURG
"""Sent to the main thread so that it does not sit in a system call. Nobody means anything by it."""

_AGAIN_SECONDS = 0.001
"""Until one that had to wait is tried again. Between two imports there may be no more."""

_WHOLE_FILES = (
    "<frozen importlib._bootstrap>",  # modules swallow exceptions, or leave Python with one's code
    __file__,
)
_WHOLE_FUNCTIONS = (
    "_acquire_restore",  # of threading.Condition: gets hold of a lock that is let go of next
    "_execute_child",  # of subprocess.Popen: what libraries do around a fork ends with no exception
)
"""What is left only when it, and what it calls, is done."""

Handler = Callable[[int, FrameType | None], Any] | signal.Handlers


def interrupt_once() -> None:
    """From now on the first of them raises KeyboardInterrupt in the main thread, and further ones
    do nothing: what the first one has begun, to take everything down, has time-outs of its own.

    To be called before any thread is started. One of its own takes them, no other one is ever sent
    any, so it does not matter what a library has the system do about them: Ray lets it abort this
    process in the midst of its start, and kill it in the midst of its shutdown. They wait until
    what the main thread is amid can be left, and where Python can only report an exception and go
    on, as in a ``__del__``, it is raised once more.
    """

    came = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal came
        if came:
            return
        if not _can_be_left(frame):
            os.kill(os.getpid(), number)
            return
        came = True
        raise KeyboardInterrupt

    def raise_again(unraisable: "sys.UnraisableHookArgs") -> None:
        nonlocal came
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            report(unraisable)
            return
        came = False
        os.kill(os.getpid(), signal.SIGINT)

    report, sys.unraisablehook = sys.unraisablehook, raise_again
    _set(interrupt)
    signal.signal(_NUDGE, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    os.register_at_fork(after_in_child=_forget)
    threading.Thread(target=_listen, name="signals", daemon=True).start()


def heed() -> None:
    """In a process that was started from one that listens as above: be sent them again."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


def _forget() -> None:
    """A forked process, which has no thread that listens, they end."""
    _set(signal.SIG_DFL)
    heed()


@contextlib.contextmanager
def set_by_signals() -> Iterator[threading.Event]:
    """An event that they set instead, so that there is time for a bye."""
    event = threading.Event()
    with _handled(lambda *_: event.set()):
        yield event


@contextlib.contextmanager
def held_back() -> Iterator[list[int]]:
    """They wait meanwhile; the numbers of those that have come. In a thread nothing changes."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    with _handled(lambda number, _: came.append(number)):
        yield came


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """They wait meanwhile, and afterwards do what they did before."""
    with held_back() as came:
        yield
    for number in came:
        handler = signal.getsignal(number)
        if callable(handler):
            handler(number, None)
        else:
            os.kill(os.getpid(), number)


@contextlib.contextmanager
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
    _set(signal.SIG_IGN)


def _listen() -> None:
    main = threading.main_thread().ident
    while main is not None:
        _thread.interrupt_main(signal.Signals(signal.sigwait(ENDING)))
        signal.pthread_kill(main, _NUDGE)
        time.sleep(_AGAIN_SECONDS)


def _can_be_left(frame: FrameType | None) -> bool:
    """What the main thread is amid: ``frame``, and what that was called from. A context manager
    that it was about to enter, to put something in order undisturbed, is to be entered."""
    if frame is not None and frame.f_code.co_filename == contextlib.__file__:
        return False
    while frame is not None:
        code = frame.f_code
        if code.co_filename in _WHOLE_FILES or code.co_name in _WHOLE_FUNCTIONS:
            return False
        frame = frame.f_back
    return True


def _set(handler: Handler) -> None:
    for number in ENDING:
        signal.signal(number, handler)


@contextlib.contextmanager
def _handled(handler: Handler) -> Iterator[None]:
    with handlers_kept():
        _set(handler)
        yield
