"""FER2013 as the camera's code sees it: aligned crops, blendshapes and pose, computed once.

The cache lies under the hash of what the crop is, one file for each part of a view, as that of the
features: an interrupted run goes on where it stopped.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import platformdirs

from models.features.crop import ANCHORS, CROP_SIDE, FINEST, aligned_crop
from models.features.face import FaceTracker
from models.training.corpora import SPLITS, Split, face_pictures
from models.training.extraction import part_file
from models.training.face.damage import MEDIUM_DAMAGE
from models.training.views import FACE_BORDER, FACE_SIDE, as_taken, framed
from streamer.errors import SourceError
from streamer.packets import Flags, Floats, Image

MARGIN = 8
"""Pixels kept around every crop, so that a shifted or turned one shows the picture there."""

CENTRE = (..., slice(MARGIN, MARGIN + CROP_SIDE), slice(MARGIN, MARGIN + CROP_SIDE))
"""The crop itself in a crop with margin."""

PART = 1000
"""Pictures in one file of the cache."""

VERSION = 1
"""To be raised when crops come out differently for a reason that the hash does not see."""

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FacePictures:
    """Pictures of one split: ``crops`` (n, 64, 64) grey with margin, ``features`` (n, 55) and
    whether a face was ``found``, (n,); where none was, the crop is the whole picture and the
    features are zero. ``labels`` (n,) are 0 to 6 in the order of FER2013's ``classes``."""

    crops: Image
    features: Floats
    found: Flags
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)


def face_crops(
    data: Path,
    face_landmarker: Path,
    split: Split,
    view: str = "clean",
    on_step: Callable[[], None] = lambda: None,
) -> FacePictures:
    """The pictures of ``split`` in ``data``, clean or with one of MEDIUM_DAMAGE, from the cache
    where they are there. ``on_step`` is called after each 1,000.

    Raises SourceError where FER2013 is not in ``data``.
    """
    pictures, labels = _labelled(data, split)
    folder = cache_folder(face_landmarker)
    tracker: FaceTracker | None = None
    parts = []
    for number, start in enumerate(range(0, len(pictures), PART)):
        part = pictures[start : start + PART]
        path = part_file(folder, f"{split}-{view}", number, part.tobytes())
        if not path.exists():
            tracker = tracker or FaceTracker(face_landmarker, "image")
            rng = np.random.default_rng([number, *f"{split} {view}".encode()])
            _write(path, _extracted(tracker, part, view, rng))
        parts.append(_read(path))
        on_step()
    if tracker:
        tracker.close()
    crops, features, found = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return FacePictures(crops, features.astype(np.float32), found, labels)


def cache_folder(face_landmarker: Path) -> Path:
    """Where the crops of the current definition are kept."""
    definition = {
        "version": VERSION,
        "landmarker": hashlib.sha256(face_landmarker.read_bytes()).hexdigest(),
        "crop": [CROP_SIDE, FINEST, MARGIN, ANCHORS],
        "picture": [FACE_SIDE, FACE_BORDER],
    }
    name = hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()
    return Path(platformdirs.user_cache_dir("qamoe-stream")) / "features" / f"faces-{name[:16]}"


def _labelled(data: Path, split: Split) -> tuple[Image, Labels]:
    name = dict(zip(SPLITS, ("Training", "PublicTest", "PrivateTest"), strict=True))[split]
    pictures = face_pictures(data)
    with np.load(data / "faces" / "fer2013.npz", allow_pickle=False) as archive:
        rows = np.flatnonzero(archive["split"] == name)
        if not len(rows):
            raise SourceError(f"FER2013 in {data}: no pictures of its split {name}")
        return pictures[rows], archive["y"][rows].astype(np.int64)


def _extracted(
    tracker: FaceTracker, pictures: Image, view: str, rng: np.random.Generator
) -> tuple[Image, Floats, Flags]:
    damage = MEDIUM_DAMAGE.get(view, as_taken)
    crops, features, found = [], [], []
    for picture in pictures:
        image = damage(framed(picture), rng)
        face = tracker.track(image, 0)
        crops.append(aligned_crop(image, face.landmarks, MARGIN) if face.found else _whole(image))
        features.append(face.features)
        found.append(face.found)
    return np.array(crops), np.array(features), np.array(found)


def _whole(picture: Image) -> Image:
    """The picture without the frame, but for the margin."""
    cut = FACE_BORDER - MARGIN * FACE_SIDE // CROP_SIDE
    side = CROP_SIDE + 2 * MARGIN
    grey = cv2.cvtColor(picture[cut:-cut, cut:-cut], cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def _write(path: Path, part: tuple[Image, Floats, Flags]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished.npz")
    np.savez(unfinished, crops=part[0], features=part[1].astype(np.float16), found=part[2])
    unfinished.replace(path)


def _read(path: Path) -> tuple[Image, Floats, Flags]:
    with np.load(path, allow_pickle=False) as archive:
        return archive["crops"], archive["features"], archive["found"]
