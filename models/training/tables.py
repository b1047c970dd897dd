"""All features that a training needs: which views each stream has, and where they come from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.progress import Progress

from models.training import corpora, views
from models.training.corpora import Example
from models.training.extraction import FeatureTable, ViewExtractor, cache_folder, extract_view
from streamer.packets import STREAMS, Stream


@dataclass(frozen=True)
class ModelFiles:
    """The feature extractors' assets: two folders and a file."""

    minilm: Path
    whisper: Path
    face_landmarker: Path


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
    listing = {"text": corpora.texts, "audio": corpora.voices, "vision": corpora.faces}
    examples = listing[stream](data)
    extractors = {"text": _text_views, "audio": _voice_views, "vision": _face_views}
    return Corpus(
        examples,
        {
            view: extract_view(stream, view, examples, extractor, cache_folder(), progress)
            for view, extractor in extractors[stream](data, models).items()
        },
    )


def _text_views(_: Path, models: ModelFiles) -> dict[str, Callable[[], ViewExtractor]]:
    return {
        word_view(level): partial(views.word_drop, models.minilm, level)
        for level in views.WORD_DROP_LEVELS
    }


def _voice_views(data: Path, models: ModelFiles) -> dict[str, Callable[[], ViewExtractor]]:
    return {
        "clean": partial(views.voice, models.whisper, views.as_recorded),
        "gain": partial(views.voice, models.whisper, views.gain),
        "noise": lambda: views.voice(models.whisper, views.environmental_noise(data)),
    }


def _face_views(data: Path, models: ModelFiles) -> dict[str, Callable[[], ViewExtractor]]:
    return {
        "clean": partial(views.face, models.face_landmarker, data, views.as_taken),
        "spoiled": partial(views.face, models.face_landmarker, data, views.spoiled),
    }


def word_view(level: float) -> str:
    """Name of the text view in which words are dropped with probability ``level``."""
    return f"dropped-{round(level * 100):02d}" if level else "clean"
