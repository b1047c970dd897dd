"""Training crops as a webcam may show them: never twice the same."""

import cv2
import numpy as np

from models.features.crop import CROP_SIDE
from streamer.packets import Floats, Image

TURN = 10.0
"""Degrees by which a crop is turned at the most: what the alignment leaves, and its errors."""

ZOOM = 0.1
SHIFT = 2.5  # pixels of the crop

# Share of the crops and the range of each damage; sigma of the blur is in pixels of 48.
BLUR_SHARE, BLUR_SIGMA = 0.15, (0.4, 2.0)
DARK_SHARE, DARK_LIGHT = 0.1, (0.15, 0.6)
NOISE_SHARE, NOISE_SIGMA = 0.15, (2.0, 10.0)
JPEG_SHARE, JPEG_QUALITY = 0.1, (10, 60)
COVER_SHARE, COVER_AREA = 0.2, (0.03, 0.25)

_LEVELS = np.arange(256) / 255


def augmented(crops: Image, side: int, rng: np.random.Generator) -> Image:
    """``crops`` (n, 48 + 2 margin, 48 + 2 margin), changed at random, as (n, side, side)."""
    return np.stack([_changed(crop, side, rng) for crop in crops])


def _changed(crop: Image, side: int, rng: np.random.Generator) -> Image:
    happens = rng.random(5)
    image = _moved(crop, side, rng)
    if happens[0] < COVER_SHARE:
        _cover(image, rng)
    if happens[1] < BLUR_SHARE:
        sigma = rng.uniform(*BLUR_SIGMA) * side / CROP_SIDE
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)
    image = _lit(image, happens[2] < DARK_SHARE, rng)
    if happens[3] < NOISE_SHARE:
        noise = rng.standard_normal(image.shape, np.float32) * rng.uniform(*NOISE_SIGMA)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if happens[4] < JPEG_SHARE:
        quality = int(rng.integers(*JPEG_QUALITY))
        _, file = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        image = np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE), np.uint8)
    return image


def _moved(crop: Image, side: int, rng: np.random.Generator) -> Image:
    """Mirrored or not, turned, scaled and shifted, at ``side`` pixels."""
    angle = np.radians(rng.uniform(-TURN, TURN))
    zoom = (1 + rng.uniform(-ZOOM, ZOOM)) * CROP_SIDE / side
    mirror = -1 if rng.random() < 0.5 else 1
    turn = zoom * np.array([[np.cos(angle) * mirror, -np.sin(angle)],
                            [np.sin(angle) * mirror, np.cos(angle)]])  # fmt: skip
    centre = (len(crop) - 1) / 2 + rng.uniform(-SHIFT, SHIFT, 2)
    to_crop: Floats = np.column_stack([turn, centre - turn @ np.full(2, (side - 1) / 2)])
    moved = cv2.warpAffine(
        crop,
        to_crop,
        (side, side),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(moved, np.uint8)


def _cover(image: Image, rng: np.random.Generator) -> None:
    """Hides an even rectangle or one of noise."""
    side = len(image)
    aspect = 2.5 ** rng.uniform(-0.5, 0.5)
    area = rng.uniform(*COVER_AREA)
    height, width = np.minimum(side, np.rint(side * np.sqrt(area * np.array([aspect, 1 / aspect]))))
    top, left = rng.integers(0, side - np.array([height, width]) + 1)
    size = (int(height), int(width)) if rng.random() < 0.3 else ()
    image[top : top + int(height), left : left + int(width)] = rng.integers(0, 256, size)


def _lit(image: Image, is_dark: bool, rng: np.random.Generator) -> Image:
    """Other gamma, contrast and brightness, or little light."""
    light = rng.uniform(*DARK_LIGHT) if is_dark else rng.uniform(0.8, 1.25)
    offset = 0 if is_dark else rng.uniform(-0.1, 0.1)
    curve = light * _LEVELS ** (2 ** rng.uniform(-0.5, 0.5)) + offset
    table = np.clip(curve * 255, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table), np.uint8)
