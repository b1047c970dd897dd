"""docs/control.md: its examples run as they stand, and its tables say what the types say."""

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from streamer.control.messages import AnyReply, AnyRequest, Reply, names
from streamer.control.server import LARGEST_REQUEST, RATE, ControlServer
from streamer.feed.publisher import Publisher
from tests.feed_fixtures import health
from tests.field_tables import field_table
from tests.test_desk import Live

DOCS = (Path(__file__).parent.parent / "docs" / "control.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
DEFAULT = "tcp://127.0.0.1:5557"


@pytest.mark.parametrize("reply", get_args(AnyReply), ids=names(AnyReply))
def test_every_reply_is_explained_in_the_words_of_its_type(reply: type[msgspec.Struct]) -> None:
    table = field_table(reply, without=Reply)
    after_its_name = DOCS.partition(f"### `{reply.__struct_config__.tag}`\n")[2]
    assert after_its_name.lstrip().startswith(table), f"docs/control.md must hold\n{table}"


def test_every_request_is_there_and_the_bounds_are_right() -> None:
    rows = re.findall(r'^\| `(\{"request".*?\})`', DOCS, re.MULTILINE)
    requests = [msgspec.json.decode(row, type=AnyRequest) for row in rows]
    assert tuple(str(type(item).__struct_config__.tag) for item in requests) == names(AnyRequest)
    assert f"at most {LARGEST_REQUEST}\nbytes" in DOCS
    assert f"{RATE:g} requests a second" in DOCS


@pytest.mark.parametrize("example", EXAMPLES, ids=["client", "bare"])
def test_the_example_steers_a_session(example: str) -> None:
    session = Live()
    with Publisher("tcp://127.0.0.1:0", "json", blocking=False) as publisher:
        session.address = publisher.address
        with ControlServer("tcp://127.0.0.1:0", session) as server:
            assert publisher.wait_for_subscriber(10)
            publisher.publish(health())
            program = example.replace(DEFAULT, server.address)
            assert program != example
            run = subprocess.run(
                [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
            )
    assert (run.returncode, run.stderr) == (0, "")
    assert session.controls[0] == ({"audio"}, False)
    assert "paused" in run.stdout
