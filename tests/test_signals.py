"""What the command makes of signals: the first one ends it, whatever comes after."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from streamer.signals import (
    ENDING,
    held_back,
    interrupt_once,
    set_by_signals,
)
from tests.commands import COMMAND

INTERRUPTED_WHILE_LOADING = """
import os, signal, sys
from importlib.abc import MetaPathFinder

class Interrupting(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "streamer.cli":
            os.kill(os.getpid(), signal.{number})

sys.meta_path.insert(0, Interrupting())
from streamer.__main__ import main
main()
"""


@pytest.fixture(autouse=True)
def _own_handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("second", ENDING)
@pytest.mark.parametrize("first", ENDING)
def test_the_first_one_interrupts_and_what_it_began_is_left_alone(first: int, second: int) -> None:
    interrupt_once()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), first)
    os.kill(os.getpid(), second)


@pytest.mark.parametrize("number", ENDING)
def test_one_that_is_to_be_waited_for_sets_an_event(number: int) -> None:
    interrupt_once()
    with set_by_signals() as event:
        assert not event.is_set()
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        assert event.is_set()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)


def test_what_must_not_be_interrupted_is_told_of_them_afterwards() -> None:
    interrupt_once()
    with held_back() as came:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
    assert came == [signal.SIGTERM, signal.SIGINT]


def test_a_thread_has_nothing_to_hold_back() -> None:
    handlers = []

    def work() -> None:
        with held_back() as came:
            handlers.append(signal.getsignal(signal.SIGINT))
            assert came == []

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGINT)]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_while_the_command_loads_an_interrupt_is_an_end_in_order(name: str) -> None:
    assert ended(INTERRUPTED_WHILE_LOADING.replace("{number}", name)) == (0, "", "")


def test_the_command_has_its_own_first_line() -> None:
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "chaos" in done.stdout


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_what_a_library_gives_back_to_the_system_is_still_held_back(number: str) -> None:
    """As Ray does, in C, so that Python does not know of it."""
    code = f"""
import ctypes, os, signal, time
from streamer.signals import held_back
with held_back() as came:
    ctypes.CDLL(None).signal(signal.{number}, None)
    time.sleep(0.5)
    os.kill(os.getpid(), signal.{number})
    time.sleep(0.2)
print(came == [signal.{number}])
"""
    assert ended(code) == (0, "True\n", "")


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize("number", ENDING)
def test_one_that_comes_while_the_interpreter_ends_changes_nothing(number: int) -> None:
    """Python gives them back to the system before it has let go of all."""
    code = """
import sys, time
from streamer.signals import ignore_from_now_on, interrupt_once

class Slow:
    def __del__(self, sleep=time.sleep):
        sleep(1)

interrupt_once()
sys.let_go_of_last = Slow()
ignore_from_now_on()
print("over", flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "over\n"
    while process.poll() is None:
        process.send_signal(number)
        time.sleep(0.01)
    assert process.returncode == 0


def ended(code: str) -> tuple[int, str, str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_what_was_held_back_is_heeded_again_also_where_a_thread_asked_for_it() -> None:
    interrupt_once()
    with held_back():
        os.kill(os.getpid(), signal.SIGTERM)

    def work() -> None:
        with held_back():
            time.sleep(0.05)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)
