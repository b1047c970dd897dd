"""The head turned away, as far as a picture of the front of it can tell."""

import math

import cv2
import numpy as np

from models.degradation.effect import Box, Recipe, Sight
from models.degradation.video import usual_face
from streamer.packets import Floats, Image

FARTHEST = 90.0
"""Degrees by which the head is turned at severity 1."""

WIDE, HIGH, DEEP = 0.55, 0.68, 0.65
"""Half-axes of the head: across, up and to the front; in widths, heights and widths of the face
that the landmarks enclose, which ends at the forehead."""

SEEN = 0.92
"""Of the head's half-width: beyond, the picture shows what is behind the head rather than it."""

ABOVE = 0.08
"""Of the face's height: by how much the head's middle lies above the face's."""


class Turn:
    """The head is turned about its vertical axis by FARTHEST degrees times ``severity``, 45 at 0.5,
    to one side for the whole stretch.

    It is a warp of the picture, not a view from the side: the head is taken for an ellipsoid that
    is painted with the picture and turned, seen from afar. A nose does not stand out, eyes do not
    counter-rotate, and the side of the head that the camera never saw is the last column it saw,
    drawn out. MediaPipe reads about three quarters of the angle up to 45 degrees, and mostly no
    longer finds a face beyond 60.
    """

    def __init__(self, recipe: Recipe) -> None:
        side = -1 if recipe.generator.random() < 0.5 else 1
        self._angle = side * math.radians(FARTHEST * recipe.severity)
        self._place: tuple[tuple[int, ...], Box] | None = None

    def __call__(self, image: Image, sight: Sight) -> Image:
        place = image.shape, sight.face or usual_face(image)
        if place != self._place:
            self._place = place
            self._columns, self._rows = self._map(image.shape[0], image.shape[1], place[1])
        turned = cv2.remap(
            image, self._columns, self._rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(turned, np.uint8)

    def _map(self, height: int, width: int, face: Box) -> tuple[Floats, Floats]:
        """Column and row (height, width) from which each pixel is taken."""
        across, up = WIDE * face.width, HIGH * face.height
        middle = face.left + face.width / 2
        x = ((np.arange(width) - middle) / across).astype(np.float32)
        y = (np.arange(height) - face.top - (0.5 - ABOVE) * face.height) / up
        columns = middle + across * _painted(x, y.astype(np.float32)[:, None], self._angle)
        rows = np.repeat(np.arange(height, dtype=np.float32)[:, None], width, axis=1)
        return columns.astype(np.float32), rows


def _painted(x: Floats, y: Floats, angle: float) -> Floats:
    """Where on the picture the points ``x`` (width,), ``y`` (height, 1) of the turned head come
    from: x of each (height, width), in half-axes. Outside of the head it is ``x``."""
    depth = DEEP / WIDE
    cos, sin = math.cos(angle), math.sin(angle)
    rim = 1 - y**2  # squared half-width of the head at this height
    # The line of sight at x meets the ellipsoid where a z² + 2 b z + c = 0; the nearer one is seen.
    a = sin**2 + (cos / depth) ** 2
    b = x * sin * cos * (1 / depth**2 - 1)
    c = x**2 * (cos**2 + (sin / depth) ** 2) - rim
    root = b**2 - a * c
    on_head = root >= 0
    z = (-b + np.sqrt(np.maximum(root, 0))) / a
    # Turned back to where the camera saw it; what was behind is on the rim.
    before, front = x * cos - z * sin, x * sin + z * cos
    edge = np.sqrt(np.maximum(rim, 0)) * SEEN
    seen = np.where(front > 0, np.clip(before, -edge, edge), np.copysign(edge, before))
    return np.asarray(np.where(on_head & (rim > 0), seen, x), np.float32)
