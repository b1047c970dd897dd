"""The whole study as one nested set of figures: what results.json holds."""

from collections.abc import Mapping, Sequence
from typing import Any

from models.study.grid import Failure
from models.study.results import Bench, Figures, over_seeds
from models.study.settings import StudySettings
from models.study.store import Run
from models.study.targets import targets
from models.study.tasks import permuted_run

CONSTANTS = ("majority", "training_majority")
"""Always answering the class that is most frequent in the test, or in the training split."""


def summarise(
    runs: Sequence[Run],
    failures: Sequence[Failure],
    speed: Mapping[str, Any],
    settings: StudySettings,
) -> Figures:
    """Figures of all data sets of which any model has all its seeds."""
    found: Figures = {
        "settings": settings.model_dump(mode="json"),
        "datasets": {},
        "speed": dict(speed),
        "failures": [{"task": failure.task.key, "reason": failure.reason} for failure in failures],
    }
    for name in settings.datasets:
        here = [run for run in runs if run.task.dataset == name]
        of_model = _complete([run for run in here if run.task.specialise is None], settings)
        if settings.roles.ours in of_model:
            bench = Bench.of(of_model, settings.bootstrap)
            found["datasets"][name] = _of_dataset(bench, settings)
            found["datasets"][name]["specialists"] = _specialists(bench, here, settings)
    found["targets"] = targets(found)
    return found


def _of_dataset(bench: Bench, settings: StudySettings) -> Figures:
    roles = settings.roles
    run = bench.runs[roles.ours][0]
    groups = run.arrays["groups"]
    told = ("protocol", "name", "noise", "missing", "nothing_left")
    others = [model for model in bench.runs if model != roles.ours]
    return {
        "samples": len(groups),
        "people": int(groups.max()) + 1,
        "streams": list(bench.conditions[0]["noise"]),
        **{constant: float(run.arrays[constant].mean()) for constant in CONSTANTS},
        "conditions": [{key: c[key] for key in told} for c in bench.conditions],
        "models": {model: _of_model(bench, model) for model in bench.runs},
        "lead": {model: bench.lead(roles.ours, model) for model in others},
        "permuted": {
            model: bench.beside(model, [permuted_run(run) for run in bench.runs[model]])
            for model in settings.permuted
            if model in bench.runs
        },
        "oracle_lead": {
            model: bench.lead(roles.oracle, model)
            for model in others
            if roles.oracle in bench.runs and model != roles.oracle
        },
    }


def _of_model(bench: Bench, model: str) -> Figures:
    figures = [run.figures for run in bench.runs[model]]
    conditions = over_seeds([f["conditions"] for f in figures])
    return {
        **bench.own(model),
        **{key: [c[key] for c in conditions] for key in ("metrics", "reliability")},
        # Experts of different seeds have nothing in common but their number.
        "routing": [c["routing"] for c in figures[0]["conditions"]],
        "below": {constant: bench.below(model, constant) for constant in CONSTANTS},
        "below_left": {constant: bench.below(model, constant, "left") for constant in CONSTANTS},
        "truth": over_seeds([f["truth"] for f in figures]),
        "error_by_reliability": over_seeds([f["error_by_reliability"] for f in figures]),
        "training": over_seeds([f["training"] for f in figures]),
    }


def _specialists(bench: Bench, runs: Sequence[Run], settings: StudySettings) -> Figures:
    found: Figures = {}
    for condition in settings.specialists.conditions:
        special = [run for run in runs if run.task.specialise == condition]
        for of_model in _complete(special, settings).values():
            found |= bench.beside(settings.roles.ours, of_model)
    return found


def _complete(runs: Sequence[Run], settings: StudySettings) -> dict[str, list[Run]]:
    """Runs of the models that have every seed, in the order of the seeds."""
    found: dict[str, list[Run]] = {}
    for model in dict.fromkeys(run.task.model for run in runs):
        of_seed = {run.task.seed: run for run in runs if run.task.model == model}
        if set(settings.seeds) <= set(of_seed):
            found[model] = [of_seed[seed] for seed in settings.seeds]
    return found
