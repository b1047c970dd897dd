"""The camera's actor: pictures in, face features out."""

from pathlib import Path
from typing import Any

import numpy as np

from actors.capture import Capture, Clock, monotonic_clock
from actors.source import EndOfStream
from actors.video_sources import CameraSource, FileVideoSource, VideoSource
from models.checkpoint_files import tuned_weights
from models.degradation import VideoDamage
from models.features.face import Face
from models.features.face_reader import LOOK_SIZE, FaceReader
from streamer.assets import Assets
from streamer.packets import FACE_MEASURES, SECOND, FaceFrames, VideoFrame
from streamer.settings import Settings


class Camera(Capture[FaceFrames]):
    """Sends one FaceFrames per hop with what was analysed since the last one, be it nothing.

    The last one has ``ended`` set: at the session's duration or where the file ends. ``dropped``
    counts due pictures that were not analysed in time, and packets lost, since the start.
    """

    def __init__(
        self,
        settings: Settings,
        output: Any,
        source: VideoSource | None = None,
        clock: Clock = monotonic_clock,
    ) -> None:
        source = source or video_source(settings)
        super().__init__("camera", settings, output, source, clock)
        self._damage = VideoDamage(settings.damage, np.random.default_rng(0))
        self._landmarks = np.zeros((0, 2), np.float32)
        self._reader = FaceReader(
            face_landmarker(settings), tuned_weights(settings, "vision"), "video"
        )
        self._analysed: list[tuple[int, Face]] = []
        self._frames = 0
        self._late = 0

    def stats(self) -> dict[str, float]:
        return super().stats() | {"frames": self._frames, "late_frames": self._late}

    def stop(self) -> None:
        super().stop()
        if not self._thread.is_alive():
            self._reader.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                frame = self._source.read(self._patience())
            except EndOfStream:
                self._send(ended=True)
                return
            reached = self._now if frame is None else frame.captured_at
            while reached >= self._hop_end and not self._stopping.is_set():
                last = self._is_last
                self._send(ended=last)
                if last:
                    return
            if frame is not None:
                self._analyse(frame)

    def _patience(self) -> float:
        return min(max(self._hop_end - self._now, 0) / SECOND, 0.1)

    def _analyse(self, frame: VideoFrame) -> None:
        if not self._live:
            self._wait_until(frame.captured_at)
            if self._settings.paced and self._now - frame.captured_at > self._frame_period:
                self._late += 1  # the next one is due already
                return
        if self._damage.seeks_face:
            self._landmarks = self._reader.read(frame.image, frame.captured_at).landmarks
        image = self._damage.apply(frame.image, frame.captured_at, self._landmarks)
        if image is not None:
            face = self._reader.read(image, frame.captured_at)
            self._landmarks = face.landmarks
            self._analysed.append((frame.captured_at, face))
            self._frames += 1

    @property
    def _frame_period(self) -> int:
        return round(SECOND / self._settings.camera.frame_rate)

    def _send(self, ended: bool) -> None:
        self._wait_until(self._hop_end)
        dropped = self._source.dropped + self._late + self._channel.dropped
        self._channel.put(_packet(self._hop, self._analysed, dropped, ended))
        self._analysed = []
        self._hop += 1


def video_source(settings: Settings) -> VideoSource:
    """The source that the settings name."""
    camera, file = settings.camera, settings.source
    if file.file is not None:
        return FileVideoSource(file.file, camera.frame_rate, file.loop, file.crop)
    return CameraSource(camera.device, camera.frame_rate, camera.first_frame_timeout, file.crop)


def face_landmarker(settings: Settings) -> Path:
    """The model file, fetched before or given in the settings. Raises AssetError."""
    return Assets(settings.assets).file("face-landmarker", "face_landmarker.task")


def _packet(hop: int, analysed: list[tuple[int, Face]], dropped: int, ended: bool) -> FaceFrames:
    faces = [face for _, face in analysed]
    shape = (len(faces), LOOK_SIZE)
    return FaceFrames(
        hop=hop,
        captured_at=np.array([time for time, _ in analysed], np.int64),
        features=np.array([face.features for face in faces], np.float32).reshape(shape),
        found=np.array([face.found for face in faces], np.bool_),
        measures=np.array([face.measures for face in faces], np.float32).reshape(
            len(faces), len(FACE_MEASURES)
        ),
        dropped=dropped,
        ended=ended,
    )
