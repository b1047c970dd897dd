"""Pictures as they come out of a call: H.264 at a low bit rate, by FFmpeg's libx264."""

from fractions import Fraction

import av
import cv2
import numpy as np

from models.degradation.effect import Recipe, Sight
from streamer.packets import Image

RATE = 15
"""Pictures a second that the encoder is told."""

HIGHEST, LOWEST = 400_000, 15_000
"""Bits a second at severity 0+ and 1, for pictures of PIXELS; others get theirs by their area."""

PIXELS = 640 * 480

_LEAST = 4000  # bits a second: libx264 counts in thousands, and headers alone take some


class H264:
    """Codes and decodes at a bit rate, as a thin line makes a call do: for 640 x 480 at 15 pictures
    a second 400 kbit/s (severity 0+), 77 (0.5), 15 (1).

    A second of the rate is the most that may be sent ahead, so what moves or is new is coded more
    coarsely than what rests. Each picture comes out at once: no latency, none held back.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._bits = HIGHEST * (LOWEST / HIGHEST) ** recipe.severity / PIXELS
        self._size = (0, 0)
        self._count = 0

    def __call__(self, image: Image, _: Sight) -> Image:
        height, width = image.shape[:2]
        # Colour is coded at half the resolution: both sides must be even.
        borders = (0, height % 2, 0, width % 2)
        even = np.asarray(cv2.copyMakeBorder(image, *borders, cv2.BORDER_REPLICATE), np.uint8)
        size = (even.shape[1], even.shape[0])
        if size != self._size:
            self._size = size
            self._encoder, self._decoder = self._coders(*size)
        planes = np.asarray(cv2.cvtColor(even, cv2.COLOR_BGR2YUV_I420), np.uint8)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts, self._count = self._count, self._count + 1
        shown = [
            np.asarray(cv2.cvtColor(decoded.to_ndarray(), cv2.COLOR_YUV2BGR_I420), np.uint8)
            for packet in self._encoder.encode(frame)
            for decoded in self._decoder.decode(packet)
        ]
        return shown[-1][:height, :width]

    def _coders(self, width: int, height: int) -> tuple[av.VideoCodecContext, av.VideoCodecContext]:
        rate = max(round(self._bits * width * height), _LEAST)
        encoder = av.VideoCodecContext.create("libx264", "w")
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
        encoder.time_base, encoder.framerate = Fraction(1, RATE), Fraction(RATE)
        encoder.bit_rate = rate
        encoder.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "maxrate": str(rate),
            "bufsize": str(rate),
            "threads": "1",
        }
        decoder = av.VideoCodecContext.create("h264", "r")
        decoder.thread_type, decoder.thread_count = "SLICE", 1
        return encoder, decoder
