"""What the voice head is trained on: Whisper steps and prosody of every view, clip by clip."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.progress import Progress

from models.features.prosody import PROSODY_SIZE, prosody_steps
from models.features.steps import step_count
from models.features.voice import HIDDEN_SIZE
from models.features.voice_head import EMOTIONS
from models.training import views
from models.training.corpora import (
    EMODB_EMOTIONS,
    RAVDESS_EMOTIONS,
    Example,
    voices,
)
from models.training.extraction import (
    FeatureTable,
    Sequences,
    ViewExtractor,
    cache_folder,
    extract_view,
)
from streamer.packets import Flags, Floats

VIEWS = ("clean", "gain", "noise")
STEPS = step_count(views.CLIP_SECONDS)
FEWEST = 2
"""Steps of speech below which voice activity is taken to have failed."""

Rows = npt.NDArray[np.int64]
"""Numbers of clips."""

Damage = Callable[[Floats, np.random.Generator], Floats]


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


def load_material(data: Path, whisper: Path, progress: Progress) -> VoiceMaterial:
    """The clips in ``data`` from the cache; what it lacks is extracted with the Whisper model in
    the folder ``whisper``. Raises SourceError where a corpus is not there."""
    examples = voices(data)
    damages: dict[str, Callable[[], Damage]] = {
        "clean": lambda: views.as_recorded,
        "gain": lambda: views.gain,
        "noise": lambda: views.environmental_noise(data),
    }
    hidden, prosodies, masks = [], [], []
    for view in VIEWS:
        encoded = extract_view(
            "audio", view, examples, _whisper(whisper, damages[view]), cache_folder(), progress
        )
        prosody = extract_view(
            "audio", view, examples, _prosody(damages[view]), prosody_folder(), progress
        )
        hidden.append(encoded.features.reshape(len(examples), STEPS, HIDDEN_SIZE))
        masks.append(_speech(encoded))
        prosodies.append(prosody.features.reshape(len(examples), STEPS, PROSODY_SIZE))
    return VoiceMaterial(
        examples, np.stack(hidden), np.stack(prosodies).astype(np.float32), np.stack(masks)
    )


def prosody_folder() -> Path:
    """Where the prosody of the views is kept."""
    return cache_folder() / f"prosody-{PROSODY_SIZE}"


def prosody_view(damage: Damage) -> ViewExtractor:
    """Prosody of sound files after ``damage``. With the name of a Whisper view, and so its random
    numbers, the damage is the very same. The masks say nothing: speech is the Whisper view's."""

    def extract(examples: Sequence[Example], rng: np.random.Generator) -> Sequences:
        steps = [
            prosody_steps(damage(views.decode(Path(example.content)), rng), views.CLIP_SECONDS)
            for example in examples
        ]
        return [(features, np.ones(len(features), np.bool_)) for features in steps]

    return extract


def _whisper(folder: Path, damage: Callable[[], Damage]) -> Callable[[], ViewExtractor]:
    return lambda: views.voice(folder, damage())


def _prosody(damage: Callable[[], Damage]) -> Callable[[], ViewExtractor]:
    return lambda: prosody_view(damage())


def emotion(example: Example) -> str:
    """The acted emotion, which the file's name tells."""
    name = Path(example.content).stem
    if example.corpus == "ravdess":
        return RAVDESS_EMOTIONS[name.split("-")[2][1]]
    return EMODB_EMOTIONS[name[5]] if example.corpus == "emodb" else name.split("_")[1]


def _speech(encoded: FeatureTable) -> Flags:
    """(clips, STEPS) of speech; where almost none is detected, all that is sound."""
    mask = encoded.mask.reshape(-1, STEPS).copy()
    sound = encoded.features.any(axis=1).reshape(-1, STEPS)
    few = mask.sum(axis=1) < FEWEST
    mask[few] = sound[few]
    return mask
