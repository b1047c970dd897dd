"""Pictures as they come out of a call: H.264 at a low bit rate, by FFmpeg's libx264."""

from fractions import Fraction

import av
import cv2
import numpy as np

from models.degradation.effect import Recipe, Sight
from streamer.packets import Image

RATE = 15
"""Pictures a second that the encoder is told."""


class H264:
    """Codes and decodes with a constant quantiser, from 24 (severity 0+) over 38 (0.5) to 51 (1,
    the coarsest there is). Each picture comes out at once: no latency, no pictures held back."""

    def __init__(self, recipe: Recipe) -> None:
        self._quantiser = round(24 + 27 * recipe.severity)
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
        encoder = av.VideoCodecContext.create("libx264", "w")
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
        encoder.time_base, encoder.framerate = Fraction(1, RATE), Fraction(RATE)
        encoder.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "qp": str(self._quantiser),
            "threads": "1",
        }
        decoder = av.VideoCodecContext.create("h264", "r")
        decoder.thread_type, decoder.thread_count = "SLICE", 1
        return encoder, decoder
