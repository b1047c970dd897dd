"""The sending end on real sockets."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.errors import SettingError, SourceError
from streamer.feed import Subscriber
from streamer.feed.address import remove_socket
from streamer.feed.codec import Encoding
from streamer.feed.messages import Message
from streamer.feed.publisher import SEND_MARK, Publisher
from tests.commands import free_port
from tests.feed_fixtures import health, sentiment, transcript

ANY_PORT = "tcp://127.0.0.1:0"


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher(ANY_PORT, "json", blocking=False) as publisher:
        yield publisher


@pytest.mark.parametrize(
    "bind", ["tcp://127.0.0.1:*", "tcp://127.0.0.1:0", "tcp://localhost:0", "tcp://[::1]:0"]
)
def test_wildcard_ports_resolve_to_one_that_works(bind: str) -> None:
    try:
        publisher = Publisher(bind, "json", blocking=False)
    except SourceError:
        pytest.skip(f"{bind}: this machine has no such address")
    with publisher, Subscriber(publisher.address) as subscriber:
        assert publisher.wait_for_subscriber(5)
        publisher.publish(health())
        assert subscriber.receive(5) is not None


@pytest.mark.slow
@pytest.mark.parallel
def test_who_waits_before_the_feed_is_there_hears_its_first_message() -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    with Subscriber(address) as waiting:
        assert waiting.receive(0.2) is None
        with Publisher(address, "json", blocking=True) as publisher, Subscriber(address) as own:
            assert publisher.wait_for_subscriber(5, settled=0.5)
            for number in range(3):
                publisher.publish(sentiment(number))
            for subscriber in (own, waiting):
                heard = [subscriber.receive(5) for _ in range(3)]
                assert [item and item.seq for item in heard] == [0, 1, 2]


def test_ipc_is_served_and_not_taken_over(tmp_path: Path) -> None:
    address = f"ipc://{tmp_path}/feed"
    with Publisher(address, "json", blocking=False) as publisher, Subscriber(address) as subscriber:
        assert publisher.wait_for_subscriber(5)
        with pytest.raises(SourceError, match="in use"):
            Publisher(address, "json", blocking=False)
        publisher.publish(health())
        assert subscriber.receive(5) is not None
    Publisher(address, "json", blocking=False).close()  # free again


@pytest.mark.parametrize(
    "bind",
    [
        "tcp://0.0.0.0:5556",
        "tcp://*:5556",
        "tcp://[::]:5556",
        "tcp://192.168.1.7:5556",
        "tcp://lo:5556",
        "tcp://example.org:5556",
    ],
)
def test_other_addresses_than_loopback_are_refused(bind: str) -> None:
    with pytest.raises(SettingError, match=r"only loopback .* keys new") as refusal:
        Publisher(bind, "json", blocking=False)
    assert bind in str(refusal.value)


def test_the_file_of_an_ipc_socket_goes_with_it_and_nobody_elses(tmp_path: Path) -> None:
    file = tmp_path / "feed"
    with Publisher(f"ipc://{file}", "json", blocking=False) as publisher:
        assert file.is_socket()
        remove_socket(publisher.address)
        with pytest.raises(SourceError, match="in use"):
            Publisher(f"ipc://{file}", "json", blocking=False)
        assert file.is_socket()
    assert not file.exists()
    file.write_text("mine")
    remove_socket(f"ipc://{file}")
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    "bind", ["", "5556", "tcp://127.0.0.1", "tcp://127.0.0.1:70000", "udp://127.0.0.1:1", "ipc://"]
)
def test_malformed_addresses_are_refused(bind: str) -> None:
    with pytest.raises(SettingError, match=r"ipc://"):
        Publisher(bind, "json", blocking=False)


def test_an_address_in_use_is_named(publisher: Publisher) -> None:
    with pytest.raises(SourceError, match="in use") as refusal:
        Publisher(publisher.address, "json", blocking=False)
    assert publisher.address in str(refusal.value)


@pytest.mark.slow
@settings(deadline=None, max_examples=15)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "ab", "b"]), st.sampled_from(["s", "t", "h"])),
        min_size=1,
        max_size=60,
    ),
    st.sampled_from(["json", "msgpack"]),
)
def test_seq_counts_every_topic_from_zero_without_gaps(
    plan: list[tuple[str, str]], encoding: Encoding
) -> None:
    with (
        Publisher(ANY_PORT, encoding, blocking=False, wall_clock=lambda: 7.0) as publisher,
        Subscriber(publisher.address) as subscriber,
    ):
        _connect(publisher, subscriber)
        sent = [publisher.publish(_message(kind, participant)) for participant, kind in plan]
        heard = [subscriber.receive(5) for _ in sent]
        assert heard == sent
        seqs: defaultdict[tuple[type, str], list[int]] = defaultdict(list)
        for message in sent:
            seqs[type(message), message.participant].append(message.seq)
            assert message.published_at == 7.0
        assert all(seq == list(range(len(seq))) for seq in seqs.values())
        assert (subscriber.gaps, subscriber.malformed) == (0, 0)


def test_two_threads_share_a_publisher(publisher: Publisher) -> None:
    with Subscriber(publisher.address) as subscriber:
        _connect(publisher, subscriber)
        threads = [
            threading.Thread(target=lambda: [publisher.publish(sentiment()) for _ in range(200)])
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        heard = [subscriber.receive(5) for _ in range(400)]
        assert [message.seq for message in heard if message] == list(range(400))


def test_a_late_joiner_gets_the_last_message_of_every_topic(publisher: Publisher) -> None:
    for number in range(3):
        publisher.publish(sentiment(number, participant="ann"))
        publisher.publish(sentiment(number, participant="bob"))
    publisher.publish(health())
    with Subscriber(publisher.address) as subscriber:
        assert publisher.wait_for_subscriber(5)
        heard = [subscriber.receive(5) for _ in range(3)]
        assert Counter(type(message).__name__ for message in heard) == {
            "SentimentMessage": 2,
            "HealthMessage": 1,
        }
        assert {message.seq for message in heard if message} == {2, 0}
        assert subscriber.gaps == 0


def test_others_hear_a_repeat_with_the_same_bytes(publisher: Publisher) -> None:
    with zmq.Context() as context, context.socket(zmq.SUB) as early:
        early.connect(publisher.address)
        early.subscribe(b"sentiment/")
        assert publisher.wait_for_subscriber(5)
        publisher.publish(sentiment())
        first = early.recv_multipart()
        with Subscriber(publisher.address, kinds=["sentiment"]) as late:
            deadline = time.monotonic() + 5
            while not early.poll(20) and time.monotonic() < deadline:
                publisher.poll()
            assert early.recv_multipart() == first
            assert late.receive(5) is not None


def test_many_joiners_at_once_cost_one_repeat(publisher: Publisher) -> None:
    with zmq.Context() as context, context.socket(zmq.SUB) as early:
        early.connect(publisher.address)
        early.subscribe(b"sentiment/")
        assert publisher.wait_for_subscriber(5)
        publisher.publish(sentiment())
        joiners = [context.socket(zmq.SUB) for _ in range(30)]
        for joiner in joiners:
            joiner.connect(publisher.address)
            joiner.subscribe(b"sentiment/")
        time.sleep(0.3)  # all subscriptions lie in the publisher's socket
        publisher.poll()
        assert all(joiner.poll(5000) for joiner in joiners)
        heard = 0
        while early.poll(200):
            early.recv_multipart()
            heard += 1
        assert 1 < heard < 10
        for joiner in joiners:
            joiner.close()


@pytest.mark.slow
@pytest.mark.parallel
def test_a_slow_subscriber_does_not_hold_up_the_publisher_and_sees_its_gap() -> None:
    with (
        Publisher(ANY_PORT, "json", blocking=False) as publisher,
        Subscriber(publisher.address, queue=10) as slow,
        Subscriber(publisher.address, queue=100_000) as prompt,
    ):
        _connect(publisher, slow, prompt)
        published = 0
        while publisher.dropped == 0 and published < 100 * SEND_MARK:
            last = publisher.publish(_large())
            published += 1
            assert _drain(prompt, until=last.seq)
        assert 0 < publisher.dropped < published
        assert _drain(prompt, publisher.publish(_large()).seq)
        assert prompt.gaps == 0
        heard = 0
        while slow.receive(0.5) is not None:
            heard += 1
        _connect(publisher, slow)
        last = publisher.publish(_large())
        assert _drain(slow, until=last.seq)
        assert slow.gaps == last.seq - heard > 0


@pytest.mark.slow
@pytest.mark.parallel
def test_blocking_loses_nothing_with_a_slow_reader() -> None:
    total = 3 * SEND_MARK
    heard: list[int] = []

    def read_slowly(address: str) -> None:
        with Subscriber(address, kinds=["transcript"], queue=10) as subscriber:
            while len(heard) < total and (message := subscriber.receive(10)) is not None:
                heard.append(message.seq)
                if message.seq % 100 == 0:
                    time.sleep(0.005)

    with Publisher(ANY_PORT, "msgpack", blocking=True) as publisher:
        reader = threading.Thread(target=read_slowly, args=(publisher.address,))
        reader.start()
        assert publisher.wait_for_subscriber(10)
        for _ in range(total):
            publisher.publish(_large())
        reader.join(60)
        assert heard == list(range(total))
        assert publisher.dropped == 0


def test_what_is_published_just_before_the_end_still_arrives() -> None:
    publisher = Publisher(ANY_PORT, "json", blocking=False)
    with Subscriber(publisher.address) as subscriber:
        _connect(publisher, subscriber)
        for number in range(100):
            publisher.publish(sentiment(number))
        for participant in ("beat", "ann"):
            publisher.publish(health(participant=participant, bye=True))
        publisher.close(linger_ms=5000)
        assert len(list(subscriber)) == 102
        assert subscriber.ended


def test_closing_twice_and_without_subscribers_is_fine() -> None:
    publisher = Publisher(ANY_PORT, "json", blocking=True)
    publisher.publish(health(bye=True))
    assert not publisher.wait_for_subscriber(0.01)
    publisher.close()
    publisher.close()


def test_garbage_on_the_subscription_side_is_harmless(publisher: Publisher) -> None:
    with zmq.Context() as context, context.socket(zmq.XSUB) as stranger:
        stranger.connect(publisher.address)
        for garbage in (b"", b"\x02what", b"\xff" * 100, b"\x01" + b"x" * 10_000):
            stranger.send(garbage)
        with Subscriber(publisher.address) as subscriber:
            _connect(publisher, subscriber)
            publisher.publish(health())
            assert subscriber.receive(5) is not None
        stranger.close(linger=0)


def _message(kind: str, participant: str) -> Message:
    if kind == "s":
        return sentiment(participant=participant)
    if kind == "t":
        return transcript("so it is", participant=participant)
    return health(participant=participant)


def _large() -> Message:
    return msgspec.structs.replace(transcript("word"), words=transcript("word " * 400).words)


def _connect(publisher: Publisher, *subscribers: Subscriber) -> None:
    """Until every subscription has arrived: kinds come one by one, transcripts the last."""
    for _ in range(100):
        beat = publisher.publish(transcript("hello", participant="beat"))
        if all(_drain(subscriber, until=beat.seq, patience=0.1) for subscriber in subscribers):
            return
    raise AssertionError("a subscriber does not connect")


def _drain(subscriber: Subscriber, until: int, patience: float = 5.0) -> bool:
    """Read up to the message with the seq ``until``; whether it came."""
    while (message := subscriber.receive(patience)) is not None:
        if message.seq == until:
            return True
    return False
