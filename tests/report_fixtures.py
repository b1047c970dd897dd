"""Runs of a small study whose models behave in known ways, made without any training."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from models.study.data import Dataset, Split
from models.study.measure import measure
from models.study.protocols import Corrupted, deviations
from models.study.settings import StudySettings, load_study_settings
from models.study.store import Run, Task, plain
from models.study.tasks import PERMUTED_UNDER, as_outcome, task_conditions, with_permuted
from models.study.trainer import Answers
from streamer.packets import STREAMS, Floats, Stream

CONFIG = Path(__file__).parent.parent / "configs" / "evaluate" / "spectrum.yaml"
NAME = "synthetic"
EXPERTS = 4
SPEED: dict[str, Any] = {
    "dataset": NAME,
    "repeats": 1,
    "batch": 64,
    "models": {"ours": {"window_ms": 1.0, "windows_per_second": 1000.0, "parameters": 1234}},
}

Predict = Callable[[Corrupted], Answers]


def study_settings(**changes: Any) -> StudySettings:
    """The complete study's, for the synthetic data set and few draws."""
    settings = load_study_settings(CONFIG)
    few = settings.bootstrap.model_copy(update={"draws": 200})
    special = settings.specialists.model_copy(
        update={"datasets": [NAME], "conditions": ["II/0.5", "I-a/text"]}
    )
    defaults = {
        "datasets": [NAME],
        "seeds": [1, 2],
        "bootstrap": few,
        "specialists": special,
        "severities": [0.5, 1.0, 2.0],
        "accuracy_to_reach": {NAME: 0.6},
    }
    return settings.model_copy(update=defaults | changes)


def run(
    task: Task, predict: Predict, settings: StudySettings, permuted: Predict | None = None
) -> Run:
    """What a finished task leaves, of a model that is not trained."""
    data = dataset()
    test = partial(
        measure,
        test=data.test,
        scale=data.scale,
        deviation=deviations(data.train),
        mask_seed=settings.mask_seed,
    )
    conditions = task_conditions(task, settings, data.streams)
    measured = test(predict, conditions=conditions)
    outcome = as_outcome(measured, data, {"epochs": 1, "seconds": 1.0})
    if permuted is not None and task.model in settings.permuted:
        told = [condition for condition in conditions if condition.protocol in PERMUTED_UNDER]
        outcome = with_permuted(outcome, test(permuted, conditions=told))
    figures, arrays = outcome
    return Run(task, plain(figures), dict(arrays))


@cache
def dataset(samples: int = 90, steps: int = 3) -> Dataset:
    """Every feature of every step is the label plus noise."""
    rng = np.random.default_rng(0)

    def split(part: str) -> Split:
        labels = rng.uniform(-1, 1, samples).astype(np.float32)
        features: dict[Stream, Floats] = {
            m: (labels[:, None, None] + 0.5 * rng.normal(size=(samples, steps, 4))).astype("f4")
            for m in STREAMS
        }
        masks = {m: np.ones((samples, steps), np.bool_) for m in STREAMS}
        groups = np.array([f"{part}-{i // 3}" for i in range(samples)])
        return Split(features, masks, labels, groups)

    return Dataset(NAME, split("train"), split("valid"), split("test"), 3.0)


def weighing(
    trust: Callable[[Floats], Floats], seed: int, permute: bool = False
) -> Callable[[Corrupted], Answers]:
    """A model that averages the streams by ``trust`` of their severity, which it says is r; with
    ``permute``, by that of other samples."""

    def predict(corrupted: Corrupted) -> Answers:
        rng = np.random.default_rng(seed)
        split = corrupted.split
        order = rng.permutation(len(split)) if permute else np.arange(len(split))
        weights = {
            m: np.where(corrupted.present[m], trust(corrupted.severity[m])[order], 0)
            for m in STREAMS
        }
        total = np.maximum(np.sum(list(weights.values()), axis=0), 1e-6)
        values = np.zeros(len(split))
        for m in STREAMS:
            steps = np.maximum(split.masks[m].sum(axis=1), 1)
            level = (split.features[m].mean(axis=2) * split.masks[m]).sum(axis=1) / steps
            values += weights[m] * level / total
        values += 0.05 * rng.normal(size=len(split))
        gates = np.tile(np.linspace(0.4, 0.1, EXPERTS), (len(split), 1)).astype(np.float32)
        return Answers(
            np.clip(values, -1, 1).astype(np.float32),
            np.full(len(split), 0.3, np.float32),
            np.full((len(split), 3), 1 / 3, np.float32),
            {m: w.astype(np.float32) for m, w in weights.items()},
            dict.fromkeys(STREAMS, gates),
        )

    return predict
