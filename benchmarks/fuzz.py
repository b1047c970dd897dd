"""Mutated frames to the control socket and to Subscriber, over real sockets: it must go on working.

    python -m benchmarks.fuzz [--frames 100000] [--seed 0]

After every fifty mutated messages a sound one has to be answered, or received, in time; what nobody
has caught ends the run. At the end it says how much memory the process has come to hold since the
first tenth.
"""

import argparse
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import psutil
import zmq

from benchmarks.feed import health, sentiment
from streamer.control.messages import StreamName
from streamer.control.server import ControlServer
from streamer.feed import Subscriber
from streamer.feed.codec import encode, topic_of
from streamer.feed.publisher import Publisher

BATCH = 50
"""Fewer than the replies that the control socket lets wait for one client: the rest it drops."""
PATIENCE_MS = 20_000
RATE = 1e9
DESCRIBE = b'{"request":"describe"}'
REQUESTS = (
    DESCRIBE,
    b'{"request":"snapshot","schema":"qamoe.control/1"}',
    b'{"request":"mute","stream":"audio"}',
    b'{"request":"unmute","stream":"vision","more":[1,2.5,null,{"a":"\\u00e9"}]}',
    b'{"request":"pause"}',
    b'{"request":"resume"}',
    b'{"request":"stop"}',
)


@dataclass
class Outcome:
    """What has come of so many mutated messages; memory in bytes, since the first tenth."""

    sent: int
    answers: Counter[str]
    growth: int
    seconds: float


class Session:
    """Does as it is told, and nothing else."""

    name = "benchmark"

    def __init__(self, address: str) -> None:
        self.address = address
        self.stop_requested = threading.Event()

    def set_controls(self, muted: Collection[StreamName], paused: bool) -> None:
        """Nothing has to be done."""


def mutated(sound: bytes, others: Sequence[bytes], random: random.Random) -> bytes:
    """One to four changes: bytes flipped, cut, doubled, put in, or exchanged with another's."""
    frame = bytearray(sound)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(frame) + 1)
        length = random.randint(1, 16)
        change = random.randrange(6)
        if change == 0 and frame:
            frame[min(at, len(frame) - 1)] ^= 1 << random.randrange(8)
        elif change == 1:
            del frame[at : at + length]
        elif change == 2:
            frame[at:at] = frame[at : at + length] * random.randint(1, 50)
        elif change == 3:
            frame[at:at] = random.randbytes(length)
        elif change == 4:
            other = random.choice(others)
            frame[at:] = other[random.randrange(len(other)) :]
        else:
            del frame[at:]
    return bytes(frame[:4000])


def measured(count: int, batches: Iterator[Counter[str]]) -> Outcome:
    """Run all ``batches`` and watch the memory."""
    began = time.monotonic()
    answers: Counter[str] = Counter()
    process = psutil.Process()
    before = 0
    for number, batch in enumerate(batches):
        answers += batch
        if number <= count // BATCH // 10:
            before = process.memory_info().rss
    return Outcome(count, answers, process.memory_info().rss - before, time.monotonic() - began)


def fuzz_control(count: int, random: random.Random) -> Outcome:
    """Every request by REQ's rules, and some frames more or fewer."""
    with (
        Publisher("tcp://127.0.0.1:0", "json", blocking=False) as publisher,
        ControlServer("tcp://127.0.0.1:0", Session(publisher.address), rate=RATE) as server,
        zmq.Context() as context,
        context.socket(zmq.DEALER) as client,
    ):
        client.setsockopt(zmq.LINGER, 0)
        client.connect(server.address)
        outcome = measured(count, _control_batches(client, count, random))
        outcome.answers["passed over"] = server.malformed
        return outcome


def _control_batches(
    client: "zmq.Socket[bytes]", count: int, random: random.Random
) -> Iterator[Counter[str]]:
    for number in range(count // BATCH):
        for _ in range(BATCH):
            frames = [b"", mutated(random.choice(REQUESTS), REQUESTS, random)]
            if random.random() < 0.05:
                frames = [random.choice(frames) for _ in range(random.randint(1, 12))]
            client.send_multipart(frames)
        mark = b"%d" % number
        client.send_multipart([mark, b"", DESCRIBE])
        yield _replies(client, mark)


def _replies(client: "zmq.Socket[bytes]", mark: bytes) -> Counter[str]:
    """All up to the answer to the sound request with this mark."""
    found: Counter[str] = Counter()
    while client.poll(PATIENCE_MS):
        *envelope, reply = client.recv_multipart()
        if envelope == [mark, b""]:
            if b'"reply":"description"' not in reply:
                raise SystemExit(f"a sound request was answered {reply!r}")
            return found
        found[reply.split(b'"', 4)[3].decode()] += 1
    raise SystemExit(f"control: no answer within {PATIENCE_MS} ms")


def fuzz_subscriber(count: int, random: random.Random) -> Outcome:
    """Messages in both encodings, under topics of their own or of others."""
    messages = [encode(of, how) for of in (sentiment(), health()) for how in ("json", "msgpack")]
    topics = [topic_of(of) for of in (sentiment(), health())]
    with zmq.Context() as context, context.socket(zmq.XPUB) as sender:
        sender.setsockopt(zmq.LINGER, 0)
        sender.setsockopt(zmq.SNDHWM, 0)
        port = sender.bind_to_random_port("tcp://127.0.0.1")
        with Subscriber(f"tcp://127.0.0.1:{port}") as feed:
            for _ in range(3):
                if not sender.poll(PATIENCE_MS):
                    raise SystemExit("the subscriber did not come")
                sender.recv()

            def batch(number: int) -> Counter[str]:
                for _ in range(BATCH):
                    topic = random.choice(topics)
                    if random.random() < 0.1:
                        topic = topic[: len("health/")] + mutated(topic, topics, random)
                    frames = [topic, mutated(random.choice(messages), messages, random)]
                    sender.send_multipart(frames[: 1 + (random.random() < 0.98)])
                sound = sentiment(participant=f"sound{number}")
                sender.send_multipart([topic_of(sound), encode(sound, "json")])
                return _heard(feed, sound.participant)

            outcome = measured(count, map(batch, range(count // BATCH)))
            outcome.answers["malformed"] = feed.malformed
            return outcome


def _heard(feed: Subscriber, participant: str) -> Counter[str]:
    """All up to the sound message."""
    found: Counter[str] = Counter()
    until = time.monotonic() + PATIENCE_MS / 1000
    while time.monotonic() < until:
        message = feed.receive(1.0)
        if message is not None:
            if message.participant == participant:
                return found
            found["read"] += 1
    raise SystemExit(f"Subscriber: nothing heard within {PATIENCE_MS} ms")


TARGETS: dict[str, Callable[[int, random.Random], Outcome]] = {
    "control socket": fuzz_control,
    "Subscriber": fuzz_subscriber,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    for name, fuzz in TARGETS.items():
        outcome = fuzz(chosen.frames, random.Random(chosen.seed))
        answers = ", ".join(f"{count} {what}" for what, count in sorted(outcome.answers.items()))
        print(
            f"{name}: {outcome.sent} mutated messages in {outcome.seconds:.0f} s: {answers}; "
            f"memory {outcome.growth / 2**20:+.1f} MiB since the first tenth"
        )


if __name__ == "__main__":
    main()
