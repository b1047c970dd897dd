"""Damage of medium strength to a picture, before the landmarker sees it, as in a bad video call."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np

from models import degradation
from models.degradation import Sight
from models.training.views import FACE_BORDER, FACE_SIDE
from streamer.packets import Image

BLUR, DARK = 1.0, 0.2
"""Severity of the live line's own damage, ``models.degradation``: a blur of 2 % of the picture's
height (6.4 of 320 pixels, which is 3.3 % of the face), and half of the light."""

DARK_NOISE = 4.0
"""Deviation of the sensor's noise, of 255, in the dark."""

JPEG_QUALITY = 10
"""Quality of the JPEG file (1 to 100) on a face of 192 pixels."""

COVER_SHARE, COVER_ASPECT = 0.2, 2.0
"""Share of the face's square that an even rectangle hides, and how long it may be to its width."""

PictureDamage = Callable[[Image, np.random.Generator], Image]


def blur(image: Image, _: np.random.Generator) -> Image:
    """Out of focus."""
    return degradation.blur(image, Sight(BLUR, lost=False, last=None))


def dark(image: Image, rng: np.random.Generator) -> Image:
    """Too little light."""
    light = degradation.dark(image, Sight(DARK, lost=False, last=None))
    noisy = light + rng.normal(0, DARK_NOISE, image.shape)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def jpeg(image: Image, _: np.random.Generator) -> Image:
    """Too little bandwidth."""
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return np.asarray(cv2.imdecode(encoded[1], cv2.IMREAD_COLOR), np.uint8)


def cover(image: Image, rng: np.random.Generator) -> Image:
    """Something before the face, anywhere on it."""
    aspect = COVER_ASPECT ** rng.uniform(-1, 1)
    sides = FACE_SIDE * np.sqrt(COVER_SHARE * np.array([aspect, 1 / aspect]))
    height, width = np.rint(sides).astype(int)
    top = FACE_BORDER + rng.integers(FACE_SIDE - height + 1)
    left = FACE_BORDER + rng.integers(FACE_SIDE - width + 1)
    covered = image.copy()
    covered[top : top + height, left : left + width] = rng.integers(256)
    return covered


MEDIUM_DAMAGE: Mapping[str, PictureDamage] = MappingProxyType(
    {"blur": blur, "dark": dark, "jpeg": jpeg, "cover": cover}
)
"""Each kind by its name; for pictures (320, 320, 3) as ``views`` frames FER2013's."""
