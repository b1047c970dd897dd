"""A whole training: features, every variant with every seed, figures, checkpoint and model card."""

import json
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from models import checkpoint
from models.features.definition import definition_hash
from models.qamoe import QAMoE
from models.training.card import model_card
from models.training.clips import clip_figures, load_clips
from models.training.evaluate import Report, evaluate, summary
from models.training.fit import Run, fit
from models.training.settings import TrainingSettings, VariancePath, load_training_settings
from models.training.tables import Corpus, ModelFiles, load_corpora
from streamer.packets import Stream


def train(config: Path, data: Path, out: Path, models: ModelFiles | None = None) -> None:
    """Trains as ``config`` says on the corpora in ``data``; writes the weights, results.json and
    the model card README.md into ``out``.

    Extracts what features the cache lacks, with ``models`` (None: those in the user's cache
    folder). Each variance path is trained with each seed. On the validation people the path is
    chosen by the truth of its reliability, then by its error, and so is the seed of that path; the
    test people are only looked at to report.

    Raises SettingError, SourceError or AssetError where config, data or models cannot be used.
    """
    settings = load_training_settings(config)
    torch.set_num_threads(1)
    models = models or cached_models()
    with _progress() as progress:
        corpora = load_corpora(data, models, progress)
        network, figures = run_grid(settings, corpora, progress)
    figures["clips"] = clip_figures(network, load_clips(data, models))
    checkpoint.save(out, network, definition_hash(), {"shipped": figures["shipped"]})
    (out / "results.json").write_text(json.dumps(_rounded(figures), indent=1) + "\n")
    (out / "README.md").write_text(model_card(figures))


def run_grid(
    settings: TrainingSettings, corpora: Mapping[Stream, Corpus], progress: Progress
) -> tuple[QAMoE, Report]:
    """Every variance path with every seed: the network to ship, and the figures of all."""
    runs: dict[VariancePath, list[Run]] = {path: [] for path in settings.variance_paths}
    variants: dict[VariancePath, list[Report]] = {path: [] for path in settings.variance_paths}
    total = len(runs) * len(settings.seeds) * settings.fit.epochs
    task = progress.add_task("training", total=total)
    for path, seed in product(settings.variance_paths, settings.seeds):
        run = fit(
            corpora, settings.network, path, settings.fit, seed, lambda: progress.advance(task)
        )
        runs[path].append(run)
        variants[path].append(_record(run, seed, corpora, settings))
    chosen = min(runs, key=lambda path: _order(variants[path]))
    best = min(range(len(settings.seeds)), key=lambda i: _order([variants[chosen][i]]))
    figures = {
        "settings": settings.model_dump(),
        "shipped": {"variance_path": chosen, "seed": settings.seeds[best]},
        "variants": variants,
    }
    return runs[chosen][best].model, figures


def _record(
    run: Run, seed: int, corpora: Mapping[Stream, Corpus], settings: TrainingSettings
) -> Report:
    return {
        "seed": seed,
        "best_epoch": run.best_epoch,
        "train_losses": run.train_losses,
        "validation_losses": run.validation_losses,
        "validation": summary(evaluate(run.model, corpora, "valid", settings.fit.validation_pairs)),
        "test": evaluate(run.model, corpora, "test", settings.test_pairs),
    }


def _order(reports: list[Report]) -> tuple[float, float]:
    """Sort key of one or more runs: truth of their reliability in whole points, then error."""
    truth = float(np.mean([report["validation"]["largest_fall"] for report in reports]))
    error = float(np.mean([report["validation"]["mae"] for report in reports]))
    return -round(truth, 2), error


def cached_models() -> ModelFiles:
    """The feature extractors in the user's cache folder."""
    folder = Path(platformdirs.user_cache_dir("qamoe-stream"))
    return ModelFiles(
        minilm=folder / "minilm-l6",
        whisper=folder / "whisper-tiny.en",
        face_landmarker=folder / "face-landmarker" / "face_landmarker.task",
    )


def _progress() -> Progress:
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(TextColumn("{task.description}"), *columns)


def _rounded(value: Any) -> Any:
    """``value`` with all floats at four digits, as more would claim too much."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
