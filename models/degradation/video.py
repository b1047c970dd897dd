"""Kinds of vision damage of lenses, light, sensors and lines: from a picture to a picture."""

import math

import cv2
import numpy as np

from models.degradation.effect import Box, Recipe, Sight, SightEffect, SightKind
from streamer.packets import SECOND, Floats, Image

FULL_RATE = 15.0
"""Pictures a second from which the frame rate falls."""

GRAINS = 2**21
"""Values of the sensor's noise that are drawn once; each picture takes them from another place."""


def plain(effect: SightEffect) -> SightKind:
    """A kind of damage from a function of picture and sight."""
    return lambda _: effect


def dark(image: Image, sight: Sight) -> Image:
    """Takes the light away, by the same factor for each step: 42 % of it are left at 0.25, 17 % at
    0.5, 7 % at 0.75, none at 1. The sensor rounds what is left to whole steps."""
    light = 0.03**sight.severity if sight.severity < 1 else 0
    return np.asarray(cv2.convertScaleAbs(image, alpha=light), np.uint8)


def backlight(image: Image, sight: Sight) -> Image:
    """A window behind the face: there down to 15 % of the light at 1, all around it four times as
    much, and a veil of up to 60 of 255 over everything."""
    height, width = image.shape[:2]
    face = sight.face or usual_face(image)
    # The light varies slowly: worked out on a small grid.
    rows, columns = (math.ceil(side / 8) for side in (height, width))
    y = (np.arange(rows)[:, None] + 0.5) * height / rows - face.top - face.height / 2
    x = (np.arange(columns) + 0.5) * width / columns - face.left - face.width / 2
    away = ((x / (0.8 * face.width)) ** 2 + (y / (0.8 * face.height)) ** 2) ** 2
    behind = away / (1 + away)
    gain = 1 + sight.severity * (3 * behind - 0.85 * (1 - behind))
    light = cv2.resize(gain.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    lit = cv2.multiply(image, cv2.merge([light] * 3), dtype=cv2.CV_8U)
    veil = np.full_like(image, round(60 * sight.severity))
    return np.asarray(cv2.add(lit, veil), np.uint8)


def blur(image: Image, sight: Sight) -> Image:
    """Out of focus: a Gaussian whose deviation is ``severity`` times 2 % of the height."""
    deviation = max(0.02 * sight.severity * image.shape[0], 1e-3)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), deviation), np.uint8)


def motion_blur(image: Image, sight: Sight) -> Image:
    """The camera pans while the shutter is open: the mean along ``severity`` times 10 % of the
    width."""
    reach = round(0.05 * sight.severity * image.shape[1])
    size = (2 * reach + 1, 1)
    return np.asarray(cv2.blur(image, size, borderType=cv2.BORDER_REPLICATE), np.uint8)


def jpeg(image: Image, sight: Sight) -> Image:
    """Coded as JPEG: quality 95 at severity 0+, 17 at 0.5, 3 at 1."""
    quality = round(95 * (3 / 95) ** sight.severity)
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(encoded[1], cv2.IMREAD_COLOR), np.uint8)


def resolution(image: Image, sight: Sight) -> Image:
    """Sent smaller and enlarged again: to 1/32 of its height and width at 1, 1/5.7 at 0.5."""
    height, width = image.shape[:2]
    scale = 32**-sight.severity
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def freeze(image: Image, sight: Sight) -> Image:
    """Shows the last picture again, for a share of ``severity`` of the time."""
    return sight.last if sight.lost and sight.last is not None else image


def lose(image: Image, sight: Sight) -> Image | None:
    """Loses a share of ``severity`` of all pictures, in bursts."""
    return None if sight.lost else image


class FrameRate:
    """Sends fewer pictures, evenly: 15 a second at severity 0+, 2.7 at 0.5, one in 2 s at 1."""

    def __init__(self, recipe: Recipe) -> None:
        self._period = SECOND / (FULL_RATE * 30**-recipe.severity)
        self._slot: int | None = None

    def __call__(self, image: Image, sight: Sight) -> Image | None:
        slot = math.floor(sight.captured_at / self._period)
        if slot == self._slot:
            return None
        self._slot = slot
        return image


class SensorNoise:
    """Gaussian noise of each pixel and colour, with a deviation of 100 of 255 times the square of
    ``severity``: 25 at 0.5."""

    def __init__(self, recipe: Recipe) -> None:
        self._generator = recipe.generator
        grains: Floats = recipe.generator.standard_normal(GRAINS, np.float32)
        self._grains = np.round(100 * recipe.severity**2 * grains).astype(np.int16)

    def __call__(self, image: Image, _: Sight) -> Image:
        grains = np.resize(self._grains, max(2 * image.size, GRAINS))
        at = int(self._generator.integers(len(grains) - image.size))
        noise = grains[at : at + image.size].reshape(image.shape)
        return np.asarray(cv2.add(image, noise, dtype=cv2.CV_8U), np.uint8)


def usual_face(image: Image) -> Box:
    """Where a face mostly is in a call: in the middle, a little low, three fifths of the height."""
    height, width = image.shape[:2]
    return Box(0.3 * width, 0.25 * height, 0.4 * width, 0.6 * height)
