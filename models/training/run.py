"""A whole training: features, every variant with every seed, figures, checkpoint and model card."""

import json
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from models import checkpoint
from models.features.definition import definition_hash
from models.features.voice_reader import VoiceReader
from models.qamoe import QAMoE
from models.training.card import model_card
from models.training.clips import clip_figures, load_clips
from models.training.evaluate import Report, evaluate, summary
from models.training.finished import Finished
from models.training.fit import Run, fit
from models.training.pairing import Material
from models.training.parts import part_figures
from models.training.settings import TrainingSettings, Variant, load_training_settings
from models.training.tables import ModelFiles, cached_models, load_corpora, tuned_file
from models.training.tune import tuned_models
from models.training.weighed import weighed


def train(config: Path, data: Path, out: Path, models: ModelFiles | None = None) -> None:
    """Trains as ``config`` says on the corpora in ``data``; writes the weights, results.json and
    the model card README.md into ``out``.

    First what the features are tuned by, then the features that the cache lacks, with ``models``
    (None: those in the user's cache folder), then each variant with each seed. On the validation
    people the variant is chosen by the truth of its reliability, then by its error, and so is its
    seed; then its fusion is trained to go by the published reliability. The test people are only
    looked at to report. What is finished in
    ``out`` from an earlier call with the same settings is not done again.

    Raises SettingError, SourceError or AssetError where config, data or models cannot be used.
    """
    settings = load_training_settings(config)
    torch.set_num_threads(1)
    models = models or cached_models()
    with progress_bars() as progress:
        models = tuned_models(settings, data, models, out, progress)
        voice = VoiceReader.load(tuned_file(models, "audio"))
        material = Material(load_corpora(data, models, progress), voice)
        # What comes after a run changes nothing about it.
        runs = settings.model_copy(update={"weighing": None})
        finished = Finished(out / "runs", runs, definition_hash(models.tuned))
        network, figures = run_grid(settings, material, progress, finished)
        if settings.weighing is not None:
            network, figures["weighing"] = weighed(
                settings.weighing, settings.seeds, network, data, models, out / "runs", progress
            )
            if figures["weighing"]["shipped"]["parts"] != "curve":
                # Where nothing is damaged, a curve changes nothing.
                test = evaluate(network, material, "test", settings.test_pairs)
                figures["weighing"]["test"] = test
        figures["parts"] = part_figures(data, models, out / "runs", progress)
    figures["clips"] = clip_figures(network, load_clips(data, models, voice))
    checkpoint.save(out, network, definition_hash(out), {"shipped": figures["shipped"]})
    (out / "results.json").write_text(json.dumps(rounded(figures), indent=1) + "\n")
    (out / "README.md").write_text(model_card(figures))


def run_grid(
    settings: TrainingSettings, material: Material, progress: Progress, finished: Finished
) -> tuple[QAMoE, Report]:
    """Every variant with every seed: the network to ship, and the figures of all."""
    runs: dict[Variant, list[QAMoE]] = {variant: [] for variant in settings.variants}
    reports: dict[Variant, list[Report]] = {variant: [] for variant in settings.variants}
    total = len(runs) * len(settings.seeds) * settings.fit.epochs
    task = progress.add_task("training", total=total)
    for number, (variant, seed) in enumerate(product(settings.variants, settings.seeds)):
        name = f"{variant}-{seed}"
        if not finished.has(name):
            run = fit(
                material, settings.network, variant, settings.fit, seed,
                lambda: progress.advance(task),
            )  # fmt: skip
            finished.write(name, run.model, _record(run, seed, material, settings))
        progress.update(task, completed=(number + 1) * settings.fit.epochs)
        model, report = finished.read(name)
        runs[variant].append(model)
        reports[variant].append(report)
    chosen = min(runs, key=lambda variant: _order(reports[variant]))
    best = min(range(len(settings.seeds)), key=lambda i: _order([reports[chosen][i]]))
    figures = {
        "settings": settings.model_dump(),
        "shipped": {**chosen._asdict(), "seed": settings.seeds[best]},
        "variants": {str(variant): found for variant, found in reports.items()},
    }
    return runs[chosen][best], figures


def _record(run: Run, seed: int, material: Material, settings: TrainingSettings) -> Report:
    return {
        "seed": seed,
        "best_epoch": run.best_epoch,
        "train_losses": run.train_losses,
        "validation_losses": run.validation_losses,
        "validation": summary(
            evaluate(run.model, material, "valid", settings.fit.validation_pairs)
        ),
        "test": evaluate(run.model, material, "test", settings.test_pairs),
    }


def _order(reports: list[Report]) -> tuple[float, float]:
    """Sort key of one or more runs: truth of their reliability in whole points, then error."""
    truth = float(np.mean([report["validation"]["largest_fall"] for report in reports]))
    error = float(np.mean([report["validation"]["mae"] for report in reports]))
    return -round(truth, 2), error


def progress_bars() -> Progress:
    """Bars of tasks with counts and time."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(TextColumn("{task.description}"), *columns)


def rounded(value: Any) -> Any:
    """``value`` with all floats at four digits, as more would claim too much."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, Mapping):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value
