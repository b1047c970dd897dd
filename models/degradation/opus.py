"""Speech as it comes out of a call: Opus at a low bit rate (RFC 6716), by FFmpeg's libopus."""

from fractions import Fraction

import av
import numpy as np

from models.degradation.blocks import OneBlockLate
from models.degradation.effect import Recipe, Sound
from streamer.packets import SAMPLE_RATE, Floats

DECODED_RATE = 48_000
"""Hz at which FFmpeg's decoder gives the sound, whatever went in."""

PACKET = 60 * SAMPLE_RATE // 1000
"""Samples of a packet: the longest a coder of speech makes, as calls do on thin lines, for fewer
headers. It takes two thirds of the processor time of packets of 20 ms."""

DELAY = PACKET + 104
"""Samples by which the sound comes out late, 66.5 ms: a packet, and the coder's look-ahead."""


class Opus:
    """Codes and decodes at a constant bit rate: 20 kbit/s (severity 0+), above which speech sounds
    as before, 11 (0.5), 6 (1).

    The sound is DELAY samples late, as it would be in a call; what is late by this little lies in
    the same step of the features, so it is not moved back.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._encoder = av.CodecContext.create("libopus", "w")
        self._encoder.sample_rate = SAMPLE_RATE
        self._encoder.layout = "mono"
        self._encoder.format = "s16"
        self._encoder.time_base = Fraction(1, SAMPLE_RATE)
        self._encoder.bit_rate = round(20_000 * 0.3**recipe.severity)
        self._encoder.options = {
            "application": "voip",
            "frame_duration": "60",
            "vbr": "off",
            "compression_level": "0",  # a third of the processor time, the same artefacts
        }
        self._decoder = av.CodecContext.create("libopus", "r")
        self._decoder.sample_rate = DECODED_RATE
        self._decoder.layout = "mono"
        self._coded = OneBlockLate(self._code, PACKET)

    def __call__(self, samples: Floats, sound: Sound) -> Floats:
        return self._coded(samples, sound.first)

    def _code(self, block: Floats, number: int) -> Floats:
        whole = np.round(np.clip(block, -1, 1) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(whole[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, number * PACKET
        frame.time_base = Fraction(1, SAMPLE_RATE)
        sound = [
            decoded.to_ndarray()[0]
            for packet in self._encoder.encode(frame)
            for decoded in self._decoder.decode(packet)
        ]
        # Nothing above 8 kHz went in, so every third sample says it all.
        steps = np.concatenate(sound)[:: DECODED_RATE // SAMPLE_RATE]
        return np.asarray(steps / 32768, np.float32)
