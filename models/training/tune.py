"""What the features are tuned by: trained first, or taken from the checkpoint that is shipped."""

import shutil
from dataclasses import replace
from pathlib import Path

from rich.progress import Progress

from models.checkpoint_files import TUNED
from models.training.face.settings import FaceSettings
from models.training.face.train import train_expression
from models.training.settings import TrainingSettings
from models.training.tables import ModelFiles, tuned_file
from models.training.voice.train import train_voice
from models.training.words.settings import WordsSettings
from models.training.words.tune import train_words


def tuned_models(
    settings: TrainingSettings, data: Path, models: ModelFiles, out: Path, progress: Progress
) -> ModelFiles:
    """``models`` with the tuned weights in ``out``: trained where ``settings`` say how, else those
    of ``models``.

    Raises SourceError or AssetError where data or a model are missing.
    """
    runs = out / "runs"
    files = {
        "text": settings.words and _words(settings.words, data, models, runs / "words", progress),
        "audio": settings.voice
        and train_voice(settings.voice, data, models, runs / "voice", progress),
        "vision": settings.face and _face(settings.face, data, models, runs / "face", progress),
    }
    out.mkdir(parents=True, exist_ok=True)
    for stream, name in TUNED.items():
        shutil.copy(files[stream] or tuned_file(models, stream), out / name)
    return replace(models, tuned=out)


def _words(
    settings: WordsSettings, data: Path, models: ModelFiles, out: Path, progress: Progress
) -> Path:
    task = progress.add_task("words", total=1.0)
    train_words(
        settings, data, models.minilm, out, lambda share: progress.update(task, completed=share)
    )
    return out / TUNED["text"]


def _face(
    settings: FaceSettings, data: Path, models: ModelFiles, out: Path, progress: Progress
) -> Path:
    task = progress.add_task("face", total=len(settings.sides))
    return train_expression(
        settings, data, models.face_landmarker, out / TUNED["vision"],
        lambda _: progress.advance(task),
    )  # fmt: skip
