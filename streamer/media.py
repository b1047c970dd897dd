"""Media files: what is in them, and their sound at the pipeline's rate.

Time 0 of a file is the start of its earliest track, for sound and pictures alike.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np

from streamer.errors import SourceError
from streamer.packets import SAMPLE_RATE, SECOND, AudioChunk, Floats

ALLOWED = "mp4, mov, mkv, webm, avi, mpg, wav, flac, mp3, ogg and what else FFmpeg reads"

TOLERANCE = SECOND // 50
"""Time stamps this near to the count of samples are jitter; beyond it samples are missing."""


SAMPLE_PERIOD = SECOND // SAMPLE_RATE
"""Nanoseconds; 62,500 exactly."""


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """``duration_seconds`` is that of the longest track; ``video_start_seconds`` is when the first
    picture is shown."""

    has_audio: bool
    has_video: bool
    duration_seconds: float
    video_start_seconds: float

    @property
    def period(self) -> int:
        """Nanoseconds after which a looped file begins again, in whole sample periods."""
        return max(1, round(self.duration_seconds * SAMPLE_RATE)) * SAMPLE_PERIOD


SEEK_MARGIN = 2 * SECOND
"""Before where one wants to be; sound needs some to be decoded as it is from the start."""


def probe(path: str) -> MediaInfo:
    """What a media file holds; a track that cannot be decoded counts as absent.

    Raises SourceError where the file is missing, empty, not media, or holds nothing to play.
    """
    with _opened(path) as container:
        audio, video = _track(container, "audio"), _track(container, "video")
        playable = [track for track in (audio, video) if track is not None]
        if not playable or not any(True for _ in _decoded(container, playable)):
            raise SourceError(f"{path} holds neither sound nor pictures; allowed: {ALLOWED}")
        start = video.start_time if video is not None else None
        first = Fraction(0) if start is None else start * video.time_base - _zero(container)
    return MediaInfo(audio is not None, video is not None, _duration(path), float(first))


def decode_audio(path: str, since: int = 0) -> Iterator[AudioChunk]:
    """The sound of a file at 16 kHz mono, in order, as it is decoded, from some seconds before
    ``since`` (ns) on at the latest.

    Where the file has no sound there is a gap between the chunks' times. A file that breaks off
    ends there. Raises SourceError where the file cannot be opened or has no sound.
    """
    with _opened(path) as container:
        track = _track(container, "audio")
        if track is None:
            raise SourceError(f"{path} has no sound")
        zero = _zero(container)
        if since > SEEK_MARGIN:
            wanted = zero + Fraction(since - SEEK_MARGIN, SECOND)
            with suppress(av.FFmpegError):  # one that cannot be sought in is read from its start
                container.seek(round(wanted * av.time_base))
        resampler = Resampler()
        for frame in _decoded(container, [track]):
            known = frame.pts is not None
            time = round((frame.pts * frame.time_base - zero) * SECOND) if known else None
            yield from resampler.push(frame, time)
        yield from resampler.flush()


def decoded(path: str) -> Floats:
    """All samples (n,) of a file's sound, one chunk after the other, without the gaps between.

    Raises SourceError as ``decode_audio`` does, ValueError where there is no sample.
    """
    return np.concatenate([chunk.samples for chunk in decode_audio(path)])


class Resampler:
    """Brings sound of any rate and layout to 16 kHz mono, without moving or stretching it.

    Samples are placed by counting from the first one; where a time stamp says that some are
    missing, counting starts anew. All times come out as whole sample periods.
    """

    def __init__(self) -> None:
        self._layout: tuple[object, ...] | None = None
        self._resampler = av.AudioResampler("flt", "mono", SAMPLE_RATE)
        self._next_in = 0
        self._next_out = 0

    def push(self, frame: av.AudioFrame, time: int | None) -> Iterator[AudioChunk]:
        """What is ready once ``frame`` is in; its first sample is of ``time`` ns (None: it follows
        on the frame before)."""
        layout = (frame.sample_rate, frame.format.name, frame.layout.name)
        gap = time is not None and abs(time - self._next_in) > TOLERANCE
        if gap or layout != self._layout:
            yield from self.flush()
            self._layout = layout
            self._next_in = self._next_in if time is None else time
            self._next_out = round(self._next_in / SAMPLE_PERIOD) * SAMPLE_PERIOD
        self._next_in += frame.samples * SECOND // frame.sample_rate
        frame.pts = None
        yield from self._resampled(frame)

    def flush(self) -> Iterator[AudioChunk]:
        """The samples still inside."""
        if self._layout is not None:
            yield from self._resampled(None)
            self._layout = None
            self._resampler = av.AudioResampler("flt", "mono", SAMPLE_RATE)

    def _resampled(self, frame: av.AudioFrame | None) -> Iterator[AudioChunk]:
        for part in self._resampler.resample(frame):
            chunk = AudioChunk(self._next_out, np.asarray(part.to_ndarray()[0], np.float32))
            self._next_out = chunk.end
            yield chunk


@contextmanager
def _opened(path: str) -> Iterator[Any]:
    try:
        container = av.open(path, metadata_errors="ignore")
    except (av.FFmpegError, OSError) as error:
        raise SourceError(_refusal(path, error.strerror or str(error))) from None
    with container:
        name = container.format.name
        # FFmpeg takes a text file for ANSI art and a still for a film of one picture.
        if name == "tty" or name.startswith("image2") or name.endswith("_pipe"):
            raise SourceError(_refusal(path, "it is text or a still"))
        yield container


def _refusal(path: str, reason: str) -> str:
    return f"{path} is not a media file that can be read ({reason}); allowed: {ALLOWED}"


def _track(container: Any, kind: str) -> Any:
    """The first decodable track of a kind, or None; cover art is no track of pictures."""
    for stream in container.streams:
        art = bool(stream.disposition & av.stream.Disposition.attached_pic)
        if stream.type == kind and stream.codec_context is not None and not art:
            return stream
    return None


def _zero(container: Any) -> Fraction:
    return Fraction(container.start_time or 0, av.time_base)


def _decoded(container: Any, tracks: list[Any]) -> Iterator[Any]:
    """All frames that can be decoded: a damaged packet is left out, a damaged end ends it."""
    packets = container.demux(*tracks)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError, OSError):
            return
        try:
            yield from packet.decode()
        except av.FFmpegError:
            continue


def _duration(path: str) -> float:
    """Seconds, by the container's word or, where it has none, by its packets."""
    with _opened(path) as container:
        if container.duration:
            return float(container.duration / av.time_base)
        zero, end = _zero(container), Fraction(0)
        try:
            for packet in container.demux():
                if packet.pts is not None:
                    end = max(end, (packet.pts + (packet.duration or 0)) * packet.time_base - zero)
        except (av.FFmpegError, OSError):
            pass
        return float(end)
