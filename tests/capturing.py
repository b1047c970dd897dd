"""Microphone and camera over a file, without Ray."""

import queue
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actors.capture import Capture
from models.watching import face_landmarker
from streamer.errors import AssetError
from streamer.settings import Settings, load_settings

PATIENCE = 60.0

Build = Callable[[Settings, Callable[[Any], None]], Capture[Any]]


def needs_the_face_model() -> None:
    """Skips where it has not been fetched."""
    try:
        face_landmarker(load_settings())
    except AssetError as error:
        pytest.skip(str(error))


def file_settings(path: Path, **options: Any) -> Settings:
    return load_settings(options={"source.file": str(path), "source.speed": "max"} | options)


def packets_of(build: Build, settings: Settings, epoch: int | None = None) -> list[Any]:
    """All packets of a session that begins at ``epoch`` (ns; now), to the one that has ended."""
    received: queue.Queue[Any] = queue.Queue()
    capture = build(settings, received.put)
    try:
        capture.open()
        capture.start(time.monotonic_ns() if epoch is None else epoch)
        packets = [received.get(timeout=PATIENCE)]
        while not packets[-1].ended:
            packets.append(received.get(timeout=PATIENCE))
        assert capture.stats()["failed"] == 0
    finally:
        capture.stop()
    assert received.empty()
    return packets
