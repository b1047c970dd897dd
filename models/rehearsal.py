"""A session without devices, clocks and processes: the live line's stages, one after the other."""

from collections.abc import Container, Iterator, Sequence
from contextlib import closing

import numpy as np
from faster_whisper import WhisperModel

from models.degradation import AudioDamage
from models.estimator import Estimator
from models.hearing import Hearing
from models.voice_activity import VoiceActivity
from models.watching import Watching
from streamer.packets import (
    SAMPLE_RATE,
    SECOND,
    AudioHop,
    Estimate,
    FaceFrames,
    Floats,
    Stream,
    VideoFrame,
    VoiceFrames,
    Window,
    Words,
)
from streamer.settings import Settings
from streamer.windows import Packet, WindowAssembler


def hear(
    samples: Floats,
    settings: Settings,
    model: WhisperModel,
    *,
    words: bool = True,
    encoded: Container[int] | None = None,
) -> list[VoiceFrames | Words]:
    """What the transcriber sends for ``samples`` (n,) at 16 kHz, of which whole hops are used, with
    the settings' damage to sound and words; without ``words`` nothing is decoded, and only the
    hops ``encoded`` have features, by default all."""
    size = settings.window.hop_ns * SAMPLE_RATE // SECOND
    damage = AudioDamage(settings.damage, np.random.default_rng(0))
    voice_activity = VoiceActivity()
    hearing = Hearing(settings, model)
    sent: list[VoiceFrames | Words] = []
    count = len(samples) // size
    for hop in range(count):
        part = damage.apply(samples[hop * size : (hop + 1) * size], hop * settings.window.hop_ns)
        packets = hearing.hear(
            AudioHop(hop, part, voice_activity(part), ended=hop == count - 1),
            encode_voice=encoded is None or hop in encoded,
        )
        sent.append(next(packets))
        if words:
            sent += packets
    return sent


def watch(frames: Sequence[VideoFrame], settings: Settings, hops: int) -> list[FaceFrames]:
    """What the camera sends for ``frames`` in ``hops`` hops, with the settings' damage to them."""
    sent = []
    waiting = iter(frames)
    frame = next(waiting, None)
    with closing(Watching(settings)) as watching:
        for hop in range(hops):
            end = (hop + 1) * settings.window.hop_ns
            while frame is not None and frame.captured_at < end:
                watching.watch(frame)
                frame = next(waiting, None)
            sent.append(watching.packet(hop, ended=hop == hops - 1))
    return sent


def windows(packets: Sequence[Packet], settings: Settings) -> Iterator[Window]:
    """The windows of a session that sent ``packets``, each as often as it is revised, in order."""
    streams: set[Stream] = {_stream(packet) for packet in packets}
    assembler = WindowAssembler(settings.window, streams, settings.camera.frame_rate, None)
    for packet in sorted(packets, key=lambda packet: packet.hop):
        assembler.add(packet)
        for item in assembler.ready(0):
            if isinstance(item, Window):
                yield item


def judged(sequence: Iterator[Window], estimator: Estimator) -> list[tuple[Window, Estimate]]:
    """Each window as it stands after its last revision, and what ``estimator``, which must be
    fresh, makes of it."""
    last: dict[int, tuple[Window, Estimate]] = {}
    for window in sequence:
        last[window.hop] = window, estimator.estimate(window)
    return [last[hop] for hop in sorted(last)]


def _stream(packet: Packet) -> Stream:
    if isinstance(packet, Words):
        return "text"
    return "audio" if isinstance(packet, VoiceFrames) else "vision"
