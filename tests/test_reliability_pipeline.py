"""What reliability promises, on the running pipeline: who is hit falls, the others do not."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from streamer.assets import Assets
from streamer.feed import Subscriber
from streamer.feed.messages import Reliability, SentimentMessage
from streamer.reel import Plan, Shot, Span, render
from tests.commands import Finished, running, stream
from tests.media_files import demo_media
from tests.mjpeg import network_camera
from tests.pulse import PulseServer, pulse_server

pytestmark = [pytest.mark.slow, pytest.mark.parallel, pytest.mark.usefixtures("assets")]

SECONDS = 10
WINDOW = 4
BOUND = 0.05
"""By how much one stream's damage may move another's reliability, in the median."""

PLAN = Plan(
    shots=(Shot(0, 240, 471),), away=Span(100, 101), voice=(Span(0.9, 0.9 + SECONDS),), gain=3.5
)
PATIENCE = 30.0


@pytest.fixture(scope="module")
def film(assets: Assets, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("film") / "film.mp4"
    render(assets.path("demo-media"), file, PLAN)
    return file


def medians(run: Finished) -> dict[str, float]:
    """Of each stream's reliability over the windows that lie within the film, as last revised."""
    assert run.code == 0, run.said
    last = {item.window.end: item for item in run.windows if item.window.end >= WINDOW}
    assert len(last) == 2 * (SECONDS - WINDOW) + 1
    return {
        name: float(np.median([item.reliability[name].value for item in last.values()]))
        for name in ("text", "audio", "vision")
    }


@pytest.fixture(scope="module")
def clean(film: Path) -> dict[str, float]:
    return medians(stream("--source", str(film), "--speed", "max"))


def test_a_clean_film_is_trusted(clean: dict[str, float]) -> None:
    assert min(clean["audio"], clean["vision"]) > 0.8
    assert clean["text"] > 0.5


@pytest.mark.parametrize(
    ("damage", "hit", "spared"),
    [
        ("audio:noise=0.8", "audio", ["vision"]),  # the words are made from the sound
        ("video:blur=1", "vision", ["text", "audio"]),
        ("words:uncertain=0.9", "text", ["audio", "vision"]),
        ("words:drop=1", "text", ["audio", "vision"]),
    ],
)
def test_only_the_damaged_stream_falls(
    film: Path, clean: dict[str, float], damage: str, hit: str, spared: list[str]
) -> None:
    found = medians(stream("--source", str(film), "--speed", "max", "--damage", damage))
    assert found[hit] < clean[hit] - 0.3
    for name in spared:
        assert abs(found[name] - clean[name]) <= BOUND


def wait_for(
    feed: Subscriber, stream_name: str, holds: Callable[[Reliability], bool]
) -> SentimentMessage:
    """The first window from now on in which the stream's reliability is so."""
    until = time.monotonic() + PATIENCE
    newest = None
    while time.monotonic() < until:
        message = feed.receive(timeout=0.5)
        if isinstance(message, SentimentMessage) and message.revision == 0:
            newest = message
            if holds(message.reliability[stream_name]):
                return message
    raise AssertionError(f"{stream_name} never came to that: {newest}")


def reads_zero(found: Reliability, device: str) -> bool:
    """Also with a reason that names the device."""
    return found.value == 0 and device in str(found.reason)


@pytest.fixture
def pulse() -> Iterator[PulseServer]:
    with pulse_server() as server:
        yield server


def test_a_stalled_microphone_reads_zero_and_recovers(pulse: PulseServer) -> None:
    voice = demo_media("two_cities.wav")
    with (
        running("--camera", "off", "--mic", "pulse") as (_, address),
        Subscriber(address, idle=60) as feed,
        pulse.playing(voice),
    ):
        wait_for(feed, "audio", lambda found: found.value > 0.5)
        pulse.suspend(True)
        wait_for(feed, "audio", lambda found: reads_zero(found, "microphone"))
        pulse.suspend(False)
        wait_for(feed, "audio", lambda found: found.value > 0.5)


def test_a_stalled_camera_reads_zero_and_recovers() -> None:
    with (
        network_camera(demo_media("WolfgangLanger_Pexels.mp4")) as camera,
        running("--camera", camera.address, "--mic", "off") as (_, address),
        Subscriber(address, idle=60) as feed,
    ):
        wait_for(feed, "vision", lambda found: found.value > 0.5)
        camera.hang(True)
        stalled = wait_for(feed, "vision", lambda found: reads_zero(found, "camera"))
        assert stalled.sentiment is None
        camera.hang(False)
        wait_for(feed, "vision", lambda found: found.value > 0.5)
