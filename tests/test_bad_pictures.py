"""Whatever is taken for a picture: out comes a value within its range, or one line why not."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.opencv import open_file
from models.checkpoint_files import tuned_weights
from models.degradation import KINDS, VideoDamage
from models.features.crop import MESH, aligned_crop
from models.features.face import Face
from models.features.face_reader import LOOK_SIZE, FaceReader
from models.reliability import face_evidence
from streamer.assets import Assets
from streamer.packets import Evidence, Flags, Floats, Image
from streamer.settings import load_settings
from tests.degradation_fixtures import damage
from tests.media_files import demo_media


def picture() -> Image:
    reader = open_file(str(demo_media("WolfgangLanger_Pexels.mp4")))
    image = np.asarray(reader.read()[1], np.uint8)
    reader.release()
    return image


def small_face(height: int) -> Image:
    """The face of ``picture`` at this many pixels, on black."""
    image = picture()
    scale = height / 258  # pixels of its face
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    result = np.zeros_like(image)
    result[100 : 100 + len(small), 100 : 100 + small.shape[1]] = small
    return result


ODD_PICTURES: dict[str, Callable[[], Any]] = {
    "4K": lambda: cv2.resize(picture(), (3840, 2160)),
    "a face of 3 pixels": lambda: small_face(3),
    "a face of 12 pixels": lambda: small_face(12),
    "a face of 30 pixels": lambda: small_face(30),
    "1 x 1": lambda: picture()[:1, :1],
    "3 x 3": lambda: picture()[:3, :3],
    "16 x 16": lambda: cv2.resize(picture(), (16, 16)),
    "a row": lambda: picture()[:1],
    "a column": lambda: picture()[:, :1],
    "black": lambda: np.zeros_like(picture()),
    "white": lambda: np.full_like(picture(), 255),
    "noise": lambda: np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8),
    "mirrored, every second row": lambda: picture()[::2, ::-1],
    "wide": lambda: cv2.resize(picture(), (9000, 20)),
}
NO_PICTURES: dict[str, Callable[[], Any]] = {
    "one channel": lambda: picture()[..., :1],
    "two channels": lambda: picture()[..., :2],
    "BGRA": lambda: cv2.cvtColor(picture(), cv2.COLOR_BGR2BGRA),
    "floats up to 1": lambda: (picture() / 255).astype(np.float32),
    "not numbers": lambda: np.full((48, 64, 3), np.nan, np.float32),
    "16 bits": lambda: picture().astype(np.uint16),
    "64 bits": lambda: picture().astype(np.int64),
    "flags": lambda: picture() > 100,
    "empty": lambda: picture()[:0],
    "of no size": lambda: np.zeros((0, 0, 3), np.uint8),
    "in a batch": lambda: picture()[None],
    "nothing": lambda: None,
}
odd_pictures = pytest.mark.parametrize("made", ODD_PICTURES.values(), ids=ODD_PICTURES.keys())
no_pictures = pytest.mark.parametrize("made", NO_PICTURES.values(), ids=NO_PICTURES.keys())
REFUSED = r"^picture .*: must be \(height, width, 3\), BGR.*, uint8, not empty$"


@pytest.fixture(scope="module")
def reader(assets: Assets) -> Any:
    task = assets.file("face-landmarker", "face_landmarker.task")
    weights = tuned_weights(load_settings(), "vision")
    reader = FaceReader(task, weights, "video")
    yield reader
    reader.close()


def mesh(image: Image) -> Floats:
    """Points all over ``image``."""
    return np.random.default_rng(0).random((MESH, 2), np.float32) * image.shape[1::-1]


def judged(measures: Floats, found: Flags) -> Evidence:
    """Evidence of pictures that came as they should, 15 a second."""
    ages = (np.arange(len(found), 0, -1) / 15).astype(np.float32)
    return face_evidence(measures, found, ages, len(found) / 15, 15)


def assert_seen(face: Face) -> None:
    assert face.features.shape == (LOOK_SIZE,)
    assert np.isfinite(face.features).all()
    assert np.isfinite(face.measures).all()
    assert np.isfinite(face.landmarks).all()
    assert face.found or not face.features.any()
    evidence = judged(np.tile(face.measures, (60, 1)), np.full(60, face.found))
    assert 0 <= evidence.score <= 1


@pytest.mark.slow
@pytest.mark.parallel
@odd_pictures
def test_odd_pictures_are_read_and_the_next_one_as_well(
    reader: FaceReader, made: Callable[[], Any]
) -> None:
    assert_seen(reader.read(made(), 0))
    for _ in range(3):  # what was tracked in the odd picture is not in the next
        after = reader.read(picture(), 0)
    assert after.found


def test_a_face_of_a_few_pixels_is_not_trusted(reader: FaceReader) -> None:
    for height in (3, 12):
        read = [reader.read(small_face(height), 0) for _ in range(4)]
        measures = np.stack([face.measures for face in read])
        found = np.array([face.found for face in read])
        assert judged(measures, found).score < 0.1


@no_pictures
def test_what_is_no_picture_is_refused_in_one_line(
    reader: FaceReader, made: Callable[[], Any]
) -> None:
    with pytest.raises(ValueError, match=REFUSED):
        reader.read(made(), 0)
    assert reader.read(picture(), 0).found


@odd_pictures
def test_odd_pictures_are_cropped(made: Callable[[], Any]) -> None:
    crop = aligned_crop(made(), mesh(made()))
    assert (crop.shape, crop.dtype) == ((48, 48), np.uint8)


@no_pictures
def test_what_is_no_picture_is_not_cropped(made: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=REFUSED):
        aligned_crop(made(), mesh(picture()))


@pytest.mark.parametrize(
    "changed",
    [
        lambda points: points * np.nan,
        lambda points: points + np.inf,
        lambda points: points[:10],
        lambda points: points[:0],
        lambda points: points.ravel(),
        lambda points: np.tile(points, (1, 2)),
    ],
    ids=["not numbers", "infinite", "too few", "none", "in a row", "in four dimensions"],
)
def test_landmarks_that_are_none_are_refused(changed: Callable[[Floats], Floats]) -> None:
    with np.errstate(all="ignore"):
        points = changed(mesh(picture()))
    with pytest.raises(ValueError, match=r"^landmarks"):
        aligned_crop(picture(), points)


@given(scale=st.floats(-1e6, 1e6, width=32), shift=st.floats(-1e6, 1e6, width=32))
@settings(max_examples=20)
def test_landmarks_may_lie_anywhere(scale: float, shift: float) -> None:
    image = np.full((48, 64, 3), 90, np.uint8)
    points = mesh(image) * np.float32(scale) + np.float32(shift)
    assert aligned_crop(image, points).shape == (48, 48)


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize("kind", KINDS["vision"])
def test_damage_takes_any_picture_and_refuses_the_rest(kind: str) -> None:
    for made in ODD_PICTURES.values():
        spoilt = VideoDamage([damage("vision", kind, 0.7, 0, None)], np.random.default_rng(0))
        image = made()
        shown = spoilt.apply(image, 0, mesh(image))
        assert shown is None or (shown.shape, shown.dtype) == (image.shape, np.uint8)
    for made in NO_PICTURES.values():
        spoilt = VideoDamage([damage("vision", kind, 0.7, 0, None)], np.random.default_rng(0))
        with pytest.raises(ValueError, match=REFUSED):
            spoilt.apply(made(), 0)


@pytest.mark.parametrize("kind", KINDS["vision"])
@pytest.mark.parametrize("far", [np.nan, np.inf, -np.inf, 1e7, -1e30], ids=str)
def test_damage_takes_a_face_that_is_nowhere(kind: str, far: float) -> None:
    spoilt = VideoDamage([damage("vision", kind, 0.7, 0, None)], np.random.default_rng(0))
    image = np.full((48, 64, 3), 90, np.uint8)
    landmarks = np.array([[0, 0], [far, far]], np.float32)
    for _ in range(2):
        shown = spoilt.apply(image, 0, landmarks)
        assert shown is None or shown.shape == image.shape
