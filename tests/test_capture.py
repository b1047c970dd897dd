"""What microphone and camera have in common."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actors.camera import Camera
from actors.capture import Capture
from actors.microphone import Microphone
from streamer.packets import SECOND
from streamer.settings import Settings
from tests.capturing import Build, file_settings, needs_the_face_model, packets_of
from tests.media_files import tone, write_video, write_wav


@pytest.fixture
def build(request: pytest.FixtureRequest) -> Build:
    if request.param is Camera:
        needs_the_face_model()
    built: Build = request.param
    return built


@pytest.mark.slow
@pytest.mark.parametrize("build", [Microphone, Camera], indirect=True)
def test_a_paced_packet_never_leaves_before_its_end(build: Build, tmp_path: Path) -> None:
    if build is Microphone:
        path = write_wav(tmp_path / "a.wav", tone(1.0))
    else:
        path = write_video(tmp_path / "a.mp4", pictures=25)
    left: list[int] = []

    def noting(settings: Settings, output: Callable[[Any], None]) -> Capture[Any]:
        def take(packet: Any) -> None:
            left.append(time.monotonic_ns())
            output(packet)

        return build(settings, take)

    epoch = time.monotonic_ns() + SECOND // 5
    settings = file_settings(path, **{"source.speed": "real", "window.hop": 0.2})
    packets_of(noting, settings, epoch)
    assert len(left) == 5
    assert all(at - epoch >= (hop + 1) * SECOND // 5 for hop, at in enumerate(left))
