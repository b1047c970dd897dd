"""The measures of pictures, on real faces where there are some."""

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from actors.video_sources import FileVideoSource
from models.degradation import VideoDamage
from models.features.face import COUNTED_EVERY, FaceTracker
from models.features.picture import (
    LOWER_FACE,
    SIDE,
    UPPER_FACE,
    blockiness,
    contrast,
    darkest,
    hidden_share,
    noise,
    sharpness,
)
from models.reliability import face_evidence
from streamer.assets import Assets
from streamer.packets import FACE_MEASURES, SECOND, Evidence, Floats, Image, VideoFrame
from tests.degradation_fixtures import damage

boxes = arrays.arrays(np.uint8, st.tuples(st.integers(1, 60), st.integers(1, 60)))
PICTURES = 5
RATE = 5


@pytest.fixture(scope="module")
def frames(data_folder: Path) -> list[VideoFrame]:
    source = FileVideoSource(str(data_folder / "clips" / "talking_head_en_8s.mp4"), RATE)
    source.open()
    source.start(0)
    found = [source.read(1.0) for _ in range(2 * PICTURES)]
    source.close()
    return [frame for frame in found if frame is not None]


def judged(frames: list[VideoFrame], assets: Assets, kind: str, severity: float) -> Evidence:
    applied = VideoDamage([damage("vision", kind, severity, 0, None)], np.random.default_rng(0))
    faces = []
    before, frames = frames[:PICTURES], frames[PICTURES:]
    with FaceTracker(assets.file("face-landmarker", "face_landmarker.task"), "video") as tracker:
        for frame in before:
            landmarks = tracker.track(frame.image, frame.captured_at).landmarks
        for frame in frames:
            image = applied.apply(frame.image, frame.captured_at, landmarks)
            assert image is not None
            faces.append(tracker.track(image, frame.captured_at))
            landmarks = faces[-1].landmarks
    measures = np.array([face.measures for face in faces])
    found = np.array([face.found for face in faces])
    ages = np.arange(len(faces), 0, -1, dtype=np.float32) / RATE
    return face_evidence(measures, found, ages, len(faces) / RATE, RATE)


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize(
    ("kind", "severity", "reason"),
    [
        ("noise", 0.8, "noisy picture"),
        ("jpeg", 0.7, "coarsely coded picture"),
        ("h264", 0.6, "coarsely coded picture"),
        ("mask", 1.0, "face covered"),
        ("blur", 1.0, "blurred"),
        ("resolution", 0.8, "blurred"),
        ("backlight", 1.0, "against the light"),
        ("second_face", 0.7, "a second face"),
        ("second_face", 1.0, "a second face"),
        ("turn", 0.9, "no face"),
    ],
)
def test_damage_is_named_and_lowers_the_evidence(
    frames: list[VideoFrame], assets: Assets, kind: str, severity: float, reason: str
) -> None:
    scores = [judged(frames, assets, kind, s) for s in (0, severity / 2, severity)]
    assert scores[0].score > 0.8
    assert all(later.score <= before.score + 0.02 for before, later in pairwise(scores))
    assert scores[-1].score < 0.62
    assert scores[-1].reason == reason


def test_the_head_reads_as_turned_to_either_side(frames: list[VideoFrame], assets: Assets) -> None:
    task = assets.file("face-landmarker", "face_landmarker.task")
    yaw = FACE_MEASURES.index("yaw")
    turned = []
    with FaceTracker(task, "image") as tracker:
        straight = tracker.track(frames[0].image, 0)
        for seed in range(6):
            turn = VideoDamage([damage("vision", "turn", 0.35, 0)], np.random.default_rng(seed))
            image = turn.apply(frames[0].image, 0, straight.landmarks)
            assert image is not None
            face = tracker.track(image, 0)
            assert face.found
            turned.append(face.measures[yaw] - straight.measures[yaw])
    assert min(turned) < -12
    assert max(turned) > 12


def test_another_face_is_counted_now_and_then(frames: list[VideoFrame], assets: Assets) -> None:
    """A face of half the height in the corner: from the next count on, not before."""
    alone = frames[0].image
    height, width = alone.shape[:2]
    both = np.zeros((height, 2 * width, 3), np.uint8)
    both[:, :width] = alone
    company = both.copy()
    company[: height // 2, -(width // 2) :] = cv2.resize(alone, (width // 2, height // 2))
    second = FACE_MEASURES.index("second_face")
    with FaceTracker(assets.file("face-landmarker", "face_landmarker.task"), "video") as tracker:
        shown = [both, company, company, both, both]
        times = [0, COUNTED_EVERY // 2, COUNTED_EVERY, 3 * COUNTED_EVERY // 2, 2 * COUNTED_EVERY]
        seen = [
            float(tracker.track(image, at).measures[second])
            for image, at in zip(shown, times, strict=True)
        ]
    assert seen == [0, 0, pytest.approx(0.5, abs=0.1), seen[2], 0]


@given(boxes)
@settings(max_examples=100)
def test_measures_of_any_picture_are_in_their_range(gray: Image) -> None:
    assert 1 <= blockiness(gray) < 1000
    face = np.asarray(cv2.resize(gray, (SIDE, SIDE)), np.float32)
    assert 0 <= noise(face) <= 255
    assert 0 <= sharpness(face) < np.inf


def skin_with_eyes() -> Floats:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    skin = (100 + 30 * np.sin(rows / 9) + 20 * np.sin(columns / 7)).astype(np.float32)
    skin[36:52, 30:66] = 15
    return skin


@given(light=st.floats(0.2, 1), veil=st.floats(0, 120))
@settings(max_examples=50)
def test_contrast_falls_with_a_veil_and_not_with_the_light(light: float, veil: float) -> None:
    skin, black = skin_with_eyes(), 10.0
    before = contrast(skin, black)
    middle = np.median(skin[SIDE // 8 : SIDE // 2, SIDE // 8 : -SIDE // 8])
    assert 0.7 < before < 0.95
    assert contrast(np.float32(light) * skin, light * black) == pytest.approx(before, abs=1e-3)
    assert contrast(skin + np.float32(veil), black + veil) == pytest.approx(
        before * middle / (middle + veil), abs=0.02
    )


@given(black=st.floats(0, 255))
def test_contrast_is_that_of_the_darkest_in_the_picture_or_in_the_face(black: float) -> None:
    """A head that turns takes its dark eyes away, and not what stands behind it."""
    skin = skin_with_eyes()
    assert 0 <= contrast(skin, black) <= 1
    assert contrast(skin, black) >= contrast(skin, 255)
    assert contrast(skin, 0) == 1


@given(boxes)
@settings(max_examples=100)
def test_the_darkest_hundredth_lies_within_the_picture(gray: Image) -> None:
    assert gray.min() <= darkest(gray) <= gray.max()


def test_a_few_dark_points_are_not_the_darkest_of_a_picture() -> None:
    picture = np.full((480, 640), 90, np.uint8)
    picture[np.random.default_rng(0).random(picture.shape) < 0.01] = 0
    assert darkest(picture) > 60
    picture[:, :32] = 20
    assert darkest(picture) == pytest.approx(20, abs=3)


@pytest.mark.parametrize("severity", [0.5, 1])
def test_a_face_that_took_its_mask_off_has_lost_no_contrast(
    frames: list[VideoFrame], assets: Assets, severity: float
) -> None:
    """What it showed meanwhile does not become what it is held against."""
    mask = VideoDamage([damage("vision", "mask", severity, 1, 2)], np.random.default_rng(0))
    lost = FACE_MEASURES.index("lost_contrast")
    losses, landmarks = [], np.zeros((0, 2), np.float32)
    with FaceTracker(assets.file("face-landmarker", "face_landmarker.task"), "video") as tracker:
        for number in range(3 * RATE):
            at = number * SECOND // RATE
            image = mask.apply(frames[number % PICTURES].image, at, landmarks)
            assert image is not None
            face = tracker.track(image, at)
            landmarks = face.landmarks
            losses.append(face.measures[lost])
    assert max(losses[2 * RATE :]) < max(losses[:RATE]) + 0.05


def test_landmarks_that_are_sought_are_not_remembered(
    frames: list[VideoFrame], assets: Assets
) -> None:
    """What damage on purpose asks of a picture it is about to spoil changes no measure."""
    task = assets.file("face-landmarker", "face_landmarker.task")
    veiled = frames[0].image // 2 + np.uint8(100)
    lost = FACE_MEASURES.index("lost_contrast")
    with FaceTracker(task, "video") as tracker:
        for at in range(0, 6, 2):
            assert tracker.find(frames[0].image, at * SECOND // 15).shape == (478, 2)
            face = tracker.track(veiled, (at + 1) * SECOND // 15)
        assert face.found
        assert face.measures[lost] < 0.1
        assert tracker.find(np.zeros((64, 64, 3), np.uint8), SECOND).shape == (0, 2)


@pytest.mark.parametrize("length", [7, 11, 15])
def test_a_picture_is_as_sharp_as_in_its_worse_direction(length: int) -> None:
    """What moves along the rows or the columns is sharp across them, and yet blurred."""
    fine = cv2.GaussianBlur(np.random.default_rng(0).normal(120, 60, (SIDE, SIDE)), (0, 0), 1.5)
    still = sharpness(fine.astype(np.float32))
    for kernel in (np.ones((1, length)), np.ones((length, 1))):
        moved = cv2.filter2D(fine, -1, kernel / length).astype(np.float32)
        assert sharpness(moved) < still / 8
        assert sharpness(moved) == pytest.approx(sharpness(moved.T.copy()), rel=1e-3)


@given(deviation=st.floats(2, 20))
@settings(max_examples=20)
def test_noise_is_measured_in_luma(deviation: float) -> None:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    grains = np.random.default_rng(0).normal(0, deviation, (SIDE, SIDE))
    gray = (120 + 40 * np.sin(rows / 9) + 40 * np.sin(columns / 7) + grains).astype(np.float32)
    assert noise(gray) == pytest.approx(deviation, rel=0.1, abs=0.1)


@given(phase=st.tuples(st.integers(0, 7), st.integers(0, 7)))
@settings(max_examples=20)
def test_blocks_are_found_wherever_they_begin(phase: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    fine = cv2.GaussianBlur(rng.normal(128, 200, (160, 160)), (0, 0), 6)
    coded = cv2.imdecode(
        cv2.imencode(".jpg", fine, [cv2.IMWRITE_JPEG_QUALITY, 5])[1], cv2.IMREAD_GRAYSCALE
    )
    top, left = phase
    assert blockiness(np.asarray(fine.astype(np.uint8)[top:, left:], np.uint8)) < 1.4
    assert blockiness(np.asarray(coded[top:, left:], np.uint8)) > 3


def test_a_small_box_has_no_blocks() -> None:
    assert blockiness(np.random.default_rng(0).integers(0, 256, (20, 90), np.uint8)) == 1


def face_points() -> Floats:
    points = np.full((478, 2), SIDE / 2, np.float32)
    points[list(UPPER_FACE)] = (SIDE / 2, SIDE / 4)
    points[list(LOWER_FACE), 0] = SIDE / 2
    points[list(LOWER_FACE), 1] = np.linspace(SIDE / 2, SIDE, len(LOWER_FACE))
    return points


@pytest.mark.parametrize("skin", [(150, 180, 225), (45, 60, 95)], ids=["light", "dark"])
def test_a_mask_is_seen_by_its_colour_and_a_shadow_is_not(skin: tuple[int, int, int]) -> None:
    face = np.full((SIDE, SIDE, 3), skin, np.uint8)
    shares = []
    for edge in (SIDE, 3 * SIDE // 4, SIDE // 2 - 4):
        masked = face.copy()
        masked[edge:] = (215, 200, 165)
        shares.append(hidden_share(masked, face_points()))
    assert shares[0] == 0
    assert shares[1] == pytest.approx(0.5, abs=0.1)
    assert shares[2] == 1
    shaded = face.copy()
    shaded[SIDE // 2 :] = shaded[SIDE // 2 :] // 2
    assert hidden_share(shaded, face_points()) == 0
