"""From measures to scores: ramps, their least, and how evidence and the network's view combine."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from streamer.packets import Evidence, Flags

LOW = 0.5
"""Score below which a reason is given."""


@dataclass(frozen=True, slots=True)
class Ramp:
    """0 up to ``bad``, 1 from ``good`` on, straight in between; ``bad`` may lie on either side."""

    bad: float
    good: float
    reason: str

    def __call__(self, value: float) -> float:
        if math.isnan(value):
            return 0.0
        return min(1.0, max(0.0, (value - self.bad) / (self.good - self.bad)))


def absent(reason: str) -> Evidence:
    """Evidence of a stream that is not there."""
    return Evidence(0.0, reason, {})


def combine(model: float, evidence: Evidence) -> float:
    """Published reliability in [0, 1]: the network's own times the measured one.

    Rises with both, and is 0 where either is 0 or not a number.
    """
    value = model * evidence.score
    return 0.0 if math.isnan(value) else min(1.0, max(0.0, value))


def judge(measures: Mapping[str, float], ramps: Mapping[str, Ramp]) -> Evidence:
    """The least score of ``measures`` under the ramps of the same names, and why; where two are
    equally bad, the one whose ramp stands first."""
    scores = {name: ramp(measures[name]) for name, ramp in ramps.items() if name in measures}
    worst = min(scores, key=lambda name: scores[name])
    score = scores[worst]
    finite = {name: float(value) for name, value in measures.items() if math.isfinite(value)}
    return Evidence(score, ramps[worst].reason if score < LOW else None, finite)


def tail(flags: Flags) -> int:
    """How many at the end are true without a break."""
    false = np.flatnonzero(~flags)
    return len(flags) - 1 - int(false[-1]) if len(false) else len(flags)
