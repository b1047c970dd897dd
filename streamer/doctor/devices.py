"""Microphone and camera: they are opened as a session would open them, and closed again."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TypeVar

import numpy as np

from actors.camera import video_source
from actors.microphone import audio_source
from actors.source import Source
from streamer.devices import camera_nodes
from streamer.doctor.findings import Finding
from streamer.errors import SourceError
from streamer.packets import AudioChunk, Floats
from streamer.settings import Settings

LISTEN_SECONDS = 0.5
QUIET = 2 / 2**15
"""Two steps of 16 bits: no room is as silent as that."""

Item = TypeVar("Item")


def check_devices(settings: Settings) -> Iterator[Finding]:
    """The devices of the settings. One that is off is not looked at."""
    if settings.microphone.device != "off":
        yield _opened("microphone", audio_source(settings), _heard)
    if settings.camera.device != "off":
        yield from _forbidden_cameras()
        yield _opened("camera", video_source(settings), lambda _: None)


def _opened(
    check: str, source: Source[Item], listen: Callable[[Source[Item]], str | None]
) -> Finding:
    option = {"microphone": "--mic", "camera": "--camera"}[check]
    try:
        with closing(source):
            found = source.open()
            complaint = listen(source)
    except SourceError as error:
        advice = f"choose another with {option} (qamoe-stream devices), or {option} off"
        return Finding(check, "problem", str(error), advice)
    if complaint is None:
        return Finding(check, "ok", found)
    return Finding(check, "warning", f"{found}: {complaint}", "is it muted, or the wrong one?")


def _heard(source: Source[AudioChunk]) -> str | None:
    """What is wrong with the sound of the first half second, if anything."""
    source.start(time.monotonic_ns())
    pieces: list[Floats] = []
    until = time.monotonic() + LISTEN_SECONDS
    while time.monotonic() < until:
        chunk = source.read(0.1)
        if chunk is not None:
            pieces.append(chunk.samples)
    if not pieces:
        return "delivers no sound"
    moved = float(np.ptp(np.concatenate(pieces)))
    return None if moved > QUIET else "digital silence"


def _forbidden_cameras() -> Iterator[Finding]:
    for path, name in camera_nodes():
        if not os.access(path, os.R_OK | os.W_OK):
            found = f"{path} ({name}) is not for this user"
            advice = "join the group video, then log in anew"
            yield Finding("camera permission", "warning", found, advice)
