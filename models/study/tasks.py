"""The trainings of a study, and what one of them does."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch

from models.study.data import Dataset, Split
from models.study.grid import Outcome
from models.study.measure import Measured, measure
from models.study.mixture import mixed_condition
from models.study.protocols import Condition, deviations
from models.study.protocols import conditions as conditions_of
from models.study.settings import StudySettings
from models.study.store import Run, Task
from models.study.trainer import predict, train
from streamer.errors import SettingError
from streamer.packets import Stream

PERMUTED_UNDER = ("II", "mixed")
"""Protocols under which reliability is given to other samples: where all samples are alike, and
where they are not."""


def study_tasks(settings: StudySettings) -> list[Task]:
    """All trainings, by data set, then by seed."""
    found = []
    for dataset in settings.datasets:
        models = settings.models_on(dataset)
        special = settings.specialists
        alone = special.conditions if dataset in special.datasets else []
        for seed in settings.seeds:
            found += [Task(dataset, model, seed) for model in models]
            found += [Task(dataset, settings.roles.ours, seed, name) for name in alone]
    return found


def setup(settings: StudySettings) -> dict[str, Any]:
    """What the outcome of every task depends on."""
    keys = {"budget", "exceptions", "permuted", "protocols", "severities", "mask_seed", "pickles"}
    return settings.model_dump(mode="json", include=keys)


def perform(task: Task, dataset: Dataset, settings: StudySettings) -> Outcome:
    """Trains, and evaluates on the test split. Raises SettingError for a specialist's condition
    that is none of the study's."""
    torch.set_num_threads(1)
    conditions = task_conditions(task, settings, dataset.streams)
    special = conditions[0] if task.specialise else None
    trained = train(task.model, dataset, settings.budget_on(task.dataset), task.seed, special)
    test = partial(
        measure,
        test=dataset.test,
        scale=dataset.scale,
        deviation=deviations(dataset.train),
        mask_seed=settings.mask_seed,
    )
    training = {"epochs": trained.epochs, "seconds": trained.seconds, "loss": trained.valid_loss}
    outcome = as_outcome(test(partial(predict, trained), conditions=conditions), dataset, training)
    if special is None and task.model in settings.permuted:
        of_others = partial(predict, trained, permute=settings.mask_seed)
        told = [condition for condition in conditions if condition.protocol in PERMUTED_UNDER]
        outcome = with_permuted(outcome, test(of_others, conditions=told))
    return outcome


def as_outcome(measured: Measured, dataset: Dataset, training: Mapping[str, float]) -> Outcome:
    """Beside what was ``measured``: how the training went, the person of each test sample, and
    whether the class that is most frequent in test or training is right there."""
    right = dataset.test.labels >= 0
    arrays = {
        "errors": measured.errors,
        "correct": measured.correct,
        "named": measured.named,
        "left": measured.left,
        "groups": np.unique(dataset.test.groups, return_inverse=True)[1],
        "majority": right == _mostly(dataset.test),
        "training_majority": right == _mostly(dataset.train),
    }
    return {**measured.figures, "training": dict(training)}, arrays


def with_permuted(outcome: Outcome, measured: Measured) -> Outcome:
    """``outcome`` and what the same model answers with the reliability of other samples."""
    figures, arrays = outcome
    return {**figures, "permuted": measured.figures}, {
        **arrays,
        "permuted_errors": measured.errors,
        "permuted_correct": measured.correct,
        "permuted_named": measured.named,
        "permuted_left": measured.left,
    }


def permuted_run(run: Run) -> Run:
    """The part of ``run`` that ``with_permuted`` added, as a run of its own."""
    names = ("errors", "correct", "named", "left")
    arrays = {name: run.arrays[f"permuted_{name}"] for name in names}
    return Run(run.task, run.figures["permuted"], arrays)


def task_conditions(
    task: Task, settings: StudySettings, streams: tuple[Stream, ...]
) -> list[Condition]:
    """Those of every protocol and of the noise on one stream, the same or in turn; a specialist's
    own."""
    alone = [f"one:{stream}:{level:g}" for stream in streams for level in settings.severities]
    every = [
        condition
        for protocol in [*settings.protocols, *alone]
        for condition in conditions_of(protocol, streams)
    ]
    every += [mixed_condition(level, streams) for level in settings.severities]
    if task.specialise is None:
        return every
    named = {f"{condition.protocol}/{condition.name}": condition for condition in every}
    if task.specialise not in named:
        allowed = ", ".join(named)
        raise SettingError(f"condition {task.specialise!r}: must be one of {allowed}")
    return [named[task.specialise]]


def _mostly(split: Split) -> bool:
    """Whether most labels are not negative."""
    return bool(np.mean(split.labels >= 0) >= 0.5)
