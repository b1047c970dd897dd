"""Ramps fitted to measured windows by coordinate descent: one measure's ramp after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from streamer.packets import Floats

Doubles = npt.NDArray[np.float64]

LOW_IS_BAD = frozenset(
    {
        "level_db", "snr_db", "band_snr_db", "pause_db", "bandwidth_hz", "decay_db",
        "picture_share", "face_share", "face_size_px", "sharpness", "luma_low", "log_probability",
        "word_probability", "model",
    }
)  # fmt: skip
"""Measures of which less is worse; of all others more is."""

RELATIVE = frozenset({"lost_contrast"})
"""Measures of a change within the session."""

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
class Bounds:
    """What a fit must keep to. A ramp begins at one of the ``shares`` of the undamaged windows, the
    worst, or at the limit of its measure among ``limits``, and is at least as long as ``way`` of
    the way there from the median of the undamaged windows; from a limit of a RELATIVE measure as
    long as all of it, as faces are too few to tell how far beyond it a lively one changes."""

    shares: Sequence[float] = CLEAN_SHARES
    limits: Mapping[str, float] = field(default_factory=dict)
    way: float = 0.0

    def ends(self, name: str, clean: Floats) -> list[float]:
        """Where the ramp of measure ``name`` may begin, undamaged values being ``clean`` (n,)."""
        if name in self.limits:
            return [self.limits[name]]
        shares = self.shares if name in LOW_IS_BAD else [1 - share for share in self.shares]
        return sorted({round(float(end), 4) for end in np.nanquantile(clean, shares)})

    def shortest(self, name: str, good: float, clean: Floats) -> float:
        """Length of its shortest ramp from ``good`` on."""
        way = 1.0 if name in self.limits and name in RELATIVE else self.way
        return way * abs(good - float(np.nanmedian(clean)))


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
    bounds: Bounds = Bounds(),
) -> dict[str, Fitted]:
    """A ramp for each measure in ``names`` that is worth one, where the scores ``given`` (n,) are
    multiplied with theirs.

    How far a ramp falls, and until where, is fitted within ``bounds``: least squares between the
    product of all scores and the target, each kind of damage weighing the same and what is clean
    CLEAN_WEIGHT times that.
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
            best, loss = min(
                (
                    _best(
                        _up_to(values, good, low),
                        good,
                        bounds.shortest(name, good, clean),
                        others,
                        table.targets,
                        weights,
                    )
                    for good in bounds.ends(name, clean)
                ),
                key=lambda found: found[1],
            )
            if loss < (1 - WORTH) * without:
                ramps[name] = best
            else:
                ramps.pop(name, None)
    return ramps


def fit_in_turns(
    table: Table,
    names: Sequence[str],
    given: Doubles | float = 1.0,
    bounds: Bounds = Bounds(),
) -> dict[str, Fitted]:
    """As fit, those of ``names`` that are RELATIVE after all others: the sessions begin undamaged,
    so they would take the place of measures that also see what was bad from the beginning."""
    ramps: dict[str, Fitted] = {}
    for turn in (False, True):
        due = [name for name in names if (name in RELATIVE) == turn]
        ramps |= fit(table, due, given * product(ramps, table), bounds)
    return ramps


def product(ramps: Mapping[str, Fitted], table: Table) -> Doubles:
    """The product (n,) of the scores of all ``ramps``."""
    result = np.ones(len(table.targets))
    for name, ramp in ramps.items():
        result *= ramp.scores(table.measures[name])
    return result


def _best(
    values: Floats,
    good: float,
    shortest: float,
    others: Doubles,
    targets: Doubles,
    weights: Doubles,
) -> tuple[Fitted, float]:
    """The ramp from ``good`` on, at least ``shortest`` long, with the least loss, and that."""
    there = ~np.isnan(values)
    ends = np.unique(np.quantile(values[there], np.linspace(0, 1, GRID)).round(4))
    best, least_loss = Fitted(good + 1, good, 1.0), np.inf
    for bad in ends[(ends != good) & (np.abs(ends - good) >= shortest)]:
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
