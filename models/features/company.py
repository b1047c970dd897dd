"""Whether the speaker is alone in the picture: the tallest other face, by MediaPipe's detector."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from streamer.packets import Image

DETECTOR = "face_detector.tflite"
"""The landmarker's own detector, as its task file holds it: BlazeFace for short range."""

OVERLAP = 0.5
"""Intersection over union from which two boxes are of one face. MediaPipe's default, 0.3, takes a
face for another one that is half hidden behind it."""


class Company:
    """Looks for other faces than the one that is tracked, ``every`` ns and not at each picture: a
    tracker of one face never looks for another, and a detection takes 2 ms.

    Raises OSError, RuntimeError or ValueError where ``task`` is not the landmarker's file.
    """

    def __init__(self, task: Path, every: int) -> None:
        import mediapipe
        from mediapipe.tasks.python import vision
        from mediapipe.tasks.python.core.base_options import BaseOptions

        try:
            with zipfile.ZipFile(task) as bundle:
                model = bundle.read(DETECTOR)
        except (zipfile.BadZipFile, KeyError) as error:
            raise ValueError(f"holds no {DETECTOR}: {error}") from None
        options = vision.FaceDetectorOptions(
            base_options=BaseOptions(model_asset_buffer=model),
            min_suppression_threshold=OVERLAP,
        )
        self._detector = vision.FaceDetector.create_from_options(options)
        self._mediapipe: Any = mediapipe
        self._every = every
        self._counted_at: int | None = None
        self._last = 0.0

    def close(self) -> None:
        self._detector.close()

    def second_face(self, rgb: Image, points: npt.NDArray[np.float64], captured_at: int) -> float:
        """Height of the tallest other face in ``rgb`` (height, width, 3) relative to the speaker's,
        whose landmarks are ``points`` (n, 2), x and y in pixels; 0 where there is none. As it was
        last found, less than ``every`` ns before ``captured_at``."""
        if self._counted_at is None or not 0 <= captured_at - self._counted_at < self._every:
            self._counted_at = captured_at
            self._last = self._relative_height(rgb, points)
        return self._last

    def _relative_height(self, rgb: Image, points: npt.NDArray[np.float64]) -> float:
        picture = self._mediapipe.Image(
            image_format=self._mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(rgb)
        )
        found = self._detector.detect(picture).detections
        boxes = [detection.bounding_box for detection in found]
        if len(boxes) < 2:
            return 0.0
        middle = (points.min(axis=0) + points.max(axis=0)) / 2
        middles = np.array([(b.origin_x + b.width / 2, b.origin_y + b.height / 2) for b in boxes])
        heights = np.array([box.height for box in boxes], np.float64)
        # The speaker's is the detector's box nearest to the tracked face.
        speaker = int(np.hypot(*(middles - middle).T).argmin())
        return float(np.delete(heights, speaker).max() / max(heights[speaker], 1))
