"""``qamoe-stream replay`` as a user runs it: locked with keys, and in a real Chromium."""

from pathlib import Path

import msgspec
import pytest

from streamer.feed import Subscriber
from streamer.feed.messages import SentimentMessage
from tests.browser import chromium, looking
from tests.commands import COMMAND, free_port
from tests.feed_fixtures import health
from tests.gateways import TOKEN
from tests.plugin_fixtures import outcome, started
from tests.recording_fixtures import record, session
from tests.test_dashboard_session import announced

pytestmark = [pytest.mark.slow, pytest.mark.parallel]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    bye = msgspec.structs.replace(health(bye=True, reason="done"), seq=1, published_at=9.5)
    return record(tmp_path / "a.qmr", [*session(8), bye])


def test_a_recording_is_seen_in_the_browser(file: Path) -> None:
    options = ["--dashboard", "--dashboard-port", "0", "--token", TOKEN]
    bind = ["--bind", f"tcp://127.0.0.1:{free_port()}"]
    with (
        chromium() as browser,
        started([*COMMAND, "replay", str(file), "--ui", "off", *bind, *options]) as replay,
        looking(browser, announced(replay)) as look,
    ):
        look.until("() => /[0-9]/.test(document.querySelector('#number').innerText)")
        look.until_text("#state", "ended")
        assert outcome(replay)[0] == 0


def test_it_is_locked_with_keys(file: Path, keys: Path) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    options = ["--speed", "max", "--ui", "off", "--keys", str(keys)]
    with (
        Subscriber(address, keys=keys, idle=30) as feed,
        Subscriber(address, idle=1) as stranger,
        started([*COMMAND, "replay", str(file), "--bind", address, *options]) as replay,
    ):
        heard = [message for message in feed if isinstance(message, SentimentMessage)]
        assert outcome(replay)[0] == 0
        assert len(heard) == 8
        assert stranger.receive(0) is None
