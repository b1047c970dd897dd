"""The microphone's actor: sound in hops, with voice activity."""

from typing import Any

import numpy as np

from actors.audio_sources import AudioSource, FileAudioSource, MicrophoneSource
from actors.capture import Capture, Clock, monotonic_clock
from actors.hop_cutter import HopCutter
from actors.reopening import Reopening
from actors.source import EndOfStream
from models.degradation import AudioDamage
from models.voice_activity import VoiceActivity
from streamer.packets import SAMPLE_RATE, SECOND, AudioHop
from streamer.settings import Settings

STALL_GRACE = SECOND * 3 // 20
"""A live hop that is not complete so long after its end is sent as it is."""


class Microphone(Capture[AudioHop]):
    """Sends one AudioHop per hop, also when nothing is heard.

    The last one has ``ended`` set: at the session's duration or where the file ends. ``dropped``
    counts blocks and hops lost since the start.
    """

    def __init__(
        self,
        settings: Settings,
        output: Any,
        source: AudioSource | None = None,
        clock: Clock = monotonic_clock,
    ) -> None:
        source = source or audio_source(settings)
        super().__init__("microphone", settings, output, source, clock)
        self._damage = AudioDamage(settings.damage, np.random.default_rng(0))
        self._voice_activity = VoiceActivity()
        self._cutter = HopCutter(self._hop_ns * SAMPLE_RATE // SECOND)

    def stats(self) -> dict[str, float]:
        return super().stats() | {"late_samples": self._cutter.late}

    def _run(self) -> None:
        self._cutter.begin_at(self._hop)
        while not self._stopping.is_set():
            self._came_by()
            try:
                chunk = self._source.read(self._patience())
            except EndOfStream:
                self._finish()
                return
            if chunk is not None:
                self._cutter.add(chunk)
            while self._is_due():
                if self._is_last:
                    self._send(ended=True)
                    return
                self._send()

    def _patience(self) -> float:
        return min(max(self._hop_end + STALL_GRACE - self._now, 0) / SECOND, 0.1)

    def _is_due(self) -> bool:
        if self._stopping.is_set():
            return False
        if self._live:
            stalled = self._now >= self._hop_end + STALL_GRACE
            return stalled or self._cutter.filled >= self._hop_end
        # More than the hop must be there, so that the file's last hop is known to be the last.
        return self._cutter.filled > self._hop_end

    def _finish(self) -> None:
        while not self._stopping.is_set():
            last = self._is_last or self._cutter.filled <= self._hop_end
            self._send(ended=last)
            if last:
                return

    def _send(self, ended: bool = False) -> None:
        samples = self._damage.apply(self._cutter.cut(), self._hop * self._hop_ns)
        if self._muted.is_set():
            samples = np.full_like(samples, np.nan)
        speech = self._voice_activity(samples)
        self._wait_until(self._hop_end)
        dropped = self._source.dropped + self._channel.lost
        self._channel.put(AudioHop(self._hop, samples, speech, dropped, ended, self._source.fault))
        self._hop += 1


def audio_source(settings: Settings) -> AudioSource:
    """The source that the settings name."""
    if settings.source.file is not None:
        return FileAudioSource(settings.source.file, settings.source.loop)
    return Reopening(MicrophoneSource(settings.microphone.device))
