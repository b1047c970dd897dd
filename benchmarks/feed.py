"""The feed beside bare ZeroMQ, with a crowd, with late joiners, and with one who has stalled.

    python -m benchmarks.feed [--messages 20000] [--rounds 5] [--subscribers 500] [--seconds 20]

Whoever listens does so in processes of its own. Throughput is that of Publisher to Subscriber,
typed at both ends, beside pyzmq's sockets with the same frames, turn and turn about. Times
vary with the machine, so nothing here is asserted.
"""

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, get_args

import msgspec
import numpy as np
import zmq
from rich.console import Console
from rich.table import Table

from streamer.feed import Subscriber
from streamer.feed.codec import Encoding, encode, topic_of
from streamer.feed.messages import (
    HealthMessage,
    Reliability,
    Sentiment,
    SentimentMessage,
    Span,
    StreamHealth,
)
from streamer.feed.publisher import SEND_MARK, Publisher

ANY_PORT = "tcp://127.0.0.1:0"
PATIENCE = 60.0
A_PROCESS = 50
"""Subscribers of the crowd in one process."""

JOINERS = 30
POLL_SECONDS = 0.02
"""As the feed's actor looks for newcomers."""

EXPERTS = 8


def sentiment(participant: str = "me") -> SentimentMessage:
    """A message as long as a real one."""
    return SentimentMessage(
        session="benchmark",
        participant=participant,
        seq=0,
        window=Span(12.5, 16.5),
        revision=1,
        captured_at=1795838400.123,
        published_at=0.0,
        sentiment=Sentiment(0.3141592653589793, 0.2718281828459045, "positive"),
        reason=None,
        reliability={
            name: Reliability(0.9123456789, 0.8123456789, 0.9987654321, "noise")
            for name in ("text", "audio", "vision")
        },
        routing={name: [0.3123456789] * 3 + [0.0] * (EXPERTS - 3)
                 for name in ("text", "audio", "vision")},
        words_age_ms=812.5,
        latency_ms=84.123456789,
    )  # fmt: skip


def health() -> HealthMessage:
    return HealthMessage(
        session="benchmark",
        participant="me",
        seq=0,
        captured_at=1795838400.123,
        published_at=0.0,
        state="running",
        reason=None,
        uptime_s=17.0,
        windows=33,
        late_windows=0,
        publisher_dropped=0,
        streams={name: StreamHealth("live", 15.0, 0) for name in ("text", "audio", "vision")},
    )


# --- who listens, in a process of its own ---


def receive_bare(address: str, count: int, coded: bool = False) -> None:
    """Counts the seconds from the first message to the last."""
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.setsockopt(zmq.RCVHWM, SEND_MARK)
        socket.connect(address)
        socket.subscribe(b"sentiment/")
        _, payload = socket.recv_multipart()
        decode = msgspec.json.decode if payload.startswith(b"{") else msgspec.msgpack.decode
        began = time.perf_counter()
        for _ in range(count - 1):
            _, payload = socket.recv_multipart()
            if coded:
                decode(payload)
        print(json.dumps({"seconds": time.perf_counter() - began}))


def receive_coded(address: str, count: int) -> None:
    receive_bare(address, count, coded=True)


def receive_typed(address: str, count: int) -> None:
    with Subscriber(address, kinds=["sentiment"], queue=SEND_MARK) as feed:
        feed.receive(PATIENCE)
        began = time.perf_counter()
        for _ in range(count - 1):
            feed.receive(PATIENCE)
        print(json.dumps({"seconds": time.perf_counter() - began, "gaps": feed.gaps}))


def receive_crowd(address: str, count: int) -> None:
    """A_PROCESS subscribers, until each has had ``count`` messages or nothing comes for a while."""
    with contextlib.ExitStack() as open_ones:
        feeds = [
            open_ones.enter_context(Subscriber(address, kinds=["sentiment"]))
            for _ in range(A_PROCESS)
        ]
        print("ready", flush=True)
        heard = [0] * A_PROCESS
        quiet_since = time.monotonic()
        while min(heard) < count and time.monotonic() - quiet_since < PATIENCE / 4:
            before = sum(heard)
            for place, feed in enumerate(feeds):
                while feed.receive(0) is not None:
                    heard[place] += 1
            if sum(heard) > before:
                quiet_since = time.monotonic()
            time.sleep(0.02)
        print(json.dumps({"heard": heard, "gaps": sum(feed.gaps for feed in feeds)}))


RECEIVERS: dict[str, Callable[[str, int], None]] = {
    "bare": receive_bare,
    "coded": receive_coded,
    "typed": receive_typed,
    "crowd": receive_crowd,
}


@contextlib.contextmanager
def listening(kind: str, address: str, count: int) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "benchmarks.feed", "--receive", kind, address, str(count)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def outcome(process: "subprocess.Popen[str]") -> dict[str, Any]:
    said, _ = process.communicate(timeout=PATIENCE)
    result: dict[str, Any] = json.loads(said.splitlines()[-1])
    return result


# --- throughput ---


def bare_rate(message: SentimentMessage, encoding: Encoding, coded: bool, count: int) -> float:
    """Messages a second from an XPUB that waits for its subscriber, as Publisher does: the same
    frames again and again, or each ``coded`` and decoded with msgspec, to and from no type."""
    frames = [topic_of(message), encode(message, encoding)]
    with zmq.Context() as context, context.socket(zmq.XPUB) as socket:
        socket.setsockopt(zmq.SNDHWM, SEND_MARK)
        socket.setsockopt(zmq.XPUB_NODROP, 1)
        socket.bind("tcp://127.0.0.1:*")
        address = socket.getsockopt_string(zmq.LAST_ENDPOINT)
        with listening("coded" if coded else "bare", address, count) as receiver:
            socket.recv()
            for _ in range(count):
                if coded:
                    frames = [topic_of(message), encode(message, encoding)]
                socket.send_multipart(frames)
            return (count - 1) / float(outcome(receiver)["seconds"])


def typed_rate(message: SentimentMessage, encoding: Encoding, count: int) -> float:
    with (
        Publisher(ANY_PORT, encoding, blocking=True) as publisher,
        listening("typed", publisher.address, count) as receiver,
    ):
        if not publisher.wait_for_subscriber(PATIENCE):
            raise SystemExit("the receiver did not come")
        for _ in range(count):
            publisher.publish(message)
        result = outcome(receiver)
        if result["gaps"]:
            raise SystemExit(f"{result['gaps']} messages were lost")
        return (count - 1) / float(result["seconds"])


def throughput(count: int, rounds: int) -> Table:
    table = Table("encoding", "bytes", "pyzmq", "with msgspec", "Publisher to Subscriber",
                  "share of pyzmq", "of both",
                  title=f"messages a second, median of {rounds} turns of {count}")  # fmt: skip
    message = sentiment()
    for encoding in get_args(Encoding):
        turns = [
            (
                bare_rate(message, encoding, False, count),
                bare_rate(message, encoding, True, count),
                typed_rate(message, encoding, count),
            )
            for _ in range(rounds)
        ]
        rates = [f"{statistics.median(rate):.0f}" for rate in zip(*turns, strict=True)]
        shares = [
            f"{statistics.median(turn[2] / turn[other] for turn in turns):.2f}" for other in (0, 1)
        ]
        size = len(topic_of(message)) + len(encode(message, encoding))
        table.add_row(encoding, f"{size}", *rates, *shares)
    return table


# --- a crowd, late joiners, one who has stalled ---


def crowd(subscribers: int, seconds: float) -> str:
    count = round(4 * seconds)
    processes = -(-subscribers // A_PROCESS)
    with contextlib.ExitStack() as stack:
        publisher = stack.enter_context(Publisher(ANY_PORT, "json", blocking=False))
        crowd = [
            stack.enter_context(listening("crowd", publisher.address, count))
            for _ in range(processes)
        ]
        for process in crowd:
            assert process.stdout is not None
            process.stdout.readline()
        # Once the last ones' subscriptions are in: a message that they all have begins it.
        until = time.monotonic() + 2
        while time.monotonic() < until:
            publisher.poll()
            time.sleep(POLL_SECONDS)
        began = time.monotonic()
        for number in range(count):
            publisher.publish(sentiment())
            while time.monotonic() < began + (number + 1) / 4:
                publisher.poll()
                time.sleep(POLL_SECONDS)
        results = [outcome(process) for process in crowd]
    complete = sum(heard == count for result in results for heard in result["heard"])
    gaps = sum(result["gaps"] for result in results)
    return (
        f"{complete} of {processes * A_PROCESS} have all {count} messages, {gaps} lost, "
        f"{publisher.dropped} dropped by the publisher"
    )


@contextlib.contextmanager
def polled(publisher: Publisher) -> Iterator[None]:
    """As the feed's actor does it."""
    stopping = threading.Event()

    def poll() -> None:
        while not stopping.wait(POLL_SECONDS):
            publisher.poll()

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def late_joiners() -> str:
    """From the making of a subscriber to the last message of both topics."""
    waited = []
    with Publisher(ANY_PORT, "json", blocking=False) as publisher, polled(publisher):
        publisher.publish(sentiment())
        publisher.publish(health())
        for _ in range(JOINERS):
            began = time.perf_counter()
            with Subscriber(publisher.address) as feed:
                for _ in range(2):
                    if feed.receive(PATIENCE) is None:
                        raise SystemExit("a late joiner got nothing")
                waited.append(1000 * (time.perf_counter() - began))
    return percentiles(waited)


def stalled(count: int) -> str:
    """How long ``publish`` takes with one subscriber that reads, and one more that does not."""
    with Publisher(ANY_PORT, "json", blocking=False) as publisher:
        alone = publish_times(publisher, count)
        with zmq.Context() as context, context.socket(zmq.SUB) as dead:
            dead.setsockopt(zmq.RCVHWM, 1)
            dead.setsockopt(zmq.RCVBUF, 4096)
            dead.connect(publisher.address)
            dead.subscribe(b"")
            publisher.wait_for_subscriber(PATIENCE)
            until = time.monotonic() + PATIENCE
            while not publisher.dropped and time.monotonic() < until:
                publisher.publish(sentiment())
            beside = publish_times(publisher, count)
    return f"alone {percentiles(alone)}; beside a stalled one {percentiles(beside)}"


def publish_times(publisher: Publisher, count: int) -> list[float]:
    """Of ``count`` publications, in ms, while somebody reads along."""
    times = []
    with Subscriber(publisher.address, kinds=["sentiment"]) as feed:
        publisher.wait_for_subscriber(PATIENCE)
        for _ in range(count):
            began = time.perf_counter()
            publisher.publish(sentiment())
            times.append(1000 * (time.perf_counter() - began))
            if feed.receive(PATIENCE) is None:
                raise SystemExit("the subscriber that reads got nothing")
        if feed.gaps:
            raise SystemExit(f"the subscriber that reads has lost {feed.gaps}")
    return times


def percentiles(values: list[float]) -> str:
    p50, p95, most = np.percentile(values, [50, 95, 100])
    return f"p50 {p50:.2f}, p95 {p95:.2f}, max {most:.2f} ms ({len(values)})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--subscribers", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--receive", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.receive:
        kind, address, count = chosen.receive
        RECEIVERS[kind](address, int(count))
        return
    terminal = Console(soft_wrap=True)
    terminal.print(throughput(chosen.messages, chosen.rounds))
    terminal.print("late joiner's time to state:", late_joiners())
    terminal.print("publish:", stalled(2000))
    terminal.print("crowd:", crowd(chosen.subscribers, chosen.seconds))


if __name__ == "__main__":
    main()
