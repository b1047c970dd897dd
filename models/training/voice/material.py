"""What the voice head is trained on: Whisper steps and prosody of every view, clip by clip."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.progress import Progress

from models.features.steps import step_count
from models.features.voice import HIDDEN_SIZE
from models.features.voice_head import EMOTIONS
from models.training import views
from models.training.corpora import EMODB_EMOTIONS, RAVDESS_EMOTIONS, Example
from models.training.extraction import FeatureTable, Rows
from models.training.tables import ModelFiles, load_corpora
from streamer.packets import Flags, Floats

VIEWS = ("clean", "gain", "noise")
STEPS = step_count(views.CLIP_SECONDS)
FEWEST = 2
"""Steps of speech below which voice activity is taken to have failed."""


@dataclass(frozen=True)
class VoiceMaterial:
    """All clips of the corpora. ``whisper`` (views, clips, STEPS, 384) float16, ``prosody``
    (views, clips, STEPS, PROSODY_SIZE) float32 and ``mask`` (views, clips, STEPS) of speech;
    ``labels`` (clips,) 0 negative, 1 neutral, 2 positive."""

    examples: Sequence[Example]
    whisper: npt.NDArray[np.float16]
    prosody: Floats
    mask: Flags

    def steps(self, views: Rows | int, clips: Rows) -> Floats:
        """Voice steps (clips, STEPS, VOICE_SIZE) of ``clips``, each in one of ``views``."""
        return np.concatenate([self.whisper[views, clips], self.prosody[views, clips]], axis=2)

    @cached_property
    def labels(self) -> npt.NDArray[np.int64]:
        return np.array([example.label for example in self.examples])

    @cached_property
    def emotions(self) -> npt.NDArray[np.int64]:
        """(clips,) in the order of the head's answers."""
        return np.array([EMOTIONS.index(emotion(example)) for example in self.examples])

    @cached_property
    def corpora(self) -> npt.NDArray[np.str_]:
        return np.array([example.corpus for example in self.examples])

    @cached_property
    def people(self) -> npt.NDArray[np.str_]:
        return np.array([example.person for example in self.examples])


def load_material(data: Path, models: ModelFiles, progress: Progress) -> VoiceMaterial:
    """The clips in ``data`` from the cache; what it lacks is extracted with ``models``. Raises
    SourceError where a corpus is not there."""
    corpus = load_corpora(data, models, progress, ("audio",))["audio"]
    count = len(corpus.examples)
    steps = [corpus.views[view].features.reshape(count, STEPS, -1) for view in VIEWS]
    return VoiceMaterial(
        corpus.examples,
        np.stack([features[..., :HIDDEN_SIZE] for features in steps]),
        np.stack([features[..., HIDDEN_SIZE:] for features in steps]).astype(np.float32),
        np.stack([_speech(corpus.views[view]) for view in VIEWS]),
    )


def emotion(example: Example) -> str:
    """The acted emotion, which the file's name tells."""
    name = Path(example.content).stem
    if example.corpus == "ravdess":
        return RAVDESS_EMOTIONS[name.split("-")[2][1]]
    return EMODB_EMOTIONS[name[5]] if example.corpus == "emodb" else name.split("_")[1]


def _speech(table: FeatureTable) -> Flags:
    """(clips, STEPS) of speech; where almost none is detected, all that is sound."""
    mask = table.mask.reshape(-1, STEPS).copy()
    sound = table.features[:, :HIDDEN_SIZE].any(axis=1).reshape(-1, STEPS)
    few = mask.sum(axis=1) < FEWEST
    mask[few] = sound[few]
    return mask
