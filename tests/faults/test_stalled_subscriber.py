"""A subscriber whose process is stopped: its own loss, and nobody else's."""

import select
import signal
import subprocess
import sys
import time

import msgspec
import psutil
import pytest

from streamer.feed import Subscriber
from streamer.feed.codec import encode
from streamer.feed.publisher import Publisher
from tests.feed_fixtures import health, sentiment

pytestmark = pytest.mark.slow

PATIENCE = 30.0
MANY = 10_000
"""Messages, ten times as many as wait for one subscriber."""

MOST = 20 * MANY
"""So many would not fit into the buffers of the system either."""

LISTENING = """
import sys
from streamer.feed import Subscriber

with Subscriber(sys.argv[1], kinds=["sentiment"], idle=60) as feed:
    heard = [feed.receive(30).seq]
    print("listening", flush=True)
    heard += [message.seq for message in feed]
    print(len(heard), heard[-1] - heard[0], feed.gaps, flush=True)
"""


def tell(publisher: Publisher, prompt: Subscriber) -> None:
    """Publish a message, which the one who listens gets."""
    sent = publisher.publish(sentiment(0))
    heard = prompt.receive(PATIENCE)
    assert heard is not None
    assert heard.seq == sent.seq


def until_it_has_heard(publisher: Publisher, stalled: subprocess.Popen[str]) -> list[int]:
    """What the process says that it has heard, when it has come to the end."""
    bye = msgspec.structs.replace(health(), state="bye")
    deadline = time.monotonic() + PATIENCE
    while stalled.poll() is None and time.monotonic() < deadline:
        publisher.publish(sentiment(0))
        publisher.publish(bye)
        time.sleep(0.05)
    assert stalled.stdout is not None
    return [int(number) for number in stalled.stdout.readline().split()]


def test_others_hear_everything_and_what_waits_for_it_is_bounded() -> None:
    me, size = psutil.Process(), len(encode(sentiment(0), "json"))
    with (
        Publisher("tcp://127.0.0.1:0", "json", blocking=False) as publisher,
        Subscriber(publisher.address, kinds=["sentiment"]) as prompt,
        subprocess.Popen(
            [sys.executable, "-c", LISTENING, publisher.address], stdout=subprocess.PIPE, text=True
        ) as stalled,
    ):
        try:
            assert stalled.stdout is not None
            while not select.select([stalled.stdout], [], [], 0.05)[0]:
                tell(publisher, prompt)
            assert stalled.stdout.readline() == "listening\n"
            stalled.send_signal(signal.SIGSTOP)
            for _ in range(MOST):
                tell(publisher, prompt)
                if publisher.dropped:
                    break
            assert publisher.dropped
            held = me.memory_info().rss
            for _ in range(MANY):
                tell(publisher, prompt)
            assert me.memory_info().rss - held < MANY * size / 2
            assert prompt.gaps == 0
            stalled.send_signal(signal.SIGCONT)
            count, apart, lost = until_it_has_heard(publisher, stalled)
        finally:
            stalled.kill()
    assert count + lost == apart + 1
    assert lost > MANY / 2
