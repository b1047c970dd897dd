"""docs/recording.md: its program runs as it stands, and it leaves no kind and no column out."""

import re
import subprocess
import sys
from pathlib import Path

from streamer.recording.export import COLUMNS
from streamer.recording.framing import LARGEST_PAYLOAD, MARK, SIGNATURE, VERSION
from streamer.recording.records import NUMBERS
from tests.recording_fixtures import record, session

DOCS = (Path(__file__).parent.parent / "docs" / "recording.md").read_text()


def test_the_program_runs_and_loads_nothing_heavy(tmp_path: Path) -> None:
    record(tmp_path / "call.qmr", session(2))
    (program,) = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
    watched = "import sys\nassert not {'torch', 'ray', 'cv2', 'pydantic'} & set(sys.modules)\n"
    done = subprocess.run(
        [sys.executable, "-c", program + watched],
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "ann 1000.0"
    assert "4.5 Sentiment(value=0.4" in done.stdout


def test_every_kind_and_column_is_there() -> None:
    told = re.sub(r"\| 8, 9, 10 \| (.*) \|", r"| 8 | \1 |\n| 9 | \1 |\n| 10 | \1 |", DOCS)
    for kind, number in NUMBERS.items():
        name = {8: "sentiment", 9: "transcript", 10: "health"}.get(number, kind.__name__)
        assert re.search(rf"^\| {number} \| .*`{name}`", told, re.MULTILINE), name
    for column in COLUMNS:
        assert f"`{column}`" in DOCS, column


def test_the_frame_is_the_one_described() -> None:
    assert f"`{SIGNATURE.hex(' ').upper()}`" in DOCS
    assert f"`{MARK.hex(' ').upper()}`" in DOCS
    assert f"at most {LARGEST_PAYLOAD}" in DOCS
    assert f"version: {VERSION} " in DOCS
