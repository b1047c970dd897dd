"""Where sound comes from: a microphone or a media file."""

import queue
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import av
import numpy as np
import pyaudio

from actors.sample_clock import SampleClock
from actors.source import EndOfStream, Source
from streamer.devices import Microphone, choose_microphone, microphones_of
from streamer.errors import SourceError
from streamer.media import Resampler, decode_audio, probe
from streamer.packets import SAMPLE_RATE, SECOND, AudioChunk
from streamer.stderr import native_stderr_silenced

AudioSource: TypeAlias = Source[AudioChunk]

BLOCKS_PER_SECOND = 50
BLOCKS_WAITING = 50
MAX_LATENCY = 0.5
"""Seconds; some drivers report nonsense beyond it."""


class FileAudioSource:
    """The sound of a media file, as fast as it is asked for."""

    dropped = 0
    fault = None

    def __init__(self, path: str, loop: bool = False) -> None:
        self._path = path
        self._loop = loop
        self._period = 0
        self._chunks: Iterator[AudioChunk] = iter(())

    def open(self) -> str:
        info = probe(self._path)
        if not info.has_audio:
            raise SourceError(f"{self._path} has no sound")
        self._period = info.period
        self.skip_to(0)
        return f"sound of {self._path}, {info.duration_seconds:.1f} s"

    def start(self, epoch: int) -> None:
        """A file has its own times."""

    def skip_to(self, moment: int) -> None:
        self._chunks = self._repeated(moment) if self._loop else decode_audio(self._path, moment)

    def read(self, timeout: float) -> AudioChunk:  # noqa: ARG002  a file never keeps one waiting
        chunk = next(self._chunks, None)
        if chunk is None:
            raise EndOfStream
        return chunk

    def close(self) -> None:
        self._chunks = iter(())

    def _repeated(self, moment: int) -> Iterator[AudioChunk]:
        period = self._period
        start = moment // period * period
        while True:
            empty = True
            for chunk in decode_audio(self._path, moment - start):
                empty = False
                inside = max(0, period - chunk.captured_at) * SAMPLE_RATE // SECOND
                yield replace(
                    chunk,
                    captured_at=start + chunk.captured_at,
                    samples=chunk.samples[:inside],
                )
            if empty:
                return
            start += period


class MicrophoneSource:
    """A live microphone by PortAudio, at 16 kHz where the device can, else resampled."""

    def __init__(self, device: str, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self.dropped = 0
        self.fault = None
        self._device = device
        self._clock = clock
        self._epoch: int | None = None
        self._portaudio: pyaudio.PyAudio | None = None
        self._stream: Any = None
        self._rate = SAMPLE_RATE
        self._sample_clock = SampleClock(SAMPLE_RATE, 0)
        self._resampler = Resampler()
        self._blocks: queue.Queue[tuple[int, bytes]] = queue.Queue(BLOCKS_WAITING)
        self._ready: deque[AudioChunk] = deque()

    def open(self) -> str:
        with native_stderr_silenced():
            self._portaudio = portaudio = pyaudio.PyAudio()
            try:
                microphone = choose_microphone(microphones_of(portaudio), self._device)
                self._open_stream(portaudio, microphone)
            except OSError as error:
                self.close()
                raise SourceError(
                    f"microphone {self._device} cannot be opened: {error}; "
                    "another program may hold it"
                ) from None
            except SourceError:
                self.close()
                raise
        if self._device == str(microphone.index):
            self._device = microphone.name  # indices change when devices come and go
        latency = min(max(self._stream.get_input_latency(), 0.0), MAX_LATENCY)
        self._sample_clock = SampleClock(self._rate, round(latency * SECOND))
        return f"microphone {microphone.index} {microphone.name}, {self._rate} Hz"

    def start(self, epoch: int) -> None:
        self._epoch = epoch

    def read(self, timeout: float) -> AudioChunk | None:
        if not self._ready:
            try:
                captured_at, block = self._blocks.get(timeout=max(timeout, 0))
            except queue.Empty:
                if self._stream is not None and not self._stream.is_active():
                    raise SourceError(f"microphone {self._device} has gone") from None
                return None
            samples = np.frombuffer(block, np.float32)
            frame = av.AudioFrame.from_ndarray(samples[None], "flt", "mono")
            frame.sample_rate = self._rate
            self._ready.extend(self._resampler.push(frame, captured_at))
        return self._ready.popleft() if self._ready else None

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        if self._portaudio is not None:
            self._portaudio.terminate()
            self._portaudio = None

    def again(self) -> "MicrophoneSource":
        return MicrophoneSource(self._device, self._clock)

    def _open_stream(self, portaudio: pyaudio.PyAudio, microphone: Microphone) -> None:
        try:
            self._stream = self._stream_at(portaudio, microphone.index, SAMPLE_RATE)
        except (OSError, ValueError):
            self._rate = microphone.rate
            self._stream = self._stream_at(portaudio, microphone.index, self._rate)

    def _stream_at(self, portaudio: pyaudio.PyAudio, index: int, rate: int) -> Any:
        return portaudio.open(
            rate=rate,
            channels=1,
            format=pyaudio.paFloat32,
            input=True,
            input_device_index=index,
            frames_per_buffer=rate // BLOCKS_PER_SECOND,
            stream_callback=self._take,
        )

    def _take(
        self, block: bytes | None, samples: int, _: Mapping[str, float], status: int
    ) -> tuple[None, int]:
        """PortAudio's callback: everything but the capture time is left to the reader."""
        if self._epoch is not None and block is not None:
            captured_at = self._sample_clock.place(samples, self._clock()) - self._epoch
            if status & pyaudio.paInputOverflow:
                self.dropped += 1
            try:
                self._blocks.put_nowait((captured_at, block))
            except queue.Full:
                self.dropped += 1
        return None, pyaudio.paContinue
