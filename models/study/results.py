"""All runs of one data set side by side: figures, and leads with paired intervals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from models.study.settings import BootstrapSettings
from models.study.statistics import Draws, Resamples, area, interval
from models.study.store import Run

Figures = dict[str, Any]
Measure = Literal["accuracy", "left", "classes", "error"]

MEASURES: tuple[Measure, ...] = ("accuracy", "left", "classes", "error")
"""Share of right signs (negative or not), the same among the samples that have a stream left, share
of right classes (negative, neutral, positive), and mean absolute error in the corpus's unit."""


ARRAYS: dict[Measure, str] = {"accuracy": "correct", "classes": "named", "error": "errors"}
"""What of a run a measure is the mean of."""

SMALLEST_SHARE = 1e-12
"""Where no sample at all has a stream left, the share of right ones among them is 0."""


@dataclass(frozen=True)
class Bench:
    """``runs`` of each model, all with the same seeds, under ``conditions``; ``draws[model]
    [measure]`` (1 + draws, conditions) are their means over seeds and samples."""

    conditions: Sequence[Mapping[str, Any]]
    runs: Mapping[str, Sequence[Run]]
    weights: Resamples
    draws: Mapping[str, Mapping[Measure, Draws]]
    level: float

    @classmethod
    def of(cls, runs: Mapping[str, Sequence[Run]], settings: BootstrapSettings) -> "Bench":
        """One bootstrap for all of ``runs``, which makes every comparison a paired one."""
        seeds = next(iter(runs.values()))
        rng = np.random.default_rng(settings.seed)
        weights = Resamples.draw(len(seeds), seeds[0].arrays["groups"], settings.draws, rng)
        draws = {
            model: {measure: _means(of_model, measure, weights.means) for measure in MEASURES}
            for model, of_model in runs.items()
        }
        return cls(seeds[0].figures["conditions"], runs, weights, draws, settings.level)

    def own(self, model: str) -> Figures:
        """Each figure of ``model``: its interval, and ``spread``, the deviation over seeds."""
        return {
            measure: {
                name: {
                    **self.interval(figure(self.draws[model][measure])),
                    "spread": _spread(figure(self.by_seed(model, measure))),
                }
                for name, figure in self.figures(measure).items()
            }
            for measure in MEASURES
        }

    def lead(self, model: str, other: str) -> Figures:
        """How much better ``model`` is than ``other``: above 0 is better for either measure."""
        return {
            measure: {
                name: self.interval(
                    _better(
                        figure(self.draws[model][measure]) - figure(self.draws[other][measure]),
                        measure,
                    )
                )
                for name, figure in self.figures(measure).items()
            }
            for measure in MEASURES
        }

    def beside(self, model: str, runs: Sequence[Run]) -> Figures:
        """How ``model`` does beside other ``runs``, in the order of the seeds, under each of their
        conditions ("protocol/name"); ``lead`` above 0: the model is better."""
        rows = [condition_name(condition) for condition in self.conditions]
        found: Figures = {}
        for i, condition in enumerate(runs[0].figures["conditions"]):
            name = condition_name(condition)
            found[name] = {}
            for measure in MEASURES:
                theirs = _means(runs, measure, self.weights.means, [i])[:, 0]
                own = self.draws[model][measure][:, rows.index(name)]
                found[name][measure] = {
                    "model": self.interval(own),
                    "other": self.interval(theirs),
                    "lead": self.interval(_better(own - theirs, measure)),
                }
        return found

    def below(self, model: str, constant: str, measure: Measure = "accuracy") -> list[str]:
        """Cells of the landscape in which the model's whole interval is below always the same
        answer; ``constant`` is the array that tells where that is right. ``measure`` "left" looks
        only at the samples of a cell that have a stream left."""
        right = self._first.arrays[constant].astype(np.float64)
        left = self._first.arrays["left"].astype(np.float64)
        found = []
        for i, condition in enumerate(self.conditions):
            if condition["protocol"] != "III":
                continue
            counted = left[i] if measure == "left" else np.ones_like(right)
            weights = self.weights.sample_weights * counted
            constantly = weights @ right / np.maximum(weights.sum(axis=1), SMALLEST_SHARE)
            lead = self.interval(self.draws[model][measure][:, i] - constantly)
            if lead["high"] < 0:
                found.append(str(condition["name"]))
        return found

    def by_seed(self, model: str, measure: Measure) -> Draws:
        """Means (seeds, conditions) over samples."""
        return _means(self.runs[model], measure, lambda values: values.mean(axis=2))

    def figures(self, measure: Measure) -> dict[str, Callable[[Draws], Draws]]:
        """The figures that one reads off means (rows, conditions): of each protocol the mean, of
        "II" the area under the curve from clean on, of the landscape also the worst cell, and of
        the mixed noise each lambda."""
        rows: dict[str, list[int]] = {}
        for i, condition in enumerate(self.conditions):
            rows.setdefault(str(condition["protocol"]), []).append(i)
            if condition["protocol"] == "mixed":
                rows[f"mixed {condition['name']}"] = [i]
        found: dict[str, Callable[[Draws], Draws]] = {
            name: partial(_mean, at) for name, at in rows.items()
        }
        if "II" in rows:
            curve = rows.get("clean", []) + rows["II"]
            levels = [float(max(self.conditions[i]["noise"].values())) for i in curve]
            found["II"] = lambda means: area(levels, means[:, curve])
        if "III" in rows:
            worst = np.max if measure == "error" else np.min
            found["III worst"] = lambda means: worst(means[:, rows["III"]], axis=1)
        return found

    def interval(self, draws: Draws) -> Figures:
        """``estimate``, ``low`` and ``high``."""
        return asdict(interval(draws, self.level))

    @property
    def _first(self) -> Run:
        return next(iter(self.runs.values()))[0]


def condition_name(condition: Mapping[str, Any]) -> str:
    """Unique in a study."""
    return f"{condition['protocol']}/{condition['name']}"


def over_seeds(values: Sequence[Any]) -> Any:
    """Nested figures of several seeds as one: of numbers the mean of those there are, else None."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    if isinstance(known[0], Mapping):
        return {key: over_seeds([value.get(key) for value in known]) for key in known[0]}
    if isinstance(known[0], list):
        return [over_seeds(items) for items in zip(*known, strict=True)]
    return known[0] if isinstance(known[0], str) else float(np.mean(known))


def _mean(at: list[int], means: Draws) -> Draws:
    mean: Draws = means[:, at].mean(axis=1)
    return mean


def _better(difference: Draws, measure: Measure) -> Draws:
    return -difference if measure == "error" else difference


def _spread(by_seed: Draws) -> float | None:
    return float(by_seed.std(ddof=1)) if len(by_seed) > 1 else None


def _means(
    runs: Sequence[Run],
    measure: Measure,
    mean: Callable[[npt.NDArray[np.float64]], Draws],
    conditions: Sequence[int] | None = None,
) -> Draws:
    """``mean`` of the ``measure`` by run, condition (None: all of them) and sample."""

    def stacked(array: str) -> npt.NDArray[np.float64]:
        values = np.stack([run.arrays[array] for run in runs]).astype(np.float64)
        return values if conditions is None else values[:, conditions]

    if measure != "left":
        return mean(stacked(ARRAYS[measure]))
    left = stacked("left")
    return mean(stacked("correct") * left) / np.maximum(mean(left), SMALLEST_SHARE)
