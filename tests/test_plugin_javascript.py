"""The JavaScript subscriber in Node, over real sockets from the real publisher."""

import json
import random
import re
from collections.abc import Iterator

import pytest

from streamer.feed import Subscriber
from streamer.feed.codec import Encoding, encode, topic_of
from streamer.feed.messages import Reliability
from streamer.feed.publisher import Publisher
from tests.feed_fixtures import health, sentiment, transcript
from tests.plugin_fixtures import (
    JAVASCRIPT,
    interrupt,
    node,
    outcome,
    run,
    sending,
    stamped,
    started,
)
from tests.test_subscriber import Sender

pytestmark = [pytest.mark.slow, pytest.mark.parallel]

ANY_PORT = "tcp://127.0.0.1:0"
CLI = str(JAVASCRIPT / "cli.js")


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher(ANY_PORT, "json", blocking=True) as publisher:
        yield publisher


@pytest.fixture
def sender() -> Iterator[Sender]:
    with sending() as sender:
        yield sender


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_a_session_is_printed_to_its_bye(encoding: Encoding) -> None:
    with (
        Publisher(ANY_PORT, encoding, blocking=True) as publisher,
        started(node(CLI, publisher.address)) as listener,
    ):
        assert publisher.wait_for_subscriber(20)
        publisher.publish(sentiment(value=-0.25, audio=Reliability(0.1, 0.7, 0.1, "noise")))
        publisher.publish(sentiment(value=0.5, revision=1))
        publisher.publish(sentiment(1, value=None, reason="all is\n\x1b[31mquiet"))
        publisher.publish(transcript("größer, ça va"))
        publisher.publish(health(bye=True, reason="the source has ended"))
        code, lines, err = outcome(listener)
    assert (code, err) == (0, "")
    assert lines == [
        "ann  4.0 s  -0.25 ± 0.20  text 0.90  audio 0.10 (noise)  vision 0.70",
        "ann  4.0 s  +0.50 ± 0.20  text 0.90  audio 0.80  vision 0.70  (revises -0.25 ± 0.20)",
        "ann  4.5 s  no estimate: all is [31mquiet  text 0.90  audio 0.80  vision 0.70",
        "ann  größer, ça va",
        "ann  bye (the source has ended)  text live  audio live  vision live",
    ]


def test_it_has_the_last_message_and_leaves_out_the_repeats_of_other_joiners(
    publisher: Publisher,
) -> None:
    publisher.publish(sentiment(0))
    publisher.publish(sentiment(1))
    with started(node(CLI, publisher.address, "--kind", "sentiment", "--json")) as listener:
        assert publisher.wait_for_subscriber(20)
        assert listener.stdout
        assert json.loads(listener.stdout.readline())["message"]["seq"] == 1
        with Subscriber(publisher.address) as joiner:
            heard = None
            for _ in range(100):
                publisher.poll()
                heard = heard or joiner.receive(0.05)
            assert heard is not None
        publisher.publish(sentiment(2))
        publisher.publish(health(bye=True))
        code, lines, _ = outcome(listener)
    assert code == 0
    assert [json.loads(line)["message"]["seq"] for line in lines] == [2]


def test_losses_repeats_and_restarts_are_told_apart(sender: Sender) -> None:
    with started(node(CLI, sender.address, "--json")) as listener:
        sender.accept(3)
        for seq, published_at in [(7, 1.0), (7, 1.0), (8, 2.0), (11, 3.0), (0, 4.0), (0, 5.0)]:
            sender.message(stamped(sentiment(), seq, published_at))
        sender.message(health(bye=True))
        _, lines, _ = outcome(listener)
    events = [json.loads(line) for line in lines]
    assert [(event["message"]["seq"], event["lost"], event["restarted"]) for event in events] == [
        (7, 0, False),
        (8, 0, False),
        (11, 2, False),
        (0, 0, True),
        (0, 0, True),
        (0, 0, False),
    ]


def test_who_falls_silent_is_told_once_and_again_after_being_heard(sender: Sender) -> None:
    arguments = (sender.address, "--stale", "0.3", "--timeout", "60", "--participant", "ann")
    with started(node(CLI, *arguments)) as listener:
        assert listener.stdout
        sender.accept(3)
        for seq in range(2):
            sender.message(stamped(health(), seq, float(seq)))
            sender.message(stamped(health(participant="bob"), seq, float(seq)))
            assert "running" in listener.stdout.readline()
            assert re.match(r"ann  silent for \d+\.\d s, not current", listener.stdout.readline())
        sender.message(stamped(health(bye=True), 2, 2.0))
        code, lines, _ = outcome(listener)
    assert code == 0
    assert len(lines) == 1


def test_damaged_messages_are_counted_and_skipped(sender: Sender) -> None:
    chance = random.Random(5)
    with started(node(CLI, sender.address, "--json")) as listener:
        sender.accept(3)
        for _ in range(500):
            message = chance.choice([sentiment(), transcript("good day"), health()])
            payload = bytearray(encode(message, chance.choice(["json", "msgpack"])))
            for _ in range(chance.randint(1, 4)):
                payload[chance.randrange(len(payload))] = chance.randrange(256)
            sender.send(topic_of(message), bytes(payload))
        sender.send(b"sentiment/s1/ann/")
        sender.send(b"moods/s1/ann/", b"{}")  # not subscribed to
        sender.send(b"sentiment/s1/ann/", b'{"schema":"qamoe.sentiment/2"}')
        sender.send(b"health/s1/ann/", b"null")
        sender.send(b"health/s1/ann/", b"[" * 500_000)
        words = encode(transcript("hello"), "json").partition(b'"words":')[0]
        sender.send(b"transcript/s1/ann/", words + b'"words":[null],"latency_ms":null}')
        sender.message(stamped(health(bye=True), 1000, 1e9))
        code, lines, err = outcome(listener)
    assert code == 0
    assert json.loads(lines[-1])["message"]["state"] == "bye"
    (count,) = re.findall(r"\A(\d+) malformed messages skipped\n\Z", err)
    assert 250 < int(count) <= 505


@pytest.mark.parametrize("end", ["closed pipe", "ctrl-c"])
def test_it_ends_quietly(publisher: Publisher, end: str) -> None:
    with started(node(CLI, publisher.address)) as listener:
        assert listener.stdout
        assert listener.stderr
        assert publisher.wait_for_subscriber(20)
        publisher.publish(sentiment())
        assert listener.stdout.readline()
        if end == "ctrl-c":
            assert interrupt(listener) == (0, [], "")
            return
        listener.stdout.close()
        for number in range(20):
            publisher.publish(sentiment(number))
        assert listener.wait(20) == 0
        assert listener.stderr.read() == ""


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["nowhere"], 2, "nowhere"),
        (["--kind", "moods"], 2, "moods: allowed are sentiment, transcript, health"),
        (["--participant", "a/b"], 2, "'a/b': allowed are 1 to 64"),
        (["--timeout", "0"], 2, "--timeout = 0: must be over 0"),
        (["--colour"], 2, "--colour"),
        (["tcp://127.0.0.1:1", "--timeout", "0.3"], 3, "nothing heard on tcp://127.0.0.1:1"),
    ],
)
def test_what_is_wrong_is_one_line(arguments: list[str], code: int, complaint: str) -> None:
    ended, lines, err = run(node(CLI, *arguments))
    assert (ended, lines) == (code, [])
    assert complaint in err
    assert err.count("\n") == 1


def test_the_readme_shows_how_to_use_it_as_a_library(publisher: Publisher) -> None:
    (example,) = re.findall(r"```js\n(.*?)```", (JAVASCRIPT / "README.md").read_text(), re.DOTALL)
    program = example.replace("./feed.js", str(JAVASCRIPT / "feed.js"))
    program = program.replace("tcp://127.0.0.1:5556", publisher.address)
    with started(node("--input-type=module", "-e", program)) as listener:
        assert publisher.wait_for_subscriber(20)
        publisher.publish(sentiment(value=0.25, participant="me"))
        publisher.publish(sentiment(1, value=None, reason="too dark", participant="me"))
        publisher.publish(sentiment(1, value=0.75, revision=1, participant="me"))
        publisher.publish(health(participant="me", bye=True))
        code, lines, err = outcome(listener)
    assert (code, err) == (0, "")
    assert [line for line in lines if "0.25" in line]
    assert [line for line in lines if "too dark" in line]
    assert lines[-1] == "me has left"


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((JAVASCRIPT / "package-lock.json").read_text())
    assert len(lock["packages"]) > 1
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
