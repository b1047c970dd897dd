"""Face features: MediaPipe's blendshapes and head pose, and measures of the picture."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import cv2
import numpy as np
import numpy.typing as npt

from models.features.company import Company
from models.features.picture import (
    blockiness,
    contrast,
    darkest,
    hidden_share,
    noise,
    scaled,
    sharpness,
)
from models.features.steps import STEP_SECONDS
from models.features.usual import Usual
from streamer.arrays import check_picture
from streamer.errors import AssetError
from streamer.packets import FACE_MEASURES, SECOND, Flags, Floats, Image, Times
from streamer.stderr import native_stderr_silenced

BLENDSHAPES = 52
"""MediaPipe's blendshapes, each in [0, 1]."""

FACE_SIZE = BLENDSHAPES + 3
"""Blendshapes, then yaw, pitch and roll in radians."""

LANDMARKS = 478
"""Points of MediaPipe's face mesh."""


COUNTED_EVERY = SECOND // 2
"""Nanoseconds from one count of the faces in a camera's pictures to the next."""


@dataclass(frozen=True, slots=True)
class Face:
    """One picture: ``features`` (55,), zero where no face was ``found``; ``measures`` holds the
    columns of ``streamer.packets.FACE_MEASURES``; ``landmarks`` (478, 2) are x and y in pixels,
    (0, 2) where no face was found."""

    features: Floats
    found: bool
    measures: Floats
    landmarks: Floats = field(default_factory=lambda: np.zeros((0, 2), np.float32))


class FaceTracker:
    """MediaPipe's Face Landmarker on the pictures of one camera ("video") or on stills ("image").

    A context manager. Raises AssetError where ``task`` is missing or is not the model.
    """

    def __init__(self, task: Path, mode: Literal["video", "image"]) -> None:
        with native_stderr_silenced(), _sound_devices_left_alone():
            import mediapipe
            from mediapipe.tasks.python import vision
            from mediapipe.tasks.python.core.base_options import BaseOptions

            running = vision.RunningMode.VIDEO if mode == "video" else vision.RunningMode.IMAGE
            try:
                options = vision.FaceLandmarkerOptions(
                    base_options=BaseOptions(model_asset_buffer=task.read_bytes()),
                    running_mode=running,
                    num_faces=1,
                    output_face_blendshapes=True,
                    output_facial_transformation_matrixes=True,
                )
                self._landmarker = vision.FaceLandmarker.create_from_options(options)
                self._company = Company(task, 0 if mode == "image" else COUNTED_EVERY)
            except (OSError, RuntimeError, ValueError) as error:
                reason = " ".join(str(error).split())[:200]
                raise AssetError(f"face model {task}: {reason}") from None
            self._mediapipe: Any = mediapipe
            self._video = mode == "video"
            self._last_ms = -1
            self._previous: Image | None = None
            self._usual_contrast = Usual()
            self._detect(np.zeros((64, 64, 3), np.uint8), 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._landmarker.close()
        self._company.close()

    def track(self, image: Image, captured_at: int) -> Face:
        """The face in ``image`` (height, width, 3), BGR, captured at ``captured_at`` ns. Raises
        ValueError where ``image`` is none."""
        check_picture(image)
        unchanged = self._previous is not None and np.array_equal(self._previous, image)
        self._previous = image.copy()
        rgb = _convert(image, cv2.COLOR_BGR2RGB)
        result = self._detect(rgb, captured_at)
        gray = _convert(image, cv2.COLOR_BGR2GRAY)
        if not (result.face_blendshapes and result.facial_transformation_matrixes):
            measures = _measures(brightness=gray.mean(), unchanged=unchanged)
            return Face(np.zeros(FACE_SIZE, np.float32), False, measures)
        shapes = [shape.score for shape in result.face_blendshapes[0]]
        pose = head_pose(result.facial_transformation_matrixes[0])
        points = _points(result.face_landmarks[0], image)
        picture = _picture(image, gray, points)
        measures = _measures(
            **picture,
            lost_contrast=self._lost_contrast(picture["contrast"], captured_at),
            yaw=np.degrees(pose[0]),
            pitch=np.degrees(pose[1]),
            second_face=self._company.second_face(rgb, points, captured_at),
            unchanged=unchanged,
        )
        features = np.array([*shapes, *pose], np.float32)
        return Face(features, True, measures, points.astype(np.float32))

    def find(self, image: Image, captured_at: int) -> Floats:
        """The landmarks alone, (478, 2) or (0, 2), of a picture that is not to be remembered.
        Raises ValueError as ``track`` does."""
        check_picture(image)
        faces = self._detect(_convert(image, cv2.COLOR_BGR2RGB), captured_at).face_landmarks
        return (
            _points(faces[0], image).astype(np.float32) if faces else np.zeros((0, 2), np.float32)
        )

    def _lost_contrast(self, contrast: float, captured_at: int) -> float:
        """The share of its usual contrast that the face lacks; stills have no usual one."""
        return self._usual_contrast.loss(contrast, captured_at) if self._video else 0.0

    def _detect(self, rgb: Image, captured_at: int) -> Any:
        picture = self._mediapipe.Image(
            image_format=self._mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(rgb)
        )
        if not self._video:
            return self._landmarker.detect(picture)
        # The landmarker refuses a time that does not increase, and two frames may share one ms.
        self._last_ms = max(self._last_ms + 1, captured_at * 1000 // SECOND)
        return self._landmarker.detect_for_video(picture, self._last_ms)


def head_pose(transformation: Floats) -> tuple[float, float, float]:
    """Yaw, pitch and roll in radians of a (4, 4) pose matrix, as R = Ry(yaw) Rx(pitch) Rz(roll)."""
    turn = np.asarray(transformation, np.float64)[:3, :3]
    turn = turn / np.cbrt(max(np.linalg.det(turn), 1e-9))
    yaw = np.arctan2(turn[0, 2], turn[2, 2])
    pitch = np.arcsin(np.clip(-turn[1, 2], -1, 1))
    roll = np.arctan2(turn[1, 0], turn[1, 1])
    return float(yaw), float(pitch), float(roll)


def face_steps(
    captured_at: Times, features: Floats, found: Flags, start: int, end: int
) -> tuple[Floats, Flags]:
    """Mean of the frames with a face in each step of 0.2 s between ``start`` and ``end`` (ns).

    ``captured_at`` (n,), ``features`` (n, 55), ``found`` (n,) are the frames, in any order.
    Returns (steps, 55) and a mask (steps,), false where a step holds no face.
    """
    step = round(STEP_SECONDS * SECOND)
    steps = max(1, (end - start) // step)
    bins = (captured_at - start) // step
    use = found & (bins >= 0) & (bins < steps)
    sums = np.zeros((steps, features.shape[1]), np.float32)
    np.add.at(sums, bins[use], features[use])
    counts = np.bincount(bins[use], minlength=steps)
    means: Floats = sums / np.maximum(counts, 1).astype(np.float32)[:, None]
    return means, counts > 0


def _points(landmarks: Any, image: Image) -> npt.NDArray[np.float64]:
    """MediaPipe's ``landmarks`` of one face as (478, 2), x and y in pixels of ``image``."""
    height, width = image.shape[:2]
    return np.array([(point.x * width, point.y * height) for point in landmarks])


def _convert(image: Image, code: int) -> Image:
    return np.asarray(cv2.cvtColor(image, code), np.uint8)


def _measures(**values: float) -> Floats:
    return np.array([values.get(name, 0) for name in FACE_MEASURES], np.float32)


def _picture(image: Image, gray: Image, points: npt.NDArray[np.float64]) -> dict[str, float]:
    """The measures of the face box around ``points`` (478, 2), in pixels of ``image``."""
    rows, columns = _face_box(gray, points)
    luma = scaled(gray[rows, columns])
    inside = (points - (columns.start, rows.start)).astype(np.float32)
    return {
        "face_size": rows.stop - rows.start,
        "outside": float(((points < 0) | (points > gray.shape[::-1])).any(axis=1).mean()),
        "sharpness": sharpness(luma),
        "contrast": contrast(luma, darkest(gray)),
        "noise": noise(luma),
        "blockiness": blockiness(gray[rows, columns]),
        "hidden": hidden_share(image[rows, columns], inside),
        "brightness": float(luma.mean()),
    }


def _face_box(gray: Image, points: npt.NDArray[np.float64]) -> tuple[slice, slice]:
    """Rows and columns of what the picture shows of ``points``, at least one pixel."""
    height, width = gray.shape
    x, y = np.clip(points[:, 0], 0, width), np.clip(points[:, 1], 0, height)
    left, top = min(int(x.min()), width - 1), min(int(y.min()), height - 1)
    right, bottom = max(int(np.ceil(x.max())), left + 1), max(int(np.ceil(y.max())), top + 1)
    return slice(top, bottom), slice(left, right)


@contextmanager
def _sound_devices_left_alone() -> Iterator[None]:
    """MediaPipe's audio part loads ``sounddevice`` if it can, which asks every sound device and
    freezes PortAudio's list of them for the whole process."""
    if "sounddevice" in sys.modules:
        yield
        return
    blocked: dict[str, Any] = {"sounddevice": None}
    sys.modules.update(blocked)
    try:
        yield
    finally:
        del sys.modules["sounddevice"]
