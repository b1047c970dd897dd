"""The camera's actor: pictures in, face features out."""

from typing import Any

from actors.capture import Capture, Clock, monotonic_clock
from actors.reopening import Reopening
from actors.source import EndOfStream
from actors.video_sources import CameraSource, FileVideoSource, FrameSchedule, VideoSource
from models.watching import Watching
from streamer.packets import SECOND, FaceFrames, VideoFrame
from streamer.retreat import Step
from streamer.settings import Settings
from streamer.tracing.spans import Spans


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
        self._watching = Watching(settings)
        self._rate = self._least_rate = settings.camera.frame_rate
        self._thinning: FrameSchedule | None = None
        self.spans = Spans(settings.trace.is_wanted)
        self._frames = 0
        self._late = 0

    def retreat(self, step: Step) -> None:
        """From now on look at no more pictures than ``step`` says."""
        self._thinning = None if step.pictures is None else FrameSchedule(step.pictures)
        self._rate = step.pictures or self._settings.camera.frame_rate
        self._least_rate = min(self._least_rate, self._rate)

    def stats(self) -> dict[str, float]:
        return super().stats() | {"frames": self._frames, "late_frames": self._late}

    def stop(self) -> None:
        super().stop()
        if not self._thread.is_alive():
            self._watching.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._came_by()
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
            if frame is not None and frame.captured_at >= self._begins_at:
                self._analyse(frame)

    def _patience(self) -> float:
        return min(max(self._hop_end - self._now, 0) / SECOND, 0.1)

    def _analyse(self, frame: VideoFrame) -> None:
        if self._thinning is not None and not self._thinning.takes(frame.captured_at):
            return
        if not self._live:
            self._wait_until(frame.captured_at)
            if self._settings.paced and self._now - frame.captured_at > self._frame_period:
                self._late += 1  # the next one is due already
                return
        if not self._muted.is_set():
            with self.spans.of("read face", self._hop):
                self._frames += self._watching.watch(frame)

    @property
    def _frame_period(self) -> int:
        return round(SECOND / self._rate)

    def _send(self, ended: bool) -> None:
        self._wait_until(self._hop_end)
        dropped = self._source.dropped + self._late + self._channel.lost
        fault, asked, self._least_rate = self._source.fault, self._least_rate, self._rate
        self._channel.put(self._watching.packet(self._hop, dropped, ended, fault, asked))
        self._hop += 1


def video_source(settings: Settings) -> VideoSource:
    """The source that the settings name."""
    camera, file = settings.camera, settings.source
    if file.file is not None:
        return FileVideoSource(file.file, camera.frame_rate, file.loop, file.crop)
    return Reopening(
        CameraSource(camera.device, camera.frame_rate, camera.first_frame_timeout, file.crop)
    )
