"""``qamoe-stream chaos`` as a user runs it, on a feed that is locked."""

import re
from pathlib import Path

import pytest

from streamer.assets import Assets
from tests.commands import command

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("assets"), pytest.mark.timeout(300)]

LINE = re.compile(r"(?P<fault>[a-z ]+): (reads 0 after [\d.]+ s, )?recovered after [\d.]+ s, "
                  r"longest silence [\d.]+ s, messages lost (?P<lost>\d+)")  # fmt: skip


def test_a_rehearsal_says_what_came_of_each_fault(
    tmp_path: Path, assets: Assets, keys: Path
) -> None:
    config = tmp_path / "locked.yaml"
    config.write_text(f"feed: {{keys: {keys}}}\ncamera: {{frame_rate: 5}}\n")
    film = str(assets.file("demo-media", "WolfgangLanger_Pexels.mp4"))
    options = ("--source", film, "--mic", "off", "--config", str(config))
    done = command("chaos", *options, "--duration", "25", "--every", "5", "--seed", "3",
                   timeout=240)  # fmt: skip
    assert done.code == 0, done.said
    told = [LINE.fullmatch(line) for line in done.lines]
    assert len(told) >= 2
    assert all(line is not None and line["lost"] == "0" for line in told), done.lines
