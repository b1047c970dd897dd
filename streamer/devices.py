"""Microphones and cameras of this machine."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import pyaudio

from streamer.errors import SourceError
from streamer.stderr import native_stderr_silenced


@dataclass(frozen=True, slots=True)
class Microphone:
    """An input of PortAudio; ``rate`` is its native one in Hz."""

    index: int
    name: str
    channels: int
    rate: int
    is_default: bool


@dataclass(frozen=True, slots=True)
class Camera:
    """A video device; ``size`` is (width, height), None where it cannot be opened."""

    path: str
    name: str
    size: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Devices:
    """What ``qamoe-stream devices`` lists."""

    microphones: tuple[Microphone, ...]
    cameras: tuple[Camera, ...]

    def __str__(self) -> str:
        lines = ["microphones (--mic NAME, part of a name, or index):"]
        for mic in self.microphones:
            mark = "  (default)" if mic.is_default else ""
            lines.append(f"  {mic.index}  {mic.name}  {mic.channels} ch  {mic.rate} Hz{mark}")
        if not self.microphones:
            lines.append("  no microphone found")
        lines.append("cameras (--camera INDEX or PATH):")
        for camera in self.cameras:
            size = "x".join(map(str, camera.size)) if camera.size else "cannot be opened"
            lines.append(f"  {camera.path}  {camera.name}  {size}")
        if not self.cameras:
            lines.append("  no camera found")
        return "\n".join(lines)


def list_devices() -> Devices:
    """All devices that this machine has, each camera opened for a moment."""
    with native_stderr_silenced():
        portaudio = pyaudio.PyAudio()
        try:
            microphones = microphones_of(portaudio)
        finally:
            portaudio.terminate()
        cameras = tuple(
            Camera(str(path), name, _picture_size(path)) for path, name in camera_nodes()
        )
    return Devices(microphones, cameras)


def microphones_of(portaudio: pyaudio.PyAudio) -> tuple[Microphone, ...]:
    """The inputs that a PortAudio instance knows."""
    try:
        default = int(portaudio.get_default_input_device_info()["index"])
    except OSError:
        default = -1
    inputs = map(portaudio.get_device_info_by_index, range(portaudio.get_device_count()))
    return tuple(_microphone(entry, default) for entry in inputs if entry["maxInputChannels"])


def choose_microphone(microphones: Sequence[Microphone], wanted: str) -> Microphone:
    """The one that ``wanted`` names: an index, a name, a part of one name, or ``default``.

    Raises SourceError that lists what there is.
    """
    if not microphones:
        raise SourceError(
            f"microphone {wanted}: no microphone found on this machine; plug one in, or --mic off"
        )
    folded = wanted.casefold()
    tests = (
        lambda mic: wanted == "default" and mic.is_default,
        lambda mic: wanted == str(mic.index),
        lambda mic: folded == mic.name.casefold(),
        lambda mic: bool(folded) and folded in mic.name.casefold(),
    )
    for test in tests:
        found = [mic for mic in microphones if test(mic)]
        if len(found) == 1:
            return found[0]
        if found:
            raise SourceError(f"microphone {wanted!r} could be {_listed(found)}; give the index")
    raise SourceError(f"microphone {wanted!r} is not there; found: {_listed(microphones)}")


def camera_nodes(
    devices: Path = Path("/dev"), names: Path = Path("/sys/class/video4linux")
) -> list[tuple[Path, str]]:
    """Path and name of every video device, by number."""
    nodes = [node for node in devices.glob("video*") if re.fullmatch(r"video\d+", node.name)]
    return [(node, _name(names / node.name / "name")) for node in sorted(nodes, key=_number)]


def camera_path(wanted: str, nodes: Sequence[tuple[Path, str]]) -> str:
    """The device that ``wanted`` means: where it is part of one video device's name, that one's
    path; else ``wanted`` as it is: an index, a path or a URL."""
    if not wanted or wanted.isdigit() or "/" in wanted or ":" in wanted:
        return wanted
    found = [path for path, name in nodes if wanted.casefold() in name.casefold()]
    return str(found[0]) if found else wanted  # a camera's further nodes carry no pictures


def path_again(path: str, name: str, nodes: Sequence[tuple[Path, str]]) -> str:
    """Where the video device is now that was called ``name`` and stood at ``path``: plugged in
    again, it may have another number. ``path`` where it is not there."""
    found = [str(node) for node, its_name in nodes if its_name == name]
    return path if path in found or not found else found[0]


def _microphone(entry: Any, default: int) -> Microphone:
    return Microphone(
        index=int(entry["index"]),
        name=str(entry["name"]),
        channels=int(entry["maxInputChannels"]),
        rate=int(entry["defaultSampleRate"]),
        is_default=entry["index"] == default,
    )


def _listed(microphones: Sequence[Microphone]) -> str:
    return ", ".join(f"{mic.index} {mic.name!r}" for mic in microphones)


def _number(node: Path) -> int:
    return int(node.name.removeprefix("video"))


def _name(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return "unnamed"


def _picture_size(path: Path) -> tuple[int, int] | None:
    capture = cv2.VideoCapture(str(path), cv2.CAP_V4L2)
    try:
        if not capture.isOpened():
            return None
        width, height = (
            int(capture.get(key)) for key in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        )
        return width, height
    finally:
        capture.release()
