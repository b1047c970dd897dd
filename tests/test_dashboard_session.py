"""The dashboard beside a real session over real media, in a real Chromium."""

import re
import subprocess

import pytest

from tests.browser import chromium, looking
from tests.commands import running
from tests.gateways import TOKEN
from tests.media_files import demo_media

STARTING_MS = 120_000
"""Ray and the models start slowly on a busy machine."""

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("assets")]


def test_a_session_of_a_file_is_seen_from_its_beginning_to_its_bye() -> None:
    media = demo_media("two_cities.wav")
    options = ["--dashboard", "--dashboard-port", "0", "--token", TOKEN, "--transcripts"]
    with (
        chromium() as browser,
        running("--source", str(media), "--duration", "12", *options) as (process, _),
        looking(browser, announced(process)) as look,
    ):
        look.until_text("#state", "live", patience_ms=STARTING_MS)
        look.until("() => /[0-9]/.test(document.querySelector('#number').innerText)")
        look.until("() => /audio [0-9.]+.s/.test(document.querySelector('#session').innerText)")
        look.until_text("#timeline", "off")  # a file without pictures
        look.until_text("#transcript", "best of times")
        assert re.fullmatch(r"\d+ ms, p95 \d+ ms", look.text("#latency"))
        look.until_text("#state", "ended")
        assert look.text("#lost") == "0 messages"
        assert process.wait(60) == 0
        look.until_text("#state", "ended")
        # The browser's own words on the gateway that is gone.
        assert [line for line in look.complaints if "WebSocket connection" not in line] == []


def announced(process: subprocess.Popen[str]) -> str:
    """The address that the session prints."""
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("dashboard   http://127.0.0.1:"):
            return line.removeprefix("dashboard").strip()
    raise AssertionError("the session has ended without a dashboard")
