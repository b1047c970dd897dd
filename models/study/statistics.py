"""Intervals by paired bootstrap: seeds and people are drawn anew, the same ones for every model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Draws = npt.NDArray[np.float64]
"""A figure for the sample as it is (first row) and for each bootstrap draw of it."""


@dataclass(frozen=True)
class Interval:
    """``estimate`` on the sample itself; ``low`` and ``high`` bound the central share of draws."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Resamples:
    """``seed_weights`` (1 + draws, seeds) and ``sample_weights`` (1 + draws, n), rows summing to 1.

    All samples of one person are drawn together: what one person says is not independent.
    """

    seed_weights: Draws
    sample_weights: Draws

    @classmethod
    def draw(
        cls, seeds: int, groups: npt.NDArray[np.int64], draws: int, rng: np.random.Generator
    ) -> "Resamples":
        """``groups`` (n,) numbers the person of each sample from 0."""
        people = _counts(int(groups.max()) + 1, draws, rng)[:, groups]
        return cls(
            _normalised(_counts(seeds, draws, rng)),
            _normalised(people),
        )

    def means(self, values: npt.NDArray[np.generic]) -> Draws:
        """``values`` (seeds, conditions, n), to their means (1 + draws, conditions)."""
        total = np.zeros((len(self.sample_weights), values.shape[1]))
        for weights, of_seed in zip(self.seed_weights.T, values, strict=True):
            total += weights[:, None] * (self.sample_weights @ of_seed.astype(np.float64).T)
        return total


def interval(draws: Draws, level: float = 0.95) -> Interval:
    """The percentile interval of ``draws`` (1 + draws,)."""
    low, high = np.quantile(draws[1:], [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(draws[0]), float(low), float(high))


def area(levels: Sequence[float], values: Draws) -> Draws:
    """Mean height (draws,) of the degradation curve through ``values`` (draws, levels): the area
    under it by the trapezoid rule, over the range of ``levels``, which must rise."""
    widths = np.diff(levels)
    heights: Draws = (values[:, 1:] + values[:, :-1]) @ (widths / (2 * widths.sum()))
    return heights


def _counts(items: int, draws: int, rng: np.random.Generator) -> Draws:
    """How often each item is drawn, (1 + draws, items); in the first row each exactly once."""
    drawn = rng.multinomial(items, np.full(items, 1 / items), size=draws)
    return np.concatenate([np.ones((1, items)), drawn]).astype(np.float64)


def _normalised(counts: Draws) -> Draws:
    weights: Draws = counts / counts.sum(axis=1, keepdims=True)
    return weights
