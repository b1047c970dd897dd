"""The receiving end, against real publishers and against sockets that send anything."""

import subprocess
import sys
from collections.abc import Iterator

import msgspec
import pytest
import zmq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamer.errors import SettingError
from streamer.feed import Subscriber
from streamer.feed.codec import encode, topic_of
from streamer.feed.messages import HealthMessage, Message, SentimentMessage
from streamer.feed.publisher import Publisher
from streamer.feed.subscriber import LARGEST_MESSAGE
from tests.feed_fixtures import health, sentiment, transcript

ANY_PORT = "tcp://127.0.0.1:0"


class Sender:
    """Sends exactly the frames it is told to."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        self._socket = context.socket(zmq.XPUB)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.SNDHWM, 0)
        self.address = f"tcp://127.0.0.1:{self._socket.bind_to_random_port('tcp://127.0.0.1')}"

    def accept(self, subscriptions: int) -> None:
        for _ in range(subscriptions):
            assert self._socket.poll(5000)
            self._socket.recv()

    def send(self, *frames: bytes) -> None:
        self._socket.send_multipart(frames)

    def message(self, message: Message) -> None:
        self.send(topic_of(message), encode(message, "json"))

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def context() -> Iterator[zmq.Context[zmq.Socket[bytes]]]:
    with zmq.Context() as context:
        yield context


@pytest.fixture
def sender(context: zmq.Context[zmq.Socket[bytes]]) -> Iterator[Sender]:
    sender = Sender(context)
    yield sender
    sender.close()


def test_importing_it_loads_nothing_heavy() -> None:
    heavy = ["torch", "ray", "cv2", "pydantic", "rich", "numpy", "mediapipe", "faster_whisper"]
    heavy += ["asyncio", "aiohttp", "typer"]
    program = (
        "import sys; from streamer.feed import Subscriber; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert ran.stdout.strip() == "[]", ran.stderr


names = st.text(alphabet="ab-.", min_size=1, max_size=4)


@pytest.mark.slow
@pytest.mark.parallel
@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(names, names), min_size=1, max_size=6, unique=True), st.data())
def test_participants_with_names_alike_are_never_mixed(
    sources: list[tuple[str, str]], data: st.DataObject
) -> None:
    session, participant = data.draw(st.sampled_from(sources))
    narrow = data.draw(st.booleans())
    with (
        Publisher(ANY_PORT, "json", blocking=False) as publisher,
        Subscriber(
            publisher.address, session=session if narrow else None, participant=participant
        ) as subscriber,
    ):
        assert publisher.wait_for_subscriber(5)
        expected = []
        for source in sources:
            sent = publisher.publish(sentiment(session=source[0], participant=source[1]))
            if source == (session, participant) or (not narrow and source[1] == participant):
                expected.append(sent)
        end = publisher.publish(health(session=session, participant=participant, bye=True))
        heard = [subscriber.receive(5) for _ in range(len(expected) + 1)]
        assert heard == [*expected, end]
        assert subscriber.receive(0.01) is None


def test_losses_repeats_and_restarts_are_told_apart(sender: Sender) -> None:
    with Subscriber(sender.address) as subscriber:
        sender.accept(3)
        for seq, published_at in [(7, 1.0), (7, 1.0), (8, 2.0), (11, 3.0), (0, 4.0), (0, 5.0)]:
            sender.message(_stamped(sentiment(), seq, published_at))
        heard = [subscriber.receive(5) for _ in range(5)]
        assert [message.seq for message in heard if message] == [7, 8, 11, 0, 0]
        assert (subscriber.gaps, subscriber.restarts) == (2, 2)


def test_more_topics_than_are_kept_are_skipped_and_counted() -> None:
    with (
        Publisher(ANY_PORT, "json", blocking=False) as publisher,
        Subscriber(publisher.address, topics=2) as subscriber,
    ):
        assert publisher.wait_for_subscriber(5)
        for name in ("ann", "bob", "cleo", "bob"):
            publisher.publish(sentiment(participant=name))
        heard = [subscriber.receive(5) for _ in range(3)]
        assert [item and item.participant for item in heard] == ["ann", "bob", "bob"]
        assert subscriber.malformed == 1


@settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"sentiment/", b"transcript/", b"health/", b"sentiment/s1/ann/"]),
            st.lists(
                st.binary(max_size=50) | st.just(b'{"schema":"qamoe.sentiment/1"}'), max_size=3
            ),
        ),
        max_size=10,
    )
)
def test_malformed_bytes_are_counted_and_never_raised(
    sender: Sender, garbage: list[tuple[bytes, list[bytes]]]
) -> None:
    with Subscriber(sender.address) as subscriber:
        sender.accept(3)
        for start, rest in garbage:
            sender.send(start, *rest)
        sender.message(sentiment())
        assert subscriber.receive(5) == sentiment()
        assert subscriber.malformed == len(garbage)
    sender.accept(3)  # the three it takes back


def test_whoever_sends_more_than_the_bound_is_cut_off(sender: Sender) -> None:
    with Subscriber(sender.address) as subscriber:
        sender.accept(3)
        sender.message(health())
        sender.send(b"health/", b"x" * (LARGEST_MESSAGE + 1))
        sender.accept(3)  # the three it takes back as it leaves
        sender.message(_stamped(sentiment(), 1, 1.0))
        assert subscriber.receive(5) == health()
        assert subscriber.receive(0.2) is None
        assert subscriber.malformed == 0


def test_nothing_heard_is_none_and_iteration_gives_up(sender: Sender) -> None:
    with Subscriber(sender.address, idle=0.05) as subscriber:
        assert subscriber.receive(0.01) is None
        assert list(subscriber) == []
        assert not subscriber.ended


def test_iteration_ends_when_everyone_has_said_bye(sender: Sender) -> None:
    with Subscriber(sender.address, kinds=["sentiment"]) as subscriber:
        sender.accept(2)
        sender.message(sentiment(participant="ann"))
        sender.message(sentiment(participant="bob"))
        sender.message(health(participant="ann", bye=True))
        sender.message(_stamped(sentiment(1, participant="bob"), 1, 1.0))
        sender.message(health(participant="bob", bye=True))
        heard = list(subscriber)
        assert [(type(message), message.participant) for message in heard] == [
            (SentimentMessage, "ann"),
            (SentimentMessage, "bob"),
            (SentimentMessage, "bob"),
        ]
        assert subscriber.ended


def test_it_finds_a_publisher_that_starts_again(sender: Sender) -> None:
    with Subscriber(sender.address, kinds=["health"]) as subscriber:
        sender.accept(1)
        sender.message(_stamped(health(), 5, 1.0))
        assert subscriber.receive(5) is not None
        sender.close()
        assert subscriber.receive(0.1) is None
        with Publisher(sender.address, "msgpack", blocking=False) as again:
            for _ in range(100):
                again.publish(health())
                if heard := subscriber.receive(0.1):
                    break
            assert isinstance(heard, HealthMessage)
            assert subscriber.restarts == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"address": "nowhere"}, "nowhere"),
        ({"kinds": ["moods"]}, "moods.*sentiment, transcript, health"),
        ({"kinds": []}, "none"),
        ({"session": "a/b"}, "a/b"),
        ({"participant": ""}, "participant"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, object], complaint: str) -> None:
    with pytest.raises(SettingError, match=complaint):
        Subscriber(**({"address": "tcp://127.0.0.1:5556"} | arguments))  # type: ignore[arg-type]


def test_transcripts_arrive_typed_in_both_encodings() -> None:
    for encoding in ("json", "msgpack"):
        with (
            Publisher(ANY_PORT, encoding, blocking=False) as publisher,
            Subscriber(publisher.address, kinds=["transcript"]) as subscriber,
        ):
            assert publisher.wait_for_subscriber(5)
            sent = publisher.publish(transcript("größer, ça va"))
            assert subscriber.receive(5) == sent


def _stamped(message: Message, seq: int, published_at: float) -> Message:
    return msgspec.structs.replace(message, seq=seq, published_at=published_at)
