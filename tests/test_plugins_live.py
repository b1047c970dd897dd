"""All plugins beside one real session: each hears what the session says it published."""

import json
from pathlib import Path

import pytest
import webvtt

from streamer.assets import Assets
from tests.commands import command, free_port
from tests.plugin_fixtures import JAVASCRIPT, interrupt, node, outcome, python, started
from tests.test_plugin_prometheus import scraped_when

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("assets")]


def test_every_plugin_hears_a_real_session_to_its_end(assets: Assets, tmp_path: Path) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    chapters = tmp_path / "call.vtt"
    voice = str(assets.file("demo-media", "beckett.wav"))
    with (
        started(node(str(JAVASCRIPT / "cli.js"), address, "--json", "--timeout", "90")) as script,
        started(python("prometheus-exporter/exporter.py", address, "--port", "0")) as exporter,
        started(
            python("highlights/highlights.py", address, "--out", str(chapters), "--timeout", "90")
        ) as highlights,
        started(python("lab-streaming-layer/outlet.py", address)) as outlet,
    ):
        assert exporter.stdout
        assert outlet.stdout
        url = exporter.stdout.readline().split()[-1]
        assert "listening" in outlet.stdout.readline()
        session = command(
            "--source", voice, "--duration", "6", "--transcripts", "--bind", address,
            "--session", "real", "--participant", "ann", "--ui", "json",
        )  # fmt: skip
        assert session.code == 0, session.said
        code, lines, complaint = outcome(script)
        assert (code, complaint) == (0, "")
        assert outcome(highlights)[0] == 0
        seen = scraped_when(url, lambda samples: samples.get(("qamoe_up", "ann", "real")) == 0)
        assert interrupt(exporter)[0] == 0
        assert interrupt(outlet)[0] == 0

    said = [json.loads(line) for line in session.lines]
    events = [json.loads(line) for line in lines]
    assert [event["message"] for event in events] == said
    assert sum(event["lost"] for event in events) == 0
    for kind in ("sentiment", "transcript", "health"):
        published = [line for line in said if line["schema"].startswith(f"qamoe.{kind}/")]
        assert published
        assert seen["qamoe_feed_messages_total", kind] == len(published)
    assert len(webvtt.read(str(chapters))) >= 1
