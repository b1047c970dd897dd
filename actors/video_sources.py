"""Where pictures come from: a camera or a media file."""

import atexit
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import cv2
import numpy as np

from actors.opencv import open_camera, open_file
from actors.picture_freshness import Freshness
from actors.source import EndOfStream, Source
from streamer.devices import camera_nodes, camera_path, path_again
from streamer.errors import SourceError
from streamer.media import SEEK_MARGIN, probe
from streamer.packets import SECOND, Image, VideoFrame

VideoSource: TypeAlias = Source[VideoFrame]
Crop: TypeAlias = tuple[int, int, int, int]

AGAIN_SECONDS = 1.5
AGAIN_FACTOR = 3
"""A camera that was there before may take so many times as long for its first picture as it took
then, and AGAIN_SECONDS at least: an attempt that fails has to make room for one that does not."""

RETRY = 0.1
"""Seconds until a camera that gave no picture is asked again."""


class FrameSchedule:
    """Which pictures are analysed: at most ``frame_rate`` a second, evenly by capture time."""

    def __init__(self, frame_rate: float) -> None:
        self._period = round(SECOND / frame_rate)
        self._next: int | None = None

    def takes(self, captured_at: int) -> bool:
        """Whether the picture is due; to be asked once for each one, in order.

        A picture a quarter of a period early is taken, so that a camera at just this rate loses
        none to its jitter.
        """
        if self._next is None or captured_at >= self._next + self._period:
            self._next = captured_at + self._period
            return True
        if captured_at < self._next - self._period // 4:
            return False
        self._next += self._period
        return True


class FileVideoSource:
    """The pictures of a media file that are due, as fast as they are asked for."""

    dropped = 0
    fault = None

    def __init__(
        self, path: str, frame_rate: float, loop: bool = False, crop: Crop | None = None
    ) -> None:
        self._path = path
        self._frame_rate = frame_rate
        self._loop = loop
        self._crop = crop
        self._zero = self._period = 0
        self._frames: Iterator[VideoFrame] = iter(())

    def open(self) -> str:
        info = probe(self._path)
        if not info.has_video:
            raise SourceError(f"{self._path} has no pictures")
        first = next(self._decoded(0), None)
        if first is None:
            raise SourceError(f"{self._path}: not one of its pictures can be decoded")
        height, width = first.image.shape[:2]
        check_crop(self._crop, width, height)
        self._zero, self._period = round(info.video_start_seconds * SECOND), info.period
        self.skip_to(0)
        return f"pictures of {self._path}, {width}x{height}, {info.duration_seconds:.1f} s"

    def start(self, epoch: int) -> None:
        """A file has its own times."""

    def skip_to(self, moment: int) -> None:
        self._frames = self._due(moment)

    def read(self, timeout: float) -> VideoFrame:  # noqa: ARG002  a file never keeps one waiting
        frame = next(self._frames, None)
        if frame is None:
            raise EndOfStream
        return frame

    def close(self) -> None:
        self._frames = iter(())

    def _due(self, moment: int) -> Iterator[VideoFrame]:
        schedule, period, zero = FrameSchedule(self._frame_rate), self._period, self._zero
        if self._loop:
            zero += moment // period * period
        while True:
            empty = True
            for frame in self._decoded(zero, schedule, moment - zero):
                empty = False
                yield VideoFrame(frame.captured_at, cropped(frame.image, self._crop))
            if empty or not self._loop:
                return
            zero += period

    def _decoded(
        self, zero: int, schedule: FrameSchedule | None = None, since: int = 0
    ) -> Iterator[VideoFrame]:
        """Once through the file, from some seconds before ``since`` (ns) on at the latest. OpenCV
        counts from the first picture, which is at ``zero``."""
        capture = open_file(self._path)
        if since > SEEK_MARGIN:
            capture.set(cv2.CAP_PROP_POS_MSEC, (since - SEEK_MARGIN) / 1_000_000)
        try:
            while capture.grab():
                captured_at = zero + round(capture.get(cv2.CAP_PROP_POS_MSEC) * 1_000_000)
                if schedule is None or schedule.takes(captured_at):
                    there, image = capture.retrieve()
                    if there:
                        yield VideoFrame(captured_at, image)
        finally:
            capture.release()


class CameraSource:
    """A live camera: a thread grabs every picture, the newest one that is due waits to be read.

    ``device`` is an index, a path, part of a name, a URL, or ``lavfi:`` and a graph of FFmpeg's
    filters. ``dropped`` counts due pictures that were replaced before they were read, and those
    left out because they had waited for too long.
    """

    def __init__(
        self,
        device: str,
        frame_rate: float,
        first_frame_timeout: float,
        crop: Crop | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.dropped = 0
        self.fault = None
        self._device = device
        self._frame_rate = frame_rate
        self._name = re.sub(r"//[^/@]*@", "//", device)  # a URL's password is nobody's business
        self._schedule = FrameSchedule(frame_rate)
        self._first_frame_timeout = self._patience_again = first_frame_timeout
        self._crop = crop
        self.clock = clock
        self._epoch = 0
        self._slot: VideoFrame | None = None
        self._known_as: tuple[str, str] | None = None
        self._freshness = Freshness(frame_rate)
        self._gone: str | None = None
        self._is_open: bool | None = None
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="camera reader", daemon=True)

    def open(self) -> str:
        asked_at = self.clock()
        self._thread.start()
        atexit.register(self.close)  # OpenCV aborts a process that ends while its thread waits
        with self._changed:
            self._changed.wait_for(
                lambda: self._slot is not None or self._is_open is False, self._first_frame_timeout
            )
            frame, is_open = self._slot, self._is_open
        try:
            if frame is None:
                raise SourceError(self._refusal(is_open))
            height, width = frame.image.shape[:2]
            check_crop(self._crop, width, height)
        except SourceError:
            self.close()
            raise
        taken = (self.clock() - asked_at) / SECOND
        self._patience_again = min(
            max(AGAIN_FACTOR * taken, AGAIN_SECONDS), self._first_frame_timeout
        )
        return f"camera {self._name}, {width}x{height}"

    def start(self, epoch: int) -> None:
        with self._changed:
            self._epoch = epoch
            self._slot = None
            self.dropped = 0

    def read(self, timeout: float) -> VideoFrame | None:
        with self._changed:
            self._changed.wait_for(lambda: self._slot is not None or self._gone, max(timeout, 0))
            frame, self._slot = self._slot, None
            if frame is None and self._gone:
                raise SourceError(f"camera {self._name} {self._gone}")
        if frame is None or frame.captured_at < self._epoch:
            return None
        height, width = frame.image.shape[:2]
        check_crop(self._crop, width, height)
        return VideoFrame(frame.captured_at - self._epoch, cropped(frame.image, self._crop))

    def close(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(1.0)
        atexit.unregister(self.close)

    def again(self) -> "CameraSource":
        source = CameraSource(
            self._device, self._frame_rate, self._patience_again, self._crop, self.clock
        )
        source._known_as = self._known_as
        return source

    def _watch(self) -> None:
        capture = open_camera(self._found())
        try:
            with self._changed:
                self._is_open = bool(capture.isOpened())
                self._changed.notify_all()
            while self._is_open and not (self._closing.is_set() or self._gone):
                if not self._grab(capture):
                    self._closing.wait(RETRY)
                self._judge(self._freshness.complaint(self.clock()))
        finally:
            capture.release()

    def _found(self) -> str:
        """Where the device is now: one that was there before is looked for by its name."""
        nodes = camera_nodes()
        if self._known_as is not None:
            return path_again(*self._known_as, nodes)
        found = camera_path(self._device, nodes)
        path = f"/dev/video{found}" if found.isdigit() else found
        self._known_as = next(((path, name) for node, name in nodes if str(node) == path), None)
        return found

    def _judge(self, complaint: str | None) -> None:
        if complaint is not None:
            with self._changed:
                self._gone = complaint
                self._changed.notify_all()

    def _grab(self, capture: Any) -> bool:
        asked_at = self.clock()
        if not capture.grab():
            return False
        captured_at = self.clock()
        fresh, due = (
            self._freshness.is_fresh(asked_at, captured_at),
            self._schedule.takes(captured_at),
        )
        if not (fresh and due):
            self.dropped += due
            return True
        there, image = capture.retrieve()
        if there:
            self._freshness.look(image, captured_at)
            with self._changed:
                self.dropped += self._slot is not None
                self._slot = VideoFrame(captured_at, image)
                self._changed.notify_all()
        return bool(there)

    def _refusal(self, is_open: bool | None) -> str:
        within = f"within {self._first_frame_timeout:g} s"
        if is_open:
            return (
                f"camera {self._name} opens but delivers no picture {within}: "
                "another program may hold it"
            )
        if is_open is None:
            return f"camera {self._name} did not answer {within}"
        nodes = ", ".join(f"{path} ({name})" for path, name in camera_nodes())
        found = f"found: {nodes}" if nodes else "no camera found; plug one in, or --camera off"
        return f"camera {self._name} cannot be opened: {found}"


def check_crop(crop: Crop | None, width: int, height: int) -> None:
    """Raises SourceError where ``crop`` (x, y, width, height) is not inside the picture."""
    if crop is None:
        return
    x, y, w, h = crop
    if x < 0 or y < 0 or w < 1 or h < 1 or x + w > width or y + h > height:
        raise SourceError(f"crop {x},{y},{w},{h} is not inside the picture of {width}x{height}")


def cropped(image: Image, crop: Crop | None) -> Image:
    """The part of ``image`` that ``crop`` (x, y, width, height) names; all of it for None."""
    if crop is None:
        return image
    x, y, width, height = crop
    return np.ascontiguousarray(image[y : y + height, x : x + width])
