"""The transcriber's actor: sound in, voice features and words out."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from actors.channel import Channel, channel_to
from models.hearing import Hearing, load_whisper
from streamer.packets import SECOND, AudioHop, VoiceFrames, Words
from streamer.retreat import Step
from streamer.settings import Settings
from streamer.tracing.spans import Spans

STOP_TIMEOUT = 2.0

SKIPPED_AT_ONCE = 3
"""Hops that are left out one after the other at most: however late it is, something is heard."""


class Transcriber:
    """Sends two packets for every hop: first the voice, then, once decoded, the words.

    In real time a hop that comes so late that its window has closed, and the next one waits, is not
    analysed: so the lag is made good at once. Its sound is there for the words and for the windows
    that follow; ``dropped`` of the voice that follows counts it.

    Raises AssetError where the model is missing or cannot be read.
    """

    def __init__(
        self, settings: Settings, output: Any, clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        """``output`` takes the packets: a function, or a method of a Ray actor."""
        self._clock = clock
        self._epoch: int | None = None
        self._hop_ns = settings.window.hop_ns
        self._allowed = max(settings.window.hop_ns, round(settings.window.deadline * SECOND))
        self._paced = settings.paced
        self._skipped = self._skipped_at_once = 0
        self._channel: Channel[VoiceFrames | Words] = channel_to(
            output, settings.paced, "transcriber to analyzer"
        )
        # For every thread that ever computes, its libraries hold some memory.
        self._computing = ThreadPoolExecutor(1, "transcriber computes")
        self._hearing = Hearing(settings, load_whisper(settings))
        self.spans = Spans(settings.trace.is_wanted)

    def open(self) -> str:
        """Warm up."""
        self._computing.submit(self._hearing.warm_up).result()
        return "Whisper tiny.en"

    def start(self, epoch: int, resumed: bool = False) -> None:  # noqa: ARG002  all stages have it
        """It begins with whatever comes first; ``epoch`` is session time 0 on the clock (ns)."""
        self._epoch = epoch

    def retreat(self, step: Step) -> None:
        """From now on listen as ``step`` says."""
        self._hearing.ease(step.hops, step.words)

    def push(self, hop: AudioHop) -> None:
        """Take in the sound of the next hop."""
        if self._is_outdated(hop):
            self._skipped += 1
            self._skipped_at_once += 1
            self._hearing.skip(hop)
            return
        self._skipped_at_once = 0
        hop = replace(hop, dropped=hop.dropped + self._skipped)
        self._computing.submit(self._hear, hop).result()

    def _hear(self, hop: AudioHop) -> None:
        begun = self.spans.clock()
        for packet in self._hearing.hear(hop):
            stage = "transcribe" if isinstance(packet, Words) else "hear"
            self.spans.add(stage, hop.hop, begun)
            self._channel.put(packet)
            begun = self.spans.clock()

    def _is_outdated(self, hop: AudioHop) -> bool:
        if not self._paced or self._epoch is None or hop.ended:
            return False
        age = self._clock() - self._epoch - (hop.hop + 1) * self._hop_ns
        return age > self._allowed and self._skipped_at_once < SKIPPED_AT_ONCE

    def stats(self) -> dict[str, float]:
        """Packets waiting, dropped or failed on their way to the analyzer, and hops ``skipped``.

        Raises PipelineError where one was not delivered in a session that is not paced.
        """
        self._channel.check()
        return {**self._channel.stats(), "skipped": self._skipped}

    def stop(self) -> None:
        """Deliver what waits, for a few seconds at most."""
        self._channel.close(STOP_TIMEOUT)
