"""Opening OpenCV's captures: quiet, and by the right backend.

Whether it worked is what ``isOpened()`` of the result says; nothing is raised.
"""

import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import cv2

from streamer.environment import environment

LAVFI = "lavfi:"

OPEN_TIMEOUT_MS = 4000
READ_TIMEOUT_MS = 2000
"""FFmpeg's own are 30 s, for which a network camera that hangs could not be let go of."""


def open_camera(device: str) -> Any:
    """A live capture; ``device`` is an index, a path, a URL, or ``lavfi:`` and a filter graph."""
    if device.startswith(LAVFI):
        options = {"OPENCV_FFMPEG_CAPTURE_OPTIONS": "input_format;lavfi"}
        return _opened(device.removeprefix(LAVFI), cv2.CAP_FFMPEG, options)
    if device.isdigit() or device.startswith("/dev/"):
        backend = cv2.CAP_V4L2 if sys.platform == "linux" else cv2.CAP_ANY
        return _opened(int(device) if device.isdigit() else device, backend)
    return _opened(device, cv2.CAP_FFMPEG, limits=_TIMEOUTS)


def open_file(path: str) -> Any:
    """A capture that reads a media file."""
    return _opened(path, cv2.CAP_FFMPEG)


_TIMEOUTS = (
    cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
    OPEN_TIMEOUT_MS,
    cv2.CAP_PROP_READ_TIMEOUT_MSEC,
    READ_TIMEOUT_MS,
)


def _opened(
    source: int | str,
    backend: int,
    options: Mapping[str, str] = MappingProxyType({}),
    limits: Sequence[int] = (),
) -> Any:
    """OpenCV takes FFmpeg's options from the environment only, while it opens."""
    # What is wrong is told in one line by whoever asked.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    quiet = {"OPENCV_FFMPEG_LOGLEVEL": "-8"}
    with environment({**quiet, **options}):
        return cv2.VideoCapture(source, backend, limits)
