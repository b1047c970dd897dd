"""Ramps fitted to measured windows by coordinate descent: one measure's ramp after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from streamer.packets import Floats

Doubles = npt.NDArray[np.float64]

LOW_IS_BAD = frozenset(
    {
        "level_db", "snr_db", "pause_db", "bandwidth_hz", "decay_db", "picture_share", "face_share",
        "face_size_px", "sharpness", "luma_low", "log_probability", "word_probability", "model",
    }
)  # fmt: skip
"""Measures of which less is worse; of all others more is."""

ROUNDS = 5
GRID = 40
"""Quantiles of a measure that are tried as the ends of its ramp."""

CLEAN_WEIGHT = 15.0
"""What clean windows weigh, in kinds of damage: false alarms cost more than unseen damage."""

CLEAN_SHARES = (0.002, 0.01, 0.03, 0.1, 0.3)
"""Shares of the undamaged windows that may lie on a ramp."""

WORTH = 0.002
"""Share of the loss that a measure has to take off, or it gets no ramp."""


@dataclass(frozen=True)
class Table:
    """n windows: ``measures`` by name (n,), NaN where there is none; ``kinds`` (n,), "" where
    undamaged, and ``severities`` (n,); ``targets`` (n,), what the product of the scores should be;
    ``people`` (n,)."""

    measures: Mapping[str, Floats]
    kinds: npt.NDArray[np.str_]
    severities: Doubles
    targets: Doubles
    people: npt.NDArray[np.str_]

    def of(self, use: npt.NDArray[np.bool_]) -> "Table":
        """The windows in ``use`` (n,)."""
        measures = {name: values[use] for name, values in self.measures.items()}
        return Table(
            measures, self.kinds[use], self.severities[use], self.targets[use], self.people[use]
        )


@dataclass(frozen=True)
class Fitted:
    """A ramp as models.reliability.scores.Ramp has it, without the reason."""

    bad: float
    good: float
    least: float

    def scores(self, values: Floats) -> Doubles:
        """Score (n,) of each of ``values`` (n,); 1 where there is none."""
        return np.where(np.isnan(values), 1.0, self.least + (1 - self.least) * _share(values, self))


def fit(
    table: Table,
    names: Sequence[str],
    given: Doubles | float = 1.0,
    limits: Mapping[str, float] = MappingProxyType({}),
    clean_shares: Sequence[float] = CLEAN_SHARES,
) -> dict[str, Fitted]:
    """A ramp for each measure in ``names`` that is worth one, where the scores ``given`` (n,) are
    multiplied with theirs.

    A ramp begins to fall where the worst of the undamaged windows are, at one of ``clean_shares``,
    or at ``limits``, by name. How far it falls, and until where, is fitted: least squares between
    the product of all scores and the target, each kind of damage weighing the same and what is
    clean CLEAN_WEIGHT times that.
    """
    weights = _weights(table.kinds)
    ramps: dict[str, Fitted] = {}
    for _ in range(ROUNDS):
        for name in names:
            values = table.measures.get(name)
            if values is None or np.isnan(values).all():
                continue
            others = given * product({n: r for n, r in ramps.items() if n != name}, table)
            without = float(weights @ np.square(others - table.targets))
            low = name in LOW_IS_BAD
            clean = values[table.kinds == ""]
            ends = [limits[name]] if name in limits else _ends(clean, low, clean_shares)
            best, loss = min(
                (_best(_up_to(values, good, low), good, others, table.targets, weights)
                 for good in ends),
                key=lambda found: found[1],
            )  # fmt: skip
            if loss < (1 - WORTH) * without:
                ramps[name] = best
            else:
                ramps.pop(name, None)
    return ramps


def product(ramps: Mapping[str, Fitted], table: Table) -> Doubles:
    """The product (n,) of the scores of all ``ramps``."""
    result = np.ones(len(table.targets))
    for name, ramp in ramps.items():
        result *= ramp.scores(table.measures[name])
    return result


def _best(
    values: Floats, good: float, others: Doubles, targets: Doubles, weights: Doubles
) -> tuple[Fitted, float]:
    """The ramp from ``good`` on with the least loss, and that."""
    there = ~np.isnan(values)
    ends = np.unique(np.quantile(values[there], np.linspace(0, 1, GRID)).round(4))
    best, least_loss = Fitted(good + 1, good, 1.0), np.inf
    for bad in ends[ends != good]:
        share = np.where(there, _share(values, Fitted(bad, good, 0)), 1.0)
        # The product is linear in ``least``, so its best value is known.
        slope = others * (1 - share)
        power = float(weights @ np.square(slope))
        gap = targets - others * share
        least = float(np.clip(weights @ (slope * gap) / power, 0, 1)) if power > 0 else 1.0
        loss = float(weights @ np.square(gap - least * slope))
        if loss < least_loss:
            best, least_loss = Fitted(float(bad), good, round(least, 3)), loss
    return best, least_loss


def _ends(clean: Floats, low_is_bad: bool, shares: Sequence[float]) -> list[float]:
    """Where the ramp may begin to fall: at the worst of undamaged windows, these ``shares``."""
    shares = shares if low_is_bad else [1 - share for share in shares]
    return sorted({round(float(end), 4) for end in np.nanquantile(clean, shares)})


def _up_to(values: Floats, good: float, low_is_bad: bool) -> Floats:
    """``values`` (n,), those on the good side of ``good`` moved there."""
    return np.minimum(values, good) if low_is_bad else np.maximum(values, good)


def _share(values: Floats, ramp: Fitted) -> Doubles:
    return np.clip((values - ramp.bad) / (ramp.good - ramp.bad), 0, 1)


def _weights(kinds: npt.NDArray[np.str_]) -> Doubles:
    names, index, counts = np.unique(kinds, return_inverse=True, return_counts=True)
    weight = np.where(names == "", CLEAN_WEIGHT, 1.0) / counts
    weights = np.asarray(weight[index], np.float64)
    return np.asarray(weights / weights.sum())
