"""Intervals by bootstrap over persons: all of a person's sessions are drawn together."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.study.settings import BootstrapSettings
from models.study.statistics import Draws, Resamples, interval

Doubles = npt.NDArray[np.float64]
Values = Sequence[float] | npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class People:
    """``weights`` (1 + draws, persons), each row summing to 1, the first all alike. They are the
    same for every figure, so that differences of figures are paired. Figures are rows of draws:
    NaN where none of the persons concerned was drawn."""

    numbers: Mapping[str, int]
    weights: Draws
    level: float

    @classmethod
    def draw(cls, persons: Sequence[str], settings: BootstrapSettings) -> "People":
        """``persons`` may name one more than once."""
        numbers = {person: number for number, person in enumerate(dict.fromkeys(persons))}
        alone = np.arange(len(numbers), dtype=np.int64)
        rng = np.random.default_rng(settings.seed)
        weights = Resamples.draw(1, alone, settings.draws, rng).sample_weights
        return cls(numbers, weights, settings.level)

    def of(self, persons: Sequence[str]) -> Draws:
        """Weights (1 + draws, n) of n cases by their ``persons`` (n,)."""
        return self.weights[:, np.array([self.numbers[person] for person in persons], np.int64)]

    def mean(self, persons: Sequence[str], values: Values, counts: Values | None = None) -> Draws:
        """Mean of the cases' ``values`` (n,), or, where these are sums, of what they are the sums
        of, ``counts`` (n,) of them each."""
        at = np.array([self.numbers[person] for person in persons], np.int64)
        every = np.ones(len(at)) if counts is None else np.asarray(counts, np.float64)
        sums, totals = np.zeros((2, len(self.numbers)))
        np.add.at(sums, at, values)
        np.add.at(totals, at, every)
        return divided(self.weights @ sums, self.weights @ totals)

    def quantile(self, persons: Sequence[str], values: Values, share: float) -> Draws:
        """The smallest of ``values`` (n,), which may be infinite, that at least ``share`` of the
        cases do not exceed."""
        if not len(values):
            return np.full(len(self.weights), np.nan)
        order = np.argsort(values)
        reached = np.cumsum(self.of(persons)[:, order], axis=1)
        first = (reached >= (share - 1e-9) * reached[:, -1:]).argmax(axis=1)
        found: Draws = np.asarray(values, np.float64)[order][first]
        return np.where(reached[:, -1] > 0, found, np.nan)

    def spearman(self, persons: Sequence[str], left: Values, right: Values) -> Draws:
        """Rank correlation of ``left`` (n,) and ``right`` (n,), ties sharing their mean rank; 0
        where one of them does not move."""
        weights = self.of(persons)
        ranks = [_ranks(np.asarray(values, np.float64), weights) for values in (left, right)]
        total = weights.sum(axis=1, keepdims=True)
        x, y = (
            rank - divided((weights * rank).sum(axis=1, keepdims=True), total) for rank in ranks
        )
        common = (weights * x * y).sum(axis=1)
        spread = (weights * x * x).sum(axis=1) * (weights * y * y).sum(axis=1)
        # Beside ranks that are of the order of 1 this is nothing.
        moves = spread > 1e-16
        found: Draws = np.where(moves, common / np.sqrt(np.where(moves, spread, 1)), 0)
        return np.where(total[:, 0] > 0, found, np.nan)

    def told(self, draws: Draws) -> dict[str, float] | None:
        """Estimate and bounds of ``draws``; None where the sample itself has no such figure."""
        if np.isnan(draws[0]):
            return None
        known = draws[~np.isnan(draws)]
        if np.isinf(known).any():
            # A quantile between a number and infinity would not be a number.
            low, high = np.quantile(known[1:], _bounds(self.level), method="inverted_cdf")
            return {"estimate": float(draws[0]), "low": float(low), "high": float(high)}
        return asdict(interval(known, self.level))


def divided(left: Draws, right: Draws) -> Draws:
    """``left`` / ``right``, NaN where ``right`` is 0."""
    there = right > 0
    return np.where(there, left / np.where(there, right, 1), np.nan)


def _ranks(values: Doubles, weights: Draws) -> Draws:
    """Weighted mean ranks (draws, n) of ``values`` (n,)."""
    below = np.sign(values[:, None] - values[None]) / 2 + 0.5
    ranks: Draws = weights @ below.T
    return ranks


def _bounds(level: float) -> list[float]:
    return [(1 - level) / 2, (1 + level) / 2]
