"""What the command makes of signals: the first one ends it, whatever comes after."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streamer.signals import ENDING
from tests.commands import COMMAND

SWALLOWING = """
import os, signal, time
try:
    os.kill(os.getpid(), signal.{number})
    time.sleep(0.1)
except:
    pass
print("loaded", flush=True)
"""

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


BEGIN = """
import ctypes, os, signal, sys, threading, time
from streamer.signals import handlers_kept, held_back, interrupt_once, set_by_signals, undisturbed

def send(*numbers):
    for number in numbers:
        os.kill(os.getpid(), getattr(signal, number))
        time.sleep(0.1)

first, second, *_ = *sys.argv[1:], None, None
interrupt_once()
"""
"""Signals change a whole process, so each of these has its own."""

each = pytest.mark.parametrize("first", ["SIGINT", "SIGTERM"])
each_second = pytest.mark.parametrize("second", ["SIGINT", "SIGTERM"])


@each
@each_second
def test_the_first_one_interrupts_and_what_it_began_is_left_alone(first: str, second: str) -> None:
    code = """
try:
    send(first)
except KeyboardInterrupt:
    send(second)
    print("interrupted once")
"""
    assert ended(BEGIN + code, first, second) == (0, "interrupted once\n", "")


@each
def test_it_interrupts_a_system_call_that_waits(first: str) -> None:
    code = """
threading.Timer(0.2, send, [first]).start()
try:
    os.read(os.pipe()[0], 1)
except KeyboardInterrupt:
    print("interrupted")
"""
    assert ended(BEGIN + code, first) == (0, "interrupted\n", "")


@each
def test_one_that_is_to_be_waited_for_sets_an_event(first: str) -> None:
    code = """
with set_by_signals() as event:
    print(event.is_set())
    send(first, first)
    print(event.is_set())
try:
    send(first)
except KeyboardInterrupt:
    print("heeded again")
"""
    assert ended(BEGIN + code, first) == (0, "False\nTrue\nheeded again\n", "")


def test_what_must_not_be_interrupted_is_told_of_them_afterwards() -> None:
    code = """
with held_back() as came:
    send("SIGTERM", "SIGINT")
print(came == [signal.SIGTERM, signal.SIGINT])
"""
    assert ended(BEGIN + code) == (0, "True\n", "")


@each
@pytest.mark.parametrize(
    "function",
    [
        "helper",
        "__init__",
        "__enter__",
        "held_back",
        "_handled",
        "handlers_kept",
        "_set",
        "__exit__",
    ],
)
def test_what_must_not_be_interrupted_is_entered_in_any_case(first: str, function: str) -> None:
    """And left before the interrupt."""
    code = f"""
import types

def watch(frame, event, _):
    if event == "call" and frame.f_code.co_name == {function!r}:
        sys.setprofile(None)
        in_its_place = send.__code__.replace(co_filename=frame.f_code.co_filename)
        types.FunctionType(in_its_place, globals())(first)

sys.setprofile(watch)
try:
    with held_back() as came:
        print("taken down")
    if came:
        raise KeyboardInterrupt
    time.sleep(5)
except KeyboardInterrupt:
    print("interrupted")
"""
    assert ended(BEGIN + code, first) == (0, "taken down\ninterrupted\n", "")


@each
def test_what_must_be_done_first_is_done_first(first: str) -> None:
    code = """
try:
    with undisturbed():
        send(first, first)
        print("done")
    print("not reached")
except KeyboardInterrupt:
    send(first)
    print("interrupted once")
"""
    assert ended(BEGIN + code, first) == (0, "done\ninterrupted once\n", "")


def test_without_a_handler_the_system_ends_it_when_all_is_done() -> None:
    code = """
from streamer.signals import undisturbed
import os, signal
with undisturbed():
    os.kill(os.getpid(), signal.SIGTERM)
    print("done", flush=True)
print("not reached", flush=True)
"""
    assert ended(code) == (-signal.SIGTERM, "done\n", "")


def test_what_was_held_back_is_heeded_again_also_where_a_thread_asked_for_it() -> None:
    code = """
with held_back():
    send("SIGTERM")

def work():
    with held_back() as came:
        print(came, signal.getsignal(signal.SIGTERM) == handler)

handler = signal.getsignal(signal.SIGTERM)
thread = threading.Thread(target=work)
thread.start()
thread.join()
try:
    send("SIGTERM")
except KeyboardInterrupt:
    print("heeded again")
"""
    assert ended(BEGIN + code) == (0, "[] True\nheeded again\n", "")


@each
def test_handlers_that_are_put_back_afterwards_do_not_interrupt_what_the_first_one_began(
    first: str,
) -> None:
    code = """
try:
    with handlers_kept():
        send(first)
except KeyboardInterrupt:
    send(first)
    print("interrupted once")
"""
    assert ended(BEGIN + code, first) == (0, "interrupted once\n", "")


@each
@pytest.mark.parametrize("when", ["before", "after_in_parent"])
def test_while_a_process_is_started_it_waits(first: str, when: str) -> None:
    """Whatever is called around a fork, Python breaks off without letting the exception out."""
    code = f"""
import subprocess
os.register_at_fork({when}=lambda: (send(first), print("done")))
try:
    child = subprocess.Popen(["sleep", "60"], preexec_fn=lambda: None)
    time.sleep(5)
except KeyboardInterrupt:
    child.kill()
    print("interrupted")
"""
    assert ended(BEGIN + code, first) == (0, "done\ninterrupted\n", "")


@each
def test_a_lock_that_a_wait_has_let_go_of_is_held_again_before(first: str) -> None:
    code = """
def watch(frame, event, _):
    if event == "call" and frame.f_code.co_name == "_acquire_restore":
        sys.setprofile(None)
        send(first)

sys.setprofile(watch)
try:
    threading.Event().wait(0.01)
    time.sleep(5)
except KeyboardInterrupt:
    print("interrupted")
"""
    assert ended(BEGIN + code, first) == (0, "interrupted\n", "")


@each
def test_where_python_goes_on_without_an_exception_it_is_raised_once_more(first: str) -> None:
    code = """
class Resource:
    def __del__(self):
        send(first)

resource = Resource()
try:
    del resource
    time.sleep(5)
except KeyboardInterrupt:
    send(first)
    print("interrupted once")
"""
    assert ended(BEGIN + code, first) == (0, "interrupted once\n", "")


def test_what_else_python_goes_on_without_is_reported_as_ever() -> None:
    code = """
class Resource:
    def __del__(self):
        raise ValueError("broken")

Resource()
"""
    returned, _, said = ended(BEGIN + code)
    assert returned == 0
    assert "ValueError: broken" in said


@each
@pytest.mark.parametrize("action", ["None", "aborting"])
def test_what_a_library_has_the_system_do_about_them_does_not_matter(
    first: str, action: str
) -> None:
    """Ray sets such actions in C, where Python does not see it, and has threads of its own."""
    code = f"""
aborting = ctypes.CDLL(None).abort
threading.Thread(target=time.sleep, args=[60], daemon=True).start()
with held_back() as came:
    ctypes.CDLL(None).signal(getattr(signal, first), {action})
    send(first)
print(came == [getattr(signal, first)])
"""
    assert ended(BEGIN + code, first) == (0, "True\n", "")


@each
def test_processes_that_are_forked_heed_them_as_ever(first: str) -> None:
    code = """
import subprocess
child = subprocess.Popen(["sleep", "60"], preexec_fn=lambda: None)
child.send_signal(getattr(signal, first))
print(child.wait(10) == -getattr(signal, first))
"""
    assert ended(BEGIN + code, first) == (0, "True\n", "")


@each
def test_one_that_comes_before_a_forked_process_has_begun_ends_it(first: str) -> None:
    code = """
import subprocess
child = subprocess.Popen(["sleep", "60"], preexec_fn=lambda: send(first))
print(child.wait(10) == -getattr(signal, first))
"""
    assert ended(BEGIN + code, first) == (0, "True\n", "")


@each
def test_while_the_command_loads_an_interrupt_is_an_end_in_order(first: str) -> None:
    assert ended(INTERRUPTED_WHILE_LOADING.replace("{number}", first)) == (0, "", "")


@each
def test_one_amid_the_commands_first_lines_or_last_is_an_end_in_order(first: str) -> None:
    """Where nothing of the command's own catches it yet, or any more."""
    code = """
import streamer.cli
from streamer.__main__ import main
streamer.cli.main = lambda: send(first)
main()
"""
    assert ended(BEGIN + code, first) == (0, "", "")


@each
def test_a_module_that_is_being_imported_cannot_swallow_it(first: str, tmp_path: Path) -> None:
    (tmp_path / "swallowing.py").write_text(SWALLOWING.replace("{number}", first))
    code = f"""
sys.path.insert(0, {str(tmp_path)!r})
try:
    import swallowing
    time.sleep(5)
except KeyboardInterrupt:
    print("interrupted")
"""
    assert ended(BEGIN + code) == (0, "loaded\ninterrupted\n", "")


def test_the_command_has_its_own_first_line() -> None:
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "chaos" in done.stdout


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


def ended(code: str, *numbers: str) -> tuple[int, str, str]:
    command = [sys.executable, "-c", code, *numbers]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr
