"""The voice head's figures: unseen actors of RAVDESS, and each corpus left out of training.

Run as ``python -m models.training.voice.figures --data DATA``.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress

from models.features.voice_head import VoiceHeads
from models.features.voice_history import Heard, VoicePrior
from models.training.extraction import Rows
from models.training.measures import balanced, figure, resampled
from models.training.tables import ModelFiles, cached_models
from models.training.voice.fit import fit_heads, predict
from models.training.voice.material import VoiceMaterial, load_material
from models.training.voice.sessions import draw_sessions, heard_clips
from models.training.voice.settings import VoiceSettings

Kind = Literal["with_history", "without_history"]

CORPORA = ("ravdess", "nemo", "emodb")
FOLDS = 6
ORDER_SEED = 29
"""Of the order in which a test speaker's clips are heard."""

WHOLE = 10_000
"""Clips in a session that holds all of a speaker."""


@dataclass(frozen=True)
class Answers:
    """Of some clips ``rows``: the classes predicted with what the session had heard before, and
    those predicted as if each clip began a session."""

    rows: Rows
    with_history: Rows
    without_history: Rows


def voice_figures(
    data: Path, models: ModelFiles, progress: Progress, settings: VoiceSettings | None = None
) -> dict[str, Any]:
    """Unseen actors, and each corpus left out. ``models`` are only used where the cache lacks
    features. Raises SourceError where a corpus is not in ``data``."""
    torch.set_num_threads(1)
    settings = settings or VoiceSettings()
    material = load_material(data, models, progress)
    heard = heard_clips(material)
    actors = unseen_actors(material, heard, settings, progress)
    left_out = {
        corpus: left_out_corpus(material, heard, corpus, settings, progress) for corpus in CORPORA
    }
    return {
        "settings": settings.model_dump(),
        "ravdess_unseen_actors": both(material, [actors]),
        "leave_one_corpus_out": both(material, list(left_out.values())),
        "corpora": {corpus: both(material, [found]) for corpus, found in left_out.items()},
    }


def unseen_actors(
    material: VoiceMaterial, heard: Heard, settings: VoiceSettings, progress: Progress
) -> Answers:
    """RAVDESS's 24 actors in folds of 4, each predicted from the 20 others. A corpus alone has few
    clips and so takes more epochs."""
    settings = settings.model_copy(update={"epochs": settings.epochs_of_one_corpus})
    actors = np.unique(material.people[material.corpora == "ravdess"])
    found = []
    for fold in np.array_split(actors, FOLDS):
        test = np.flatnonzero(np.isin(material.people, fold))
        others = np.isin(material.people, np.setdiff1d(actors, fold))
        found.append(_answers(material, heard, np.flatnonzero(others), test, settings, progress))
    return Answers(
        np.concatenate([answers.rows for answers in found]),
        np.concatenate([answers.with_history for answers in found]),
        np.concatenate([answers.without_history for answers in found]),
    )


def left_out_corpus(
    material: VoiceMaterial,
    heard: Heard,
    corpus: str,
    settings: VoiceSettings,
    progress: Progress,
) -> Answers:
    """All of ``corpus``, predicted from the other two."""
    of_corpus = material.corpora == corpus
    train, test = np.flatnonzero(~of_corpus), np.flatnonzero(of_corpus)
    return _answers(material, heard, train, test, settings, progress)


def _answers(
    material: VoiceMaterial,
    heard: Heard,
    train: Rows,
    test: Rows,
    settings: VoiceSettings,
    progress: Progress,
) -> Answers:
    task = progress.add_task("voice head", total=len(settings.seeds) * settings.epochs)
    heads, prior = fit_heads(
        material, heard, train, settings, on_epoch=lambda: progress.advance(task)
    )
    return answers_of(material, heard, heads, prior, test)


def answers_of(
    material: VoiceMaterial, heard: Heard, heads: VoiceHeads, prior: VoicePrior, test: Rows
) -> Answers:
    """What ``heads`` answer on the clean clips in ``test``."""
    classes = []
    for longest in (WHOLE, 1):
        rng = np.random.default_rng(ORDER_SEED)
        sessions = draw_sessions(material, heard, prior, test, rng, longest, view=0)
        classes.append(predict(material, heads, test, sessions).argmax(axis=1))
    return Answers(test, *classes)


def both(material: VoiceMaterial, parts: Sequence[Answers]) -> dict[str, Any]:
    """The summary with history and that without."""
    kinds: tuple[Kind, ...] = ("with_history", "without_history")
    return {kind: summary(material, parts, kind) for kind in kinds}


def summary(material: VoiceMaterial, parts: Sequence[Answers], kind: Kind) -> dict[str, Any]:
    """Mean over ``parts`` of the balanced accuracy with its interval over speakers, who are drawn
    anew within each part, and the ``confusion`` counts [true][predicted] of all."""
    confusion = np.zeros((3, 3), np.int64)
    accuracies = []
    for part in parts:
        truth, answer = material.labels[part.rows], getattr(part, kind)
        np.add.at(confusion, (truth, answer), 1)
        everyone = np.ones(len(truth), np.bool_)
        weights = resampled(material.people[part.rows].tolist())
        accuracies.append(balanced(answer, truth, everyone, weights))
    return {**figure(np.mean(accuracies, axis=0)), "confusion": confusion.tolist()}


def main() -> None:
    """Prints the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the research data")
    with Progress(console=Console(stderr=True)) as progress:
        figures = voice_figures(parser.parse_args().data, cached_models(), progress)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
