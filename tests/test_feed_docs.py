"""docs/feed.md: its examples run as they stand, and its tables say what the types say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from streamer.contract.schema import schema_id
from streamer.feed.messages import KINDS, Header
from streamer.feed.publisher import Publisher
from tests.feed_fixtures import health, sentiment
from tests.field_tables import field_table

DOCS = (Path(__file__).parent.parent / "docs" / "feed.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
DEFAULT = "tcp://127.0.0.1:5556"


def test_there_is_an_example_for_each_client_and_one_for_bare_zeromq() -> None:
    assert len(EXAMPLES) == 4
    assert all(DEFAULT in example for example in EXAMPLES)
    imported = ["import Subscriber", "import AsyncSubscriber", "import StaleError", "import zmq"]
    assert all(name in example for name, example in zip(imported, EXAMPLES, strict=True))


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize("example", EXAMPLES, ids=["client", "async", "latest", "bare"])
def test_the_example_hears_a_session_to_its_end(example: str) -> None:
    with (
        Publisher("tcp://127.0.0.1:0", "json", blocking=True) as publisher,
        subprocess.Popen(
            [sys.executable, "-u", "-c", example.replace(DEFAULT, publisher.address)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as listener,
    ):
        assert publisher.wait_for_subscriber(30)
        publisher.publish(sentiment(0, value=None, reason="too dark", participant="me"))
        publisher.publish(sentiment(1, value=0.25, participant="me"))
        assert listener.stdout is not None
        out = ""
        while "0.25" not in out:
            line = listener.stdout.readline()
            assert line, listener.stderr and listener.stderr.read()
            out += line
        publisher.publish(health(participant="me", bye=True))
        rest, err = listener.communicate(timeout=30)
    assert (listener.returncode, err) == (0, "")
    assert "+0.00" not in out + rest


def test_what_all_messages_have_is_explained_in_the_words_of_the_types() -> None:
    assert field_table(Header) in DOCS, f"docs/feed.md must hold\n{field_table(Header)}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_explained_in_the_words_of_its_type(kind: str) -> None:
    table = field_table(KINDS[kind], without=Header)
    after_its_name = DOCS.partition(f": `{schema_id(KINDS[kind])}`\n")[2]
    assert after_its_name.lstrip().startswith(table), f"docs/feed.md must hold\n{table}"
