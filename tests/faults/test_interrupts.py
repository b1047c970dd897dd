"""The real command, interrupted twice while it starts, runs and ends: nothing is left of it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("assets"), pytest.mark.timeout(400)]

TWICE = 34
"""A seed whose first three moments lie in start, run and stop, with a second signal each."""


def test_at_any_moment_it_ends_in_order_and_leaves_nothing(tmp_path: Path) -> None:
    out = tmp_path / "runs.jsonl"
    options = ["--count", "3", "--seed", str(TWICE), "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.interrupts", *options],
        capture_output=True,
        text=True,
        timeout=380,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    runs = [json.loads(line) for line in out.read_text().splitlines()[1:]]
    assert [run["phase"] for run in runs] == ["start", "run", "stop"]
    assert [run["wrong"] for run in runs] == [[], [], []]
