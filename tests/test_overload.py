"""A real session on a machine that becomes too slow, and fast again."""

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.overload import session
from benchmarks.throttle import Throttle, UnavailableError, throttle
from streamer.feed import Subscriber
from streamer.feed.messages import HealthMessage, Message, SentimentMessage
from streamer.retreat import LADDER
from tests.commands import command, free_port
from tests.recording_fixtures import read

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("assets")]

PATIENCE = 180.0


@pytest.fixture
def group() -> Iterator[Throttle]:
    try:
        with throttle() as group:
            yield group
    except UnavailableError as error:
        pytest.skip(str(error))


def listen(feed: Subscriber, until: Callable[[Message], bool]) -> list[Message]:
    """All that is said up to the message for which it holds."""
    heard: list[Message] = []
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        message = feed.receive(1.0)
        if message is not None:
            heard.append(message)
            if until(message):
                return heard
    raise AssertionError(f"it never came; last: {heard[-1:]}")


def steps_down(message: Message) -> int | None:
    """As health says; None for other messages."""
    if not isinstance(message, HealthMessage):
        return None
    return 0 if message.retreat is None else message.retreat.step


def hears_words(message: Message) -> bool:
    return isinstance(message, SentimentMessage) and message.reliability["text"].value > 0.5


def test_it_retreats_says_so_and_comes_back(
    group: Throttle, data_folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "a.qmr"
    settings = {
        "source": {"file": str(data_folder / "clips" / "talking_head_en_8s.mp4"), "loop": True},
        "feed": {"record": str(file)},
        "retreat": {"climb_after": 2.0},
    }
    with session(group, settings) as feed:
        listen(feed, hears_words)
        group.limit(0.3)
        slow = listen(feed, lambda message: steps_down(message) == len(LADDER) - 1)
        paused = listen(
            feed,
            lambda message: (
                isinstance(message, SentimentMessage)
                and "words paused" in str(message.reliability["text"].reason)
            ),
        )
        group.limit(None)
        back = listen(feed, lambda message: steps_down(message) == 0)
        again = listen(feed, hears_words)
    down = [at for at in map(steps_down, [*slow, *paused]) if at is not None]
    up = [at for at in map(steps_down, back) if at is not None]
    assert down == sorted(down), "it goes down while it is slow"
    assert all(later - sooner <= 2 for sooner, later in pairwise(down))
    assert any(at < sooner for sooner, at in pairwise(up))
    reasons = {item.retreat.reason for item in slow if isinstance(item, HealthMessage)
               and item.retreat}  # fmt: skip
    assert "sound was late" in reasons
    assert feed.gaps == 0
    windows = [item for item in [*slow, *paused, *back, *again] if
               isinstance(item, SentimentMessage) and item.revision == 0]  # fmt: skip
    assert all(later.window.end - sooner.window.end < 0.6 for sooner, later in pairwise(windows))
    check_told_again(file)


def check_told_again(file: Path) -> None:
    """What was recorded and is judged again has gone down and up at the same times."""
    kept, _ = read(file)
    recorded = [item.retreat for item in kept if isinstance(item, HealthMessage)]
    judged = command(
        "replay", str(file), "--reanalyze", "--speed", "max", "--ui", "json",
        "--bind", f"tcp://127.0.0.1:{free_port()}",
    )  # fmt: skip
    assert judged.code == 0, judged.said
    assert any(recorded)
    assert [item.retreat for item in judged.health] == recorded
