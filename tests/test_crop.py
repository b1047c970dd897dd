"""The aligned crop: faces of any size, place and turn come out the same."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.features.crop import ANCHORS, CROP_SIDE, aligned_crop
from models.features.face import LANDMARKS, FaceTracker
from streamer.assets import Assets
from streamer.packets import Floats, Image
from tests.media_files import first_pictures


def landmarks(turn: complex = 1, shift: complex = 0) -> Floats:
    """Landmarks of a face whose anchors lie where the crop wants them, moved in the plane."""
    points = np.zeros((LANDMARKS, 2), np.float32)
    for numbers, (x, y) in ANCHORS.values():
        moved = turn * complex(x, y) + shift
        points[list(numbers)] = moved.real, moved.imag
    return points


def drawing(side: int) -> Image:
    """A smooth picture with neither symmetry nor edges."""
    y, x = np.mgrid[:side, :side] / side
    levels = 120 + 60 * np.sin(3 * x + 5 * y) + 40 * np.cos(7 * x * y + 2 * x)
    return np.asarray(np.rint(levels), np.uint8)


def difference(one: Image, other: Image) -> float:
    return float(np.abs(one.astype(np.float64) - other).mean())


def test_a_face_in_its_place_is_left_as_it_is() -> None:
    image = drawing(CROP_SIDE)
    assert difference(aligned_crop(image, landmarks()), image) < 0.6


@pytest.mark.parametrize("zoom", [0.5, 3.0, 4.5])
@pytest.mark.parametrize("angle", [-0.5, 0.0, 1.2])
def test_size_place_and_turn_are_taken_out(zoom: float, angle: float) -> None:
    turn, shift = zoom * np.exp(1j * angle), complex(400, 300)
    image = drawing(CROP_SIDE)
    matrix = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
    moved = cv2.warpAffine(image, matrix, (900, 800), borderMode=cv2.BORDER_REPLICATE)
    crop = aligned_crop(np.asarray(moved, np.uint8), landmarks(turn, shift))
    assert difference(crop, image) < (2 if zoom > 1 else 5)


def test_a_large_face_is_averaged_and_not_sampled() -> None:
    checks = np.indices((480, 480)).sum(axis=0) % 2 * 255
    crop = aligned_crop(checks.astype(np.uint8), landmarks(10, 4.5 + 4.5j))
    assert crop.min() >= 120
    assert crop.max() <= 135


def test_colour_and_margin() -> None:
    image = drawing(120)
    points = landmarks(1, 30 + 30j)
    plain = aligned_crop(image, points)
    coloured = aligned_crop(np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)), points)
    wide = aligned_crop(image, points, margin=8)
    assert wide.shape == (CROP_SIDE + 16, CROP_SIDE + 16)
    assert difference(coloured, plain) < 0.5
    assert difference(wide[8:-8, 8:-8], plain) == 0


@pytest.fixture(scope="module")
def frame(assets: Assets) -> Image:
    (picture,) = first_pictures(assets.file("demo-media", "single_face.mp4"), 1)
    return picture


def test_a_real_face_stands_upright_whatever_its_size_and_turn(
    assets: Assets, frame: Image
) -> None:
    task: Path = assets.file("face-landmarker", "face_landmarker.task")
    height, width = frame.shape[:2]
    turned = cv2.warpAffine(
        frame, cv2.getRotationMatrix2D((width / 2, height / 2), 20, 0.8), (width, height)
    )
    with FaceTracker(task, "image") as tracker:
        straight, oblique = tracker.track(frame, 0), tracker.track(np.asarray(turned), 0)
    assert straight.landmarks.shape == (LANDMARKS, 2)
    assert oblique.found
    crops = [
        aligned_crop(image, face.landmarks)
        for image, face in ((frame, straight), (np.asarray(turned, np.uint8), oblique))
    ]
    alike = np.corrcoef(crops[0].ravel(), crops[1].ravel())[0, 1]
    assert alike > 0.9


def test_no_face_has_no_landmarks(assets: Assets) -> None:
    task = assets.file("face-landmarker", "face_landmarker.task")
    with FaceTracker(task, "image") as tracker:
        face = tracker.track(np.full((120, 160, 3), 40, np.uint8), 0)
    assert face.landmarks.shape == (0, 2)
