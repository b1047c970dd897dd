"""What the camera reads off a picture: geometry by the tracker, expression by the network."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from models.features.crop import aligned_crop
from models.features.expression import EXPRESSION_SIZE, Expression
from models.features.face import FACE_SIZE, Face, FaceTracker
from streamer.packets import Floats, Image

LOOK_SIZE = FACE_SIZE + EXPRESSION_SIZE
"""Blendshapes and head pose, then the embedding of the aligned crop."""


class FaceReader:
    """A FaceTracker whose faces hold LOOK_SIZE features.

    Raises AssetError where ``task`` is not the landmarker or ``weights`` not the network's.
    """

    def __init__(self, task: Path, weights: Path, mode: Literal["video", "image"]) -> None:
        self._expression = Expression.load(weights)
        self._tracker = FaceTracker(task, mode)

    def close(self) -> None:
        self._tracker.close()

    def find(self, image: Image, captured_at: int) -> Floats:
        """As FaceTracker.find."""
        return self._tracker.find(image, captured_at)

    def read(self, image: Image, captured_at: int) -> Face:
        """As FaceTracker.track, with ``features`` (LOOK_SIZE,), zero where no face is found."""
        face = self._tracker.track(image, captured_at)
        embedding = np.zeros(EXPRESSION_SIZE, np.float32)
        if face.found:
            embedding = self._expression.embed(aligned_crop(image, face.landmarks)[None])[0]
        return replace(face, features=np.concatenate([face.features, embedding]))
