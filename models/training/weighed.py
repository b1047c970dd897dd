"""A trained network learns to go by the published reliability: takes, every variant, the choice."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import numpy as np
from rich.progress import Progress

from models import checkpoint
from models.features.definition import definition_hash
from models.features.face_reader import FaceReader
from models.features.voice_reader import VoiceReader
from models.features.words import WordsEncoder
from models.qamoe import QAMoE
from models.training.corpora import Split
from models.training.evaluate import Report
from models.training.reliability.clips import Clips, Readers
from models.training.reliability.takes import rounds
from models.training.reliability.weighing import Material, errors, weigh
from models.training.settings import Parts, TakesSettings, WeighingSettings
from models.training.tables import ModelFiles, tuned_file
from streamer.packets import STREAMS
from streamer.settings import load_settings

CONTROL = "control"
"""The folder of the network that was trained on the same damage without reliability."""


def weighed(
    settings: WeighingSettings,
    seeds: list[int],
    network: QAMoE,
    data: Path,
    models: ModelFiles,
    folder: Path,
    progress: Progress,
) -> tuple[QAMoE, Report]:
    """``network`` as ``settings`` say, and the errors of all variants on the validation people.

    The takes are kept in ``folder`` and taken from there, and there the control is written.
    Raises SourceError or AssetError where data or a model are missing.
    """
    wanted: dict[Split, TakesSettings] = {"train": settings.train, "valid": settings.validation}
    total = sum(len(STREAMS) * (of_split.damages + 1) for of_split in wanted.values())
    task = progress.add_task("damaged takes", total=total)
    material = {}
    for split, of_split in wanted.items():
        kept = folder / f"takes-{split}-{_digest(of_split, models)}"
        clips = _clips(of_split, split, data, models)
        takes = rounds(clips, of_split.damages, kept, lambda: progress.advance(task))
        material[split] = Material.of(takes, network)
    train, valid = material["train"], material["valid"]
    task = progress.add_task("weighing", total=(len(settings.parts) + 1) * len(seeds))

    def told(trained: QAMoE) -> Report:
        exponents = {m: float(of.exp()) for m, of in trained.trust_exponents.items()}
        both = {
            name: errors(trained, valid, settings.validation_pairs, weighed=with_it)
            for name, with_it in (("with", True), ("without", False))
        }
        return {"exponents": exponents, **both}

    figures: Report = {"before": told(network), "seeds": seeds, "variants": {}}
    runs: dict[Parts, list[QAMoE]] = {}
    for parts in settings.parts:
        runs[parts] = []
        for seed in seeds:
            runs[parts].append(weigh(network, train, valid, settings, parts, seed))
            progress.advance(task)
        figures["variants"][parts] = [told(run) for run in runs[parts]]
    controls = []
    for seed in seeds:
        controls.append(weigh(network, train, valid, settings, "fusion", seed, weighed=False))
        progress.advance(task)
    figures[CONTROL] = [told(run) for run in controls]
    best = _least([report["without"] for report in figures[CONTROL]])
    checkpoint.save(folder / CONTROL, controls[best], definition_hash(models.tuned), {})
    chosen = chosen_parts(settings, figures["variants"])
    best = _least([report["with"] for report in figures["variants"][chosen]])
    figures["shipped"] = {"parts": chosen, "seed": seeds[best]}
    return runs[chosen][best], figures


def chosen_parts(settings: WeighingSettings, variants: Report) -> Parts:
    """The first of the parts, or a later one that is better by the share that it has to be."""
    chosen, least = settings.parts[0], np.inf
    for parts in settings.parts:
        error = mean(report["with"]["damaged"] for report in variants[parts])
        if error < (1 - settings.worth) * least:
            chosen, least = parts, error
    return chosen


def _least(reports: list[dict[str, float]]) -> int:
    return min(range(len(reports)), key=lambda i: reports[i]["damaged"])


def _clips(
    settings: TakesSettings, split: Split, data: Path, models: ModelFiles
) -> Callable[[], Clips]:
    """Makes the clips of ``split``."""
    rng = np.random.default_rng(0)
    return lambda: Clips(data, settings.clips, _readers(models), rng, split, own_past=True)


def _readers(models: ModelFiles) -> Readers:
    from faster_whisper import WhisperModel

    return Readers(
        WhisperModel(
            str(models.whisper), device="cpu", compute_type="int8", cpu_threads=1,
            local_files_only=True,
        ),
        VoiceReader.load(tuned_file(models, "audio")),
        WordsEncoder(models.minilm, tuned_file(models, "text")),
        lambda: FaceReader(models.face_landmarker, tuned_file(models, "vision"), "image"),
        load_settings().window.hop_ns,
    )  # fmt: skip


def _digest(settings: TakesSettings, models: ModelFiles) -> str:
    """Of what takes are made from, but for how many times they are damaged."""
    made_from = f"{sorted(settings.clips.items())} {definition_hash(models.tuned)}"
    return hashlib.sha256(made_from.encode()).hexdigest()[:8]
