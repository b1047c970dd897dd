"""Ray itself: found dead, and gone with all its processes. Each in a process of its own."""

import subprocess
import sys

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.parallel]

PROGRAM = """
import sys
from streamer import cluster  # before Ray, which reads its environment as it is imported
from streamer.processes import is_alive
from streamer.settings import load_settings
import psutil, ray

with cluster.running(load_settings().ray) as running:
    actor = cluster.actor(wants_gpu=False)
    worker = psutil.Process(ray.get(actor.warm_up.remote(["json"]), timeout=60))
    assert worker.nice() == psutil.Process().nice()
    assert worker.environ()["MALLOC_ARENA_MAX"] == "2"  # read by the C library as it starts
    assert not running.has_died
    below = psutil.Process().children(recursive=True)
    for process in below:
        if process.name() == sys.argv[1]:
            process.kill()
            process.wait(10)
            assert running.has_died
print([process.name() for process in below if is_alive(process)])
"""


@pytest.mark.parametrize("victim", ["nobody", "raylet", "gcs_server"])
def test_whatever_of_it_dies_nothing_is_left(victim: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, victim], capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


TOO_SLOW = """
import sys
from streamer import cluster
from streamer.errors import PipelineError
from streamer.settings import load_settings
import ray

def init(**_):
    raise Exception("The current node timed out during startup.")

ray.init = init
try:
    with cluster.running(load_settings().ray):
        pass
except PipelineError as error:
    print(error)
"""


def test_on_a_machine_that_is_too_slow_for_it_there_is_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TOO_SLOW], capture_output=True, text=True, timeout=200
    )
    assert done.stdout.splitlines() == [
        "Ray did not start: The current node timed out during startup."
    ]


TERMINATED = """
import os, signal, sys
from streamer import cluster
from streamer.settings import load_settings
import ray

def init(**_):  # as Ray does
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(number))
    os.kill(os.getpid(), signal.SIGTERM)

ray.init = init
try:
    with cluster.running(load_settings().ray):
        pass
except KeyboardInterrupt:
    print("interrupted")
"""


def test_terminated_while_it_starts_it_is_an_end_in_order() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TERMINATED], capture_output=True, text=True, timeout=200
    )
    assert (done.returncode, done.stdout) == (0, "interrupted\n"), done.stderr
