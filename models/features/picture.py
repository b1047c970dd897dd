"""Measures of how well a picture shows a face, taken on the face box at a fixed size."""

import cv2
import numpy as np

from streamer.packets import Floats, Image

SIDE = 96
"""Pixels to which a face box is scaled, so that the measures do not depend on the camera's
resolution."""

BLOCK = 8
"""Pixels of a block of JPEG; those of H.264 end where these do."""

# Points of MediaPipe's mesh on plain skin, lips, eyes and brows left out.
LOWER_FACE = (1, 2, 4, 18, 83, 98, 136, 148, 150, 152, 164, 172, 175, 199, 200, 205, 207, 212, 287,
              313, 327, 365, 377, 379, 397, 425, 427, 432, 57)  # fmt: skip
UPPER_FACE = (6, 8, 9, 10, 50, 67, 69, 104, 108, 109, 117, 118, 123, 151, 197, 280, 297, 299, 333,
              337, 338, 346, 347, 352)  # fmt: skip

_RIM = SIDE // 8
_SHADOWS = 3  # deviation of a Gaussian, in pixels
_ANOTHER_COLOUR = 15.0  # in the plane of Cr and Cb; a face's own shades lie within 10
_AS_LIGHT = 0.5  # of the upper face's luma: what is darker may be a beard
_SECOND = np.array([[1, -2, 1]], np.float32)
_LAPLACE_DIFFERENCE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


def scaled(gray: Image) -> Floats:
    """``gray`` (height, width), luma 0-255, as (SIDE, SIDE)."""
    box = cv2.resize(gray, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(box, np.float32)


def sharpness(gray: Floats) -> float:
    """Twice the lesser of the variances, in luma², of the second derivatives along the rows and
    along the columns of ``gray`` (SIDE, SIDE), luma 0-255, after a Gaussian of one pixel, which
    keeps noise from being taken for detail (Marr and Hildreth, 1980). The lesser, as motion blurs
    in one direction only."""
    smooth = cv2.GaussianBlur(gray, (0, 0), 1)
    along = (cv2.filter2D(smooth, -1, kernel) for kernel in (_SECOND, _SECOND.T))
    return 2 * min(float(cv2.meanStdDev(second)[1][0, 0]) ** 2 for second in along)


def darkest(gray: Image) -> float:
    """Luma, 0-255, up to which the darkest hundredth of a whole picture goes, ``gray`` (height,
    width); noise and what is smaller than a twentieth of a side are smoothed away before."""
    # Every so many pixels are enough: exact scaling would cost thirty times this.
    small = cv2.blur(cv2.resize(gray, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST), (5, 5))
    return float(np.partition(small, small.size // 100, axis=None)[small.size // 100])


def contrast(face: Floats, black: float) -> float:
    """How much darker than the middle of a face's upper half the darkest is, as a share in [0, 1]
    of that half's median luma: the ``black`` of the whole picture, or the face's own darkest
    fiftieth where that is darker. ``face`` is (SIDE, SIDE), 0-255; its rim, where the background
    shows, is left out.

    More or less light leaves it as it is, and so does a head that turns into its own shadow; a veil
    of stray light fills what is dark. Details are smoothed away before, so that blur and noise
    change it little, and the upper half is what no mask hides.
    """
    inner = cv2.GaussianBlur(face, (0, 0), _SHADOWS)[_RIM:-_RIM, _RIM:-_RIM]
    upper = inner[: len(inner) // 2]
    dark = np.partition(inner, inner.size // 50, axis=None)[inner.size // 50]
    middle = max(float(np.partition(upper, upper.size // 2, axis=None)[upper.size // 2]), 1.0)
    return 1 - min(float(dark), black, middle) / middle


def noise(gray: Floats) -> float:
    """Standard deviation in luma of the noise in ``gray`` (SIDE, SIDE), luma 0-255: from the
    difference of two Laplacians (Immerkær, 1996), and its median, as edges are few."""
    # Every other row and column are enough for a median.
    difference = np.abs(cv2.filter2D(gray, -1, _LAPLACE_DIFFERENCE)[::2, ::2]).ravel()
    return float(np.partition(difference, len(difference) // 2)[len(difference) // 2]) / 0.6745 / 6


def blockiness(gray: Image) -> float:
    """How much stronger than elsewhere the steps from pixel to pixel are at every eighth one, as a
    ratio, at least 1; 1 for boxes under four blocks. ``gray`` (height, width) is not scaled, for
    scaling moves the borders of a coder's blocks.

    The steps of a row or column are averaged, then the median over those eight apart is taken:
    a face's own lines are few. Half a luma is added for flat pictures. After Wang, Bovik and Evans
    (2000), who look for the same period in the spectrum.
    """
    ratios = []
    for axis in (0, 1):
        length = gray.shape[axis]
        if length < 4 * BLOCK + 1:
            return 1.0
        ahead, behind = (gray[1:], gray[:-1]) if axis == 0 else (gray[:, 1:], gray[:, :-1])
        steps = cv2.reduce(cv2.absdiff(ahead, behind), 1 - axis, cv2.REDUCE_AVG, dtype=cv2.CV_32F)
        whole = steps.ravel()[: (length - 1) // BLOCK * BLOCK].reshape(-1, BLOCK)
        phases = np.sort(np.median(whole, axis=0))
        ratios.append((phases[-1] + 0.5) / (phases[BLOCK // 2] + 0.5))
    return float(max(1.0, np.mean(ratios)))


def hidden_share(box: Image, points: Floats) -> float:
    """Share in [0, 1] of the points of LOWER_FACE whose colour is not the upper face's, such as a
    mask's. ``box`` (height, width, 3), BGR; ``points`` (478, 2) are MediaPipe's, x and y in it."""
    # Colour needs no more than a mean over some pixels; exact scaling would cost four times this.
    small = cv2.blur(cv2.resize(box, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST), (5, 5))
    colours = cv2.cvtColor(small, cv2.COLOR_BGR2YCrCb).astype(np.float32)
    at = np.clip(points * (SIDE / box.shape[1], SIDE / box.shape[0]), 0, SIDE - 1).astype(int)
    upper = np.median(_at(colours, at, UPPER_FACE), axis=0)
    lower = _at(colours, at, LOWER_FACE)
    distance = np.hypot(lower[:, 1] - upper[1], lower[:, 2] - upper[2])
    hidden = (distance > _ANOTHER_COLOUR) & (lower[:, 0] > _AS_LIGHT * upper[0])
    return float(hidden.mean())


def _at(colours: Floats, points: Floats, chosen: tuple[int, ...]) -> Floats:
    use = points[list(chosen)]
    return np.asarray(colours[use[:, 1], use[:, 0]])
