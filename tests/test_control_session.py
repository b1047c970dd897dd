"""A running session, locked with keys, steered and ended over its control socket."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from streamer.assets import Assets
from streamer.control import Controller
from streamer.feed import Subscriber
from streamer.feed.keys import add_client
from streamer.feed.messages import HealthMessage, Message, SentimentMessage
from tests.commands import free_port, running

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("assets")]


def wait_for(
    feed: Subscriber, condition: Callable[[Message], bool], patience: float = 30.0
) -> Message:
    """The first message for which it holds."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        message = feed.receive(1.0)
        if message is not None and condition(message):
            return message
    raise AssertionError("it never came")


def health_says(state: str, vision: str) -> Callable[[Message], bool]:
    return lambda message: (
        isinstance(message, HealthMessage)
        and (message.state, message.streams["vision"].state) == (state, vision)
    )


def sees(message: Message) -> bool:
    return isinstance(message, SentimentMessage) and message.reliability["vision"].value > 0.5


def sees_nothing(message: Message) -> bool:
    return isinstance(message, SentimentMessage) and message.reliability["vision"].value == 0


def test_a_session_is_steered_and_ended(keys: Path, assets: Assets) -> None:
    film = assets.file("demo-media", "WolfgangLanger_Pexels.mp4")
    ann = add_client(keys, "ann")
    control = f"tcp://127.0.0.1:{free_port()}"
    sources = ("--source", str(film), "--loop", "--mic", "off")
    options = (*sources, "--keys", str(keys), "--control", control)
    with (
        running(*options, "--session", "one") as (process, address),
        Subscriber(address, keys=ann, idle=60) as feed,
        Subscriber(address) as stranger,
        Controller(control, keys=ann, timeout=15) as controller,
    ):
        wait_for(feed, health_says("running", "live"), patience=90)
        wait_for(feed, sees)
        described = controller.describe()
        assert (described.session, described.feed, described.participants) == (
            "one", address, ["me"],
        )  # fmt: skip
        assert described.streams == ["vision"]
        assert {message.schema for message in controller.snapshot()} == {
            "qamoe.sentiment/1",
            "qamoe.health/1",
        }
        assert controller.mute("vision").muted == ["vision"]
        wait_for(feed, health_says("running", "muted"))
        wait_for(feed, sees_nothing)
        controller.unmute("vision")
        wait_for(feed, sees)
        controller.pause()
        paused = wait_for(feed, health_says("paused", "live"))
        silent_until = time.monotonic() + 1.5
        while time.monotonic() < silent_until:
            assert not isinstance(feed.receive(0.1), SentimentMessage)
        controller.resume()
        wait_for(feed, sees)
        controller.stop()
        bye = wait_for(feed, lambda message: getattr(message, "state", "") == "bye")
        assert isinstance(bye, HealthMessage)
        assert isinstance(paused, HealthMessage)
        assert bye.reason == "stopped over the control socket"
        assert bye.publisher_refused > 0
        assert stranger.receive(0) is None
        _, said = process.communicate(timeout=30)
        assert process.returncode == 0, said
        assert re.search(r"connection refused \(socket: feed, why: .*\b(no|without a) key", said)
        assert (feed.gaps, feed.restarts, feed.malformed) == (0, 0, 0)
