"""What each kind of damage does to pictures."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.degradation import VideoDamage
from streamer.errors import SettingError
from streamer.packets import SECOND, Floats, Image
from tests.degradation_fixtures import FRAME_RATE, damage, pictures, shown

LEVELS = (0.1, 0.25, 0.5, 0.75, 1.0)
FACE = np.array([[260, 140], [380, 320]], np.float32)


def scene() -> Image:
    """640 x 480: stripes, grain, and a bright disc where FACE is."""
    rows, columns = np.mgrid[:480, :640]
    base = 110 + 50 * np.sin(columns / 17) + 40 * np.sin(rows / 11)
    base = base + np.random.default_rng(0).normal(0, 6, base.shape)
    image = np.repeat(base[:, :, None], 3, axis=2).astype(np.uint8)
    cv2.ellipse(image, (320, 230), (60, 90), 0, 0, 360, (150, 170, 210), cv2.FILLED)
    return image


def last(kind: str, severity: float, count: int = 3, landmarks: Floats | None = FACE) -> Image:
    image = shown([damage("vision", kind, severity, 0)], [scene()] * count, landmarks=landmarks)[-1]
    assert image is not None
    return image


def distance(image: Image) -> float:
    return float(np.abs(image.astype(float) - scene()).mean())


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize(
    "kind",
    ["cover", "mask", "turn", "second_face", "dark", "backlight", "blur", "motion_blur", "noise",
     "jpeg", "h264", "resolution"],
)  # fmt: skip
def test_the_more_severe_the_farther_from_clean(kind: str) -> None:
    distances = [distance(last(kind, severity)) for severity in LEVELS]
    assert distances == sorted(distances)
    assert distances[-1] > 1.5 * distances[0]


@pytest.mark.parametrize("kind", ["gap", "frame_rate"])
def test_the_more_severe_the_fewer_pictures(kind: str) -> None:
    images = [scene()] * 150
    counts = []
    for severity in LEVELS:
        result = shown([damage("vision", kind, severity, 0, None)], images)
        counts.append(sum(image is not None for image in result))
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 5 * counts[-1]


@pytest.mark.parametrize(("severity", "rate"), [(0.25, 6.4), (0.5, 2.74), (1, 0.5)])
def test_the_frame_rate_is_what_is_documented(severity: float, rate: float) -> None:
    images = [np.zeros((2, 2, 3), np.uint8)] * (40 * FRAME_RATE)
    result = shown([damage("vision", "frame_rate", severity, 0, None)], images)
    assert sum(image is not None for image in result) / 40 == pytest.approx(rate, abs=0.06)


@pytest.mark.parametrize(
    ("severity", "left", "right"), [(0.1, 223, 262), (0.5, 124, 320), (1.0, 0, 392)]
)
def test_cover_hides_the_documented_share_of_the_face(
    severity: float, left: int, right: int
) -> None:
    black: list[Image] = [np.zeros((480, 640, 3), np.uint8)]
    covered = shown([damage("vision", "cover", severity, 0)], black, landmarks=FACE)[0]
    assert covered is not None
    np.testing.assert_array_equal(covered.any(axis=2).all(axis=0), covered.any(axis=(0, 2)))
    hidden = np.flatnonzero(covered.any(axis=(0, 2)))
    assert (hidden.min(), hidden.max() + 1) == pytest.approx((left, right), abs=1)


@pytest.mark.parametrize(("severity", "share"), [(0.25, 0.416), (0.5, 0.173), (0.75, 0.072)])
def test_the_light_falls_as_documented(severity: float, share: float) -> None:
    bright: list[Image] = [np.full((48, 64, 3), 200, np.uint8)]
    dim = shown([damage("vision", "dark", severity, 0)], bright)[0]
    assert dim is not None
    assert dim.mean() == pytest.approx(200 * share, abs=0.6)


@pytest.mark.parametrize(("severity", "top"), [(0.5, 266), (1.0, 212)])
def test_the_mask_hides_the_lower_part_of_the_face(severity: float, top: int) -> None:
    rows, columns = np.nonzero((last("mask", severity) != scene()).any(axis=2))
    assert rows.min() == pytest.approx(top, abs=2)
    assert rows.max() == pytest.approx(322, abs=4)
    assert columns.min() >= 255
    assert columns.max() <= 385


def test_without_a_face_the_mask_is_in_the_lower_middle() -> None:
    masked = (last("mask", 1, landmarks=None) != scene()).any(axis=2)
    rows, columns = np.nonzero(masked)
    assert rows.mean() > 240
    assert columns.mean() == pytest.approx(320, abs=5)


def test_a_face_that_is_lost_is_where_it_was_last() -> None:
    applied = VideoDamage([damage("vision", "mask", 1, 0)], np.random.default_rng(0))
    nowhere = np.zeros((0, 2), np.float32)
    first = applied.apply(scene(), 0, FACE)
    for index, landmarks in enumerate((nowhere, None)):
        again = applied.apply(scene(), (index + 1) * SECOND // FRAME_RATE, landmarks)
        assert first is not None
        assert again is not None
        np.testing.assert_array_equal(again, first)


def test_a_face_found_in_a_moved_picture_is_not_believed() -> None:
    damages = [damage("vision", "leave", 0.3, 0, 0.1), damage("vision", "mask", 1, 0.1, 1)]
    applied = VideoDamage(damages, np.random.default_rng(0))
    applied.apply(scene(), 0, FACE)
    masked = applied.apply(scene(), SECOND // 2, FACE + 192)
    assert masked is not None
    np.testing.assert_array_equal(masked, last("mask", 1))


def test_under_a_mask_the_face_moves_but_keeps_its_size() -> None:
    applied = VideoDamage([damage("vision", "mask", 1, 0)], np.random.default_rng(0))
    applied.apply(scene(), 0, FACE)
    longer = FACE + np.array([[0, 0], [0, 60]], np.float32)
    guessed = applied.apply(scene(), SECOND // FRAME_RATE, longer + 20)
    expected = last("mask", 1, landmarks=FACE + 20)
    assert guessed is not None
    np.testing.assert_array_equal(guessed, expected)


def test_a_face_is_sought_until_it_is_known_and_only_where_it_matters() -> None:
    rng = np.random.default_rng(0)
    applied = VideoDamage([damage("vision", "mask", 1, 5, 9)], rng)
    assert applied.seeks_face
    applied.apply(scene(), 0, np.zeros((0, 2), np.float32))
    assert applied.seeks_face
    applied.apply(scene(), 0, FACE)
    assert not applied.seeks_face
    assert not VideoDamage([damage("vision", "dark")], rng).seeks_face


def test_a_face_is_learnt_also_where_damage_moves_it_from_the_beginning() -> None:
    applied = VideoDamage([damage("vision", "leave", 0.5, 0)], np.random.default_rng(0))
    applied.apply(scene(), 0, np.zeros((0, 2), np.float32))
    assert applied.seeks_face
    applied.apply(scene(), SECOND // FRAME_RATE, FACE)
    assert not applied.seeks_face


def test_a_turned_head_moves_and_all_around_it_stays() -> None:
    bar = np.zeros((480, 640, 3), np.uint8)
    bar[:, 318:322] = 255  # down the middle of FACE
    for seed in range(4):
        middles = []
        for severity in (0.1, 0.3, 0.5):
            turn = [damage("vision", "turn", severity, 0)]
            turned = shown(turn, [bar], seed, FACE)[0]
            assert turned is not None
            np.testing.assert_array_equal(turned[:80], bar[:80])
            np.testing.assert_array_equal(turned[350:], bar[350:])
            middles.append(np.flatnonzero(turned[216, :, 0] > 128).mean() - 319.5)
        # What was in front, 78 pixels before the axis, is to the side by the sine of the angle.
        expected = 78 * np.sin(np.radians([9, 27, 45]))
        np.testing.assert_allclose(np.abs(middles), expected, atol=2)


def test_leaving_takes_the_face_out_of_the_picture() -> None:
    image = np.zeros((48, 64, 3), np.uint8)
    image[:, 24:44] = 255
    landmarks = np.array([[24, 10], [44, 34]], np.float32)
    for seed in range(4):  # to both sides
        seen = []
        for severity in (0.01, 0.25, 0.5, 0.75, 1):
            leaving = [damage("vision", "leave", severity, 0)]
            moved = shown(leaving, [image], seed, landmarks)[0]
            assert moved is not None
            seen.append(int(moved[0, :, 0].astype(bool).sum()))
        assert seen == [20, 16, 10, 4, 0]


def test_the_second_face_is_the_mirror_of_the_first_or_the_given_one(tmp_path: Path) -> None:
    rows, columns = np.nonzero((last("second_face", 0.5) != scene()).any(axis=2))
    assert columns.mean() > 380 or columns.mean() < 260  # beside the speaker's
    assert np.ptp(rows) == pytest.approx(0.65 * 1.2 * 180, abs=6)
    columns = np.nonzero((last("second_face", 1) != scene()).any(axis=2))[1]
    assert columns.min() < 380 - 20 or columns.max() > 260 + 20  # before it
    file = tmp_path / "other.png"
    cv2.imwrite(str(file), np.full((100, 80, 3), 7, np.uint8))
    other = shown([damage("vision", "second_face", 0.5, 0, file=str(file))], [scene()])[0]
    assert other is not None
    assert (other == 7).all(axis=2).sum() > 1000
    file.write_bytes(b"no picture")
    with pytest.raises(SettingError, match="must be a picture"):
        shown([damage("vision", "second_face", 0.5, 0, file=str(file))], [])


def test_the_backlit_face_is_dark_before_a_bright_wall() -> None:
    lit = last("backlight", 1).astype(float)
    clean = scene().astype(float)
    middle, corner = (slice(200, 260), slice(290, 350)), (slice(0, 60), slice(0, 60))
    assert lit[middle].mean() < 0.7 * clean[middle].mean()
    assert lit[corner].mean() > 1.5 * clean[corner].mean()


@pytest.mark.parametrize(("severity", "deviation"), [(0.25, 6.25), (0.5, 25)])
def test_sensor_noise_is_as_strong_as_documented_and_always_new(
    severity: float, deviation: float
) -> None:
    grey = np.full((240, 320, 3), 128, np.uint8)
    first, second = shown([damage("vision", "noise", severity, 0)], [grey, grey])
    assert first is not None
    assert first.astype(float).std() == pytest.approx(deviation, rel=0.05)
    assert not np.array_equal(first, second)


def test_motion_blurs_along_the_rows_only() -> None:
    bar = np.zeros((48, 100, 3), np.uint8)
    bar[:, 50] = 255
    smeared = shown([damage("vision", "motion_blur", 1, 0)], [bar])[0]
    assert smeared is not None
    assert np.count_nonzero(smeared[10, :, 0]) == 11  # 2 * 5 + 1, of 10 % of 100
    rows = shown([damage("vision", "motion_blur", 1, 0)], [bar.transpose(1, 0, 2).copy()])[0]
    assert np.array_equal(rows, bar.transpose(1, 0, 2))


def test_h264_gives_each_picture_at_once() -> None:
    images = [np.full((240, 320, 3), value, np.uint8) for value in range(20, 220, 20)]
    for before, after in zip(
        images, shown([damage("vision", "h264", 0.2, 0)], images), strict=True
    ):
        assert after is not None
        assert np.abs(after.astype(float) - before).mean() < 8


def test_freeze_repeats_the_last_picture_before_it() -> None:
    images = pictures(45)
    assert all(image is images[14] for image in shown([damage("vision", "freeze")], images)[15:30])
