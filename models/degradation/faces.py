"""Kinds of vision damage that have to do with the face: covered, masked, leaving, not alone."""

import cv2
import numpy as np

from models.degradation.effect import Box, Recipe, Sight
from models.degradation.video import usual_face
from streamer.errors import SettingError
from streamer.packets import Floats, Image

MASKED = 0.6
"""Share of the face's height, from the chin up, that a mask over mouth and nose hides."""

HAIRLINE = 0.2
"""Of the face's height: what the landmarks leave out of a head above the forehead."""

TALLEST = 1.3
"""Height of the nearest second face, to the speaker's."""

FARTHEST, NEAREST = 1.2, 0.6
"""Distance of a second face from the speaker's, to that at which both touch."""

_PAPER = (215, 200, 165)  # BGR, the blue of a surgical mask
_SKIN = (120, 150, 200)  # BGR


def face_box(landmarks: Floats) -> Box:
    """The box around ``landmarks`` (n, 2), x and y in pixels, n at least 1."""
    left, top = landmarks.min(axis=0)
    width, height = landmarks.max(axis=0) - (left, top)
    return Box(float(left), float(top), max(float(width), 1.0), max(float(height), 1.0))


def cover(image: Image, sight: Sight) -> Image:
    """A hand before the lens, over the whole height: a finger beside the face at severity 0+, over
    its left half at 0.5, over all of it, and what is to the left of it, at 1."""
    face = sight.face or usual_face(image)
    right = max(round(face.left + _across(sight.severity) * face.width), 1)
    left = min(round((face.left + _across(0) * face.width) * (1 - sight.severity)), right - 1)
    covered = image.copy()
    covered[:, max(left, 0) : right] = _SKIN
    return covered


def mask(image: Image, sight: Sight) -> Image:
    """A mask that hides the lower 60 % times ``severity`` of the face: half of the mouth at 0.5,
    mouth and nose at 1. Where no face is known, where one mostly is."""
    face = sight.face or usual_face(image)
    worn = np.zeros(image.shape[:2], np.uint8)
    centre = (round(face.left + face.width / 2), round(face.top + face.height / 2))
    axes = (round(0.5 * face.width) + 1, round(0.52 * face.height) + 1)
    cv2.ellipse(worn, centre, axes, 0, 0, 360, 255, cv2.FILLED)
    edge = face.top + face.height * (1 - MASKED * sight.severity)
    worn[: max(round(edge), 0)] = 0
    masked = image.copy()
    masked[worn > 0] = _PAPER
    return masked


class Leave:
    """The camera has turned away, to one side for the whole stretch: the picture's edge is near the
    face at severity 0+, goes through its middle at 0.5, and the face is out of it at 1. The other
    edge is drawn out."""

    def __init__(self, recipe: Recipe) -> None:
        self._to_the_left = bool(recipe.generator.random() < 0.5)

    def __call__(self, image: Image, sight: Sight) -> Image:
        width = image.shape[1]
        face = sight.face or usual_face(image)
        before = face.left if self._to_the_left else width - face.left - face.width
        step = min(max(round(before + _across(sight.severity) * face.width), 1), width - 1)
        if self._to_the_left:
            kept, sides = image[:, step:], (0, step)
        else:
            kept, sides = image[:, : width - step], (step, 0)
        moved = cv2.copyMakeBorder(kept, 0, 0, *sides, cv2.BORDER_REPLICATE)
        return np.asarray(moved, np.uint8)


class SecondFace:
    """Somebody else, on the side where there is more room: the face of the recipe's picture, else
    the speaker's own in the mirror.

    They come nearer with ``severity``: their face is TALLEST times ``severity`` as tall as the
    speaker's. At 0.5 it is beside that, two thirds as tall; at 1 it is taller and before a part of
    that, so that a tracker of one face goes over to it.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._other: Image | None = None
        if recipe.file is not None:
            read = cv2.imread(str(recipe.file), cv2.IMREAD_COLOR)
            if read is None:
                raise SettingError(f"damage file {recipe.file}: must be a picture")
            self._other = np.asarray(read, np.uint8)

    def __call__(self, image: Image, sight: Sight) -> Image:
        height, width = image.shape[:2]
        face = sight.face or usual_face(image)
        head = Box(face.left, face.top - HAIRLINE * face.height,
                   face.width, (1 + HAIRLINE) * face.height)  # fmt: skip
        left, top, right, bottom = _inside(head, width, height)
        other = self._other if self._other is not None else image[top:bottom, left:right][:, ::-1]
        tall = max(round(TALLEST * sight.severity * min(head.height, height)), 1)
        wide = max(round(tall * other.shape[1] / other.shape[0]), 1)
        away = (FARTHEST + (NEAREST - FARTHEST) * sight.severity) * (face.width + wide) / 2
        middle = face.left + face.width / 2
        middle += -away if left > width - right else away
        return _pasted(image, other, Box(middle - wide / 2, head.top + (head.height - tall) / 2,
                                         wide, tall))  # fmt: skip


def _across(severity: float) -> float:
    """Of the face's width: how far what comes over it has got, a little to spare at both ends as
    the head moves."""
    return 0.5 + 1.2 * (severity - 0.5)


def _pasted(image: Image, other: Image, place: Box) -> Image:
    """``image`` with an oval of ``other``, scaled to ``place``, of which a part may lie outside."""
    left, top = round(place.left), round(place.top)
    wide, tall = round(place.width), round(place.height)
    rows = slice(max(top, 0), min(top + tall, image.shape[0]))
    columns = slice(max(left, 0), min(left + wide, image.shape[1]))
    result = image.copy()
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return result
    scaled = cv2.resize(other, (wide, tall), interpolation=cv2.INTER_AREA)
    oval = np.zeros((tall, wide), np.uint8)
    cv2.ellipse(oval, (wide // 2, tall // 2), (wide // 2, tall // 2), 0, 0, 360, 255, cv2.FILLED)
    seen = (slice(rows.start - top, rows.stop - top),
            slice(columns.start - left, columns.stop - left))  # fmt: skip
    part = result[rows, columns]
    part[oval[seen] > 0] = scaled[seen][oval[seen] > 0]
    return result


def _inside(face: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what the picture shows of ``face``, at least one pixel."""
    left = min(max(round(face.left), 0), width - 1)
    top = min(max(round(face.top), 0), height - 1)
    right = min(max(round(face.left + face.width), left + 1), width)
    bottom = min(max(round(face.top + face.height), top + 1), height)
    return left, top, right, bottom
