"""From pictures to packets of face features."""

from pathlib import Path

import numpy as np

from models.checkpoint_files import tuned_weights
from models.degradation import VideoDamage
from models.features.face import Face
from models.features.face_reader import LOOK_SIZE, FaceReader
from streamer.assets import Assets
from streamer.packets import FACE_MEASURES, FaceFrames, VideoFrame
from streamer.settings import Settings


class Watching:
    """One camera's pictures, watched. Damage to pictures that the settings ask for is done here.

    Raises AssetError where a model is missing or cannot be read.
    """

    def __init__(self, settings: Settings) -> None:
        self._damage = VideoDamage(settings.damage, np.random.default_rng(0))
        self._landmarks = np.zeros((0, 2), np.float32)
        self._reader = FaceReader(
            face_landmarker(settings), tuned_weights(settings, "vision"), "video"
        )
        self._watched: list[tuple[int, Face]] = []

    def close(self) -> None:
        self._reader.close()

    def watch(self, frame: VideoFrame) -> bool:
        """Takes in the next picture. False where damage on purpose has lost it."""
        if self._damage.seeks_face:
            self._landmarks = self._reader.find(frame.image, frame.captured_at)
        image = self._damage.apply(frame.image, frame.captured_at, self._landmarks)
        if image is None:
            return False
        face = self._reader.read(image, frame.captured_at)
        self._landmarks = face.landmarks
        self._watched.append((frame.captured_at, face))
        return True

    def packet(
        self,
        hop: int,
        dropped: int = 0,
        ended: bool = False,
        fault: str | None = None,
        frame_rate: float | None = None,
    ) -> FaceFrames:
        """What was watched since the last packet, be it nothing."""
        faces = [face for _, face in self._watched]
        shape = (len(faces), LOOK_SIZE)
        packet = FaceFrames(
            hop=hop,
            captured_at=np.array([time for time, _ in self._watched], np.int64),
            features=np.array([face.features for face in faces], np.float32).reshape(shape),
            found=np.array([face.found for face in faces], np.bool_),
            measures=np.array([face.measures for face in faces], np.float32).reshape(
                len(faces), len(FACE_MEASURES)
            ),
            dropped=dropped,
            ended=ended,
            fault=fault,
            frame_rate=frame_rate,
        )
        self._watched = []
        return packet


def face_landmarker(settings: Settings) -> Path:
    """The model file, fetched before or given in the settings. Raises AssetError."""
    return Assets(settings.assets).file("face-landmarker", "face_landmarker.task")
