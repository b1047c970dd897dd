"""The aligned face: a small grey picture in which every face stands upright at the same size."""

import cv2
import numpy as np

from streamer.arrays import check_picture, checked
from streamer.packets import Floats, Image

CROP_SIDE = 48
"""Pixels of the crop's side, as in FER2013."""

ANCHORS: dict[str, tuple[tuple[int, ...], tuple[float, float]]] = {
    "right eye": ((33, 133), (15.5, 13.5)),
    "left eye": ((263, 362), (32.5, 13.5)),
    "nose": ((2,), (24.0, 25.7)),
    "right mouth corner": ((61,), (17.0, 33.2)),
    "left mouth corner": ((291,), (31.0, 33.2)),
}
"""Landmarks of MediaPipe's mesh, whose mean is laid on the point (x, y) of the crop. The five
anchors are those usual in face recognition, with their proportions, placed so that brows and chin
are just in. Five points, as the eyes alone would enlarge a face that turns away."""

MESH = 478
"""Points of MediaPipe's mesh."""

FINEST = 16
"""Samples per pixel of the crop and axis at the most: a face of 768 pixels."""


def aligned_crop(image: Image, landmarks: Floats, margin: int = 0) -> Image:
    """The face in ``image``, (height, width, 3) BGR or (height, width) grey, as a grey picture.

    ``landmarks`` (478, 2) are in pixels. Returns (48 + 2 margin, 48 + 2 margin): ``margin`` pixels
    more of the same picture on every side. Beyond the image its edge is repeated. Raises ValueError
    for another image, and for landmarks of another shape or not all finite.
    """
    check_picture(image, grey=True)
    checked("landmarks", landmarks, (MESH, 2), "fiu")
    if not np.isfinite(landmarks).all():
        raise ValueError("landmarks: must all be finite")
    to_image = _similarity(landmarks)
    # Shrinking in one go would leave out pixels: sample as finely as the image is, then average.
    scale = float(np.hypot(*to_image[:, 0]))
    samples = int(np.clip(np.ceil(scale), 1, FINEST))
    side = CROP_SIDE + 2 * margin
    to_crop = np.array([[1 / samples, 0, 0.5 / samples - 0.5 - margin],
                        [0, 1 / samples, 0.5 / samples - 0.5 - margin],
                        [0, 0, 1]])  # fmt: skip
    fine = cv2.warpAffine(
        image,
        to_image @ to_crop,
        (side * samples, side * samples),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    crop = cv2.resize(fine, (side, side), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY) if crop.ndim == 3 else crop
    return np.asarray(grey, np.uint8)


def _similarity(landmarks: Floats) -> Floats:
    """The (2, 3) matrix from pixels of the crop to pixels of the image: the turn, scale and shift
    with the least squared error on the anchors (Umeyama, 1991; in the plane, with points as complex
    numbers, it is a linear regression)."""
    found = np.array([landmarks[list(points)].mean(axis=0) for points, _ in ANCHORS.values()])
    wanted = np.array([place for _, place in ANCHORS.values()])
    target = found[:, 0].astype(np.float64) + 1j * found[:, 1]
    source = wanted[:, 0] + 1j * wanted[:, 1]
    centred = source - source.mean()
    turn = np.vdot(centred, target - target.mean()) / np.vdot(centred, centred)
    shift = target.mean() - turn * source.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
