"""All plugins beside one real session: each hears what the session says it published."""

import json
from pathlib import Path

import pytest
import webvtt
from playwright.sync_api import expect

from streamer.assets import Assets
from tests.browser import chromium
from tests.commands import COMMAND, free_port
from tests.gateways import TOKEN
from tests.plugin_fixtures import JAVASCRIPT, PLUGINS, interrupt, node, outcome, python, started
from tests.test_plugin_prometheus import scraped_when

pytestmark = pytest.mark.slow


def test_every_plugin_hears_a_real_session_to_its_end(assets: Assets, tmp_path: Path) -> None:
    address, port = f"tcp://127.0.0.1:{free_port()}", free_port()
    chapters = tmp_path / "call.vtt"
    voice = str(assets.file("demo-media", "beckett.wav"))
    pages = str(PLUGINS / "obs-overlay")
    overlay = f"http://127.0.0.1:{port}/pages/overlay.html?token={TOKEN}&participant=ann"
    with (
        started(node(str(JAVASCRIPT / "cli.js"), address, "--json", "--timeout", "120")) as script,
        started(python("prometheus-exporter/exporter.py", address, "--port", "0")) as exporter,
        started(
            python("highlights/highlights.py", address, "--out", str(chapters), "--timeout", "120")
        ) as highlights,
        started(python("lab-streaming-layer/outlet.py", address)) as outlet,
        started(
            [*COMMAND, "dashboard", address, "--port", str(port), "--token", TOKEN,
             "--pages", pages]
        ) as gateway,
        chromium() as browser,
    ):  # fmt: skip
        assert exporter.stdout
        assert outlet.stdout
        assert gateway.stderr
        url = exporter.stdout.readline().split()[-1]
        assert "listening" in outlet.stdout.readline()
        assert gateway.stderr.readline().startswith("dashboard ")
        page = browser.new_page()
        page.goto(overlay)
        with started(
            [*COMMAND, "--source", voice, "--duration", "6", "--transcripts", "--bind", address,
             "--session", "real", "--participant", "ann", "--ui", "json"]
        ) as session:  # fmt: skip
            expect(page.locator("#card")).to_be_visible(timeout=120_000)
            assert page.locator("#streams").inner_text().startswith("words")
            code, published, complaint = outcome(session)
            assert code == 0, complaint
        expect(page.locator("#card")).to_be_hidden()
        code, lines, complaint = outcome(script)
        assert (code, complaint) == (0, "")
        assert outcome(highlights)[0] == 0
        seen = scraped_when(url, lambda samples: samples.get(("qamoe_up", "ann", "real")) == 0)
        for plugin in (exporter, outlet, gateway):
            assert interrupt(plugin)[0] == 0

    said = [json.loads(line) for line in published]
    events = [json.loads(line) for line in lines]
    assert [event["message"] for event in events] == said
    assert sum(event["lost"] for event in events) == 0
    for kind in ("sentiment", "transcript", "health"):
        count = sum(message["schema"].startswith(f"qamoe.{kind}/") for message in said)
        assert count > 0
        assert seen["qamoe_feed_messages_total", kind] == count
    assert len(webvtt.read(str(chapters))) >= 1
