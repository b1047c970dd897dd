"""Kinds of vision damage that have to do with the face: masked, leaving, not alone."""

import cv2
import numpy as np

from models.degradation.effect import Box, Recipe, Sight
from models.degradation.video import usual_face
from streamer.errors import SettingError
from streamer.packets import Floats, Image

MASKED = 0.6
"""Share of the face's height, from the chin up, that a mask over mouth and nose hides."""

_PAPER = (215, 200, 165)  # BGR, the blue of a surgical mask


def face_box(landmarks: Floats) -> Box:
    """The box around ``landmarks`` (n, 2), x and y in pixels, n at least 1."""
    left, top = landmarks.min(axis=0)
    width, height = landmarks.max(axis=0) - (left, top)
    return Box(float(left), float(top), max(float(width), 1.0), max(float(height), 1.0))


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
    """The camera turns away, to one side for the whole stretch: the picture moves by ``severity``
    times its width, and its edge is drawn out. A face in the middle is cut in half at 0.5."""

    def __init__(self, recipe: Recipe) -> None:
        self._to_the_left = bool(recipe.generator.random() < 0.5)

    def __call__(self, image: Image, sight: Sight) -> Image:
        width = image.shape[1]
        step = min(round(sight.severity * width), width - 1)
        if self._to_the_left:
            kept, sides = image[:, step:], (0, step)
        else:
            kept, sides = image[:, : width - step], (step, 0)
        moved = cv2.copyMakeBorder(kept, 0, 0, *sides, cv2.BORDER_REPLICATE)
        return np.asarray(moved, np.uint8)


class SecondFace:
    """Somebody else beside the speaker, ``severity`` times as tall: the face of the recipe's
    picture, else the speaker's own in the mirror."""

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
        left, top, right, bottom = _inside(face, width, height)
        other = self._other if self._other is not None else image[top:bottom, left:right][:, ::-1]
        tall = max(round(sight.severity * min(face.height, height)), 1)
        wide = min(max(round(tall * other.shape[1] / other.shape[0]), 1), width)
        pasted = cv2.resize(other, (wide, tall), interpolation=cv2.INTER_AREA)
        shape = np.zeros((tall, wide), np.uint8)
        cv2.ellipse(shape, (wide // 2, tall // 2), (wide // 2, tall // 2), 0, 0, 360, 255, -1)
        room_on_the_left = left > width - right
        x = 0 if room_on_the_left else width - wide
        y = min(max(bottom - tall, 0), height - tall)
        result = image.copy()
        place = result[y : y + tall, x : x + wide]
        place[shape > 0] = pasted[shape > 0]
        return result


def _inside(face: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what the picture shows of ``face``, at least one pixel."""
    left = min(max(round(face.left), 0), width - 1)
    top = min(max(round(face.top), 0), height - 1)
    right = min(max(round(face.left + face.width), left + 1), width)
    bottom = min(max(round(face.top + face.height), top + 1), height)
    return left, top, right, bottom
