"""No library tells its makers what it is used for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LOADED = (
    "import actors.analyzer, actors.camera, actors.microphone, actors.transcriber, streamer.run"
)


@pytest.mark.slow
@pytest.mark.parallel
def test_what_the_stages_load_keeps_nothing_about_the_machine(tmp_path: Path) -> None:
    """ONNX Runtime would begin with a number of this machine, and a file of what to send."""
    own = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    env = {name: value for name, value in os.environ.items() if "TELEMETRY" not in name}
    subprocess.run([sys.executable, "-c", LOADED], env=env | own, check=True, timeout=120)
    assert list(tmp_path.rglob("*")) == []
