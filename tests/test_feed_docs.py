"""docs/feed.md: its examples run as they stand, and no field is left unexplained."""

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from streamer.feed.messages import KINDS, Reliability, Sentiment, StreamHealth, TranscribedWord
from streamer.feed.publisher import Publisher
from tests.feed_fixtures import health, sentiment

DOCS = (Path(__file__).parent.parent / "docs" / "feed.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
DEFAULT = "tcp://127.0.0.1:5556"


def test_there_is_an_example_for_the_client_and_one_for_bare_zeromq() -> None:
    assert len(EXAMPLES) == 2
    assert all(DEFAULT in example for example in EXAMPLES)
    assert ["Subscriber" in example for example in EXAMPLES] == [True, False]


@pytest.mark.parametrize("example", EXAMPLES, ids=["client", "bare"])
def test_the_example_hears_a_session_to_its_end(example: str) -> None:
    with (
        Publisher("tcp://127.0.0.1:0", "json", blocking=True) as publisher,
        subprocess.Popen(
            [sys.executable, "-c", example.replace(DEFAULT, publisher.address)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as listener,
    ):
        assert publisher.wait_for_subscriber(30)
        publisher.publish(sentiment(0, value=0.25, participant="me"))
        publisher.publish(sentiment(1, value=None, reason="too dark", participant="me"))
        publisher.publish(health(participant="me", bye=True))
        out, err = listener.communicate(timeout=30)
    assert (listener.returncode, err) == (0, "")
    assert "0.25" in out
    assert "+0.00" not in out


@pytest.mark.parametrize(
    "type_", [*KINDS.values(), Sentiment, Reliability, StreamHealth, TranscribedWord]
)
def test_every_field_is_explained(type_: type[msgspec.Struct]) -> None:
    for field in msgspec.structs.fields(type_):
        assert re.search(rf"`([a-z*\[\].]+\.)?{field.name}`", DOCS), field.name


@pytest.mark.parametrize("kind", KINDS)
def test_every_schema_is_named(kind: str) -> None:
    (schema,) = [f for f in msgspec.structs.fields(KINDS[kind]) if f.name == "schema"]
    assert f"`{schema.default}`" in DOCS
