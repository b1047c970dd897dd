"""All features that a training needs: which views each stream has, and where they come from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import platformdirs
from rich.progress import Progress

from models.checkpoint_files import SHIPPED, TUNED
from models.training import corpora, views
from models.training.corpora import Example
from models.training.extraction import FeatureTable, ViewExtractor, cache_folder, extract_view
from streamer.packets import STREAMS, Stream


@dataclass(frozen=True)
class ModelFiles:
    """The feature extractors' assets, two folders and a file; and the folder with the weights of
    what was tuned for the features (models.checkpoint_files.TUNED)."""

    minilm: Path
    whisper: Path
    face_landmarker: Path
    tuned: Path


@dataclass(frozen=True)
class Corpus:
    """One stream's examples, and the same rows of features for each view."""

    examples: Sequence[Example]
    views: dict[str, FeatureTable]


def load_corpora(
    data: Path, models: ModelFiles, progress: Progress, streams: Sequence[Stream] = STREAMS
) -> dict[Stream, Corpus]:
    """Examples and features of each stream; what the cache does not hold is extracted first.

    Raises SourceError where a corpus is not in ``data``.
    """
    return {stream: _load(stream, data, models, progress) for stream in streams}


def _load(stream: Stream, data: Path, models: ModelFiles, progress: Progress) -> Corpus:
    if stream == "audio":
        return _voices(data, models, progress)
    listing = {"text": corpora.texts, "vision": corpora.faces}
    examples = listing[stream](data)
    extractors = {"text": _text_views, "vision": _face_views}
    folder = cache_folder(stream, models.tuned)
    return Corpus(
        examples,
        {
            view: extract_view(stream, view, examples, extractor, folder, progress)
            for view, extractor in extractors[stream](data, models).items()
        },
    )


def _text_views(_: Path, models: ModelFiles) -> dict[str, Callable[[], ViewExtractor]]:
    return {
        word_view(level): partial(views.words, models.minilm, tuned_file(models, "text"), level)
        for level in views.WORD_DROP_LEVELS
    }


def _voices(data: Path, models: ModelFiles, progress: Progress) -> Corpus:
    """Whisper's steps and prosody are kept apart: the one takes ten times as long as the other."""
    examples = corpora.voices(data)
    folder = cache_folder("audio", models.tuned)
    damages: dict[str, Callable[[], views.SoundDamage]] = {
        "clean": lambda: views.as_recorded,
        "gain": lambda: views.gain,
        "noise": lambda: views.environmental_noise(data),
    }
    tables = {}
    for view, damage in damages.items():
        kinds: dict[str, Callable[[], ViewExtractor]] = {
            "whisper": lambda: views.voice(models.whisper, damage()),  # noqa: B023
            "prosody": lambda: views.prosody(damage()),  # noqa: B023
        }
        parts = [
            extract_view("audio", view, examples, extractor, folder / kind, progress)
            for kind, extractor in kinds.items()
        ]
        features = np.concatenate([part.features for part in parts], axis=1)
        tables[view] = FeatureTable(features, parts[0].mask, parts[0].offsets)
    return Corpus(examples, tables)


def _face_views(data: Path, models: ModelFiles) -> dict[str, Callable[[], ViewExtractor]]:
    return {
        view: partial(
            views.face, models.face_landmarker, tuned_file(models, "vision"), data, damage
        )
        for view, damage in (("clean", views.as_taken), ("spoiled", views.spoiled))
    }


def cached_models() -> ModelFiles:
    """The feature extractors in the user's cache folder, with the weights that come with the
    package."""
    folder = Path(platformdirs.user_cache_dir("qamoe-stream"))
    return ModelFiles(
        minilm=folder / "minilm-l6",
        whisper=folder / "whisper-tiny.en",
        face_landmarker=folder / "face-landmarker" / "face_landmarker.task",
        tuned=SHIPPED,
    )


def tuned_file(models: ModelFiles, stream: Stream) -> Path:
    """The weights that were tuned for the features of ``stream``."""
    return models.tuned / TUNED[stream]


def word_view(level: float) -> str:
    """Name of the text view in which words are dropped with probability ``level``."""
    return f"dropped-{round(level * 100):02d}" if level else "clean"
