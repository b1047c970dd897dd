"""From measures to scores: ramps, and their product."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

import numpy as np

from streamer.packets import Evidence, Flags, StreamWindow

LOW = 0.7
"""Score below which a reason is given."""


@dataclass(frozen=True, slots=True)
class Ramp:
    """``least`` up to ``bad``, 1 from ``good`` on, straight in between; ``bad`` may lie on either
    side."""

    bad: float
    good: float
    reason: str
    least: float = 0.0

    def __call__(self, value: float) -> float:
        if math.isnan(value):
            return 0.0
        share = min(1.0, max(0.0, (value - self.bad) / (self.good - self.bad)))
        return self.least + (1 - self.least) * share


Ramps = Mapping[str, Ramp]
"""By the name of the measure."""


def fitted(table: str, reasons: Mapping[str, str]) -> Ramps:
    """The ramps of ``table``, as ``models.training.reliability`` has fitted them, for those of the
    measures in ``reasons`` that show anything there."""
    values = json.loads(resources.files(__package__).joinpath("fitted.json").read_text())[table]
    return MappingProxyType(
        {name: Ramp(bad, good, reasons[name], least) for name, (bad, good, least) in values.items()}
    )


def absent(reason: str) -> Evidence:
    """Evidence of a stream that is not there."""
    return Evidence(0.0, reason, {})


def absent_stream(reason: str) -> StreamWindow:
    """A stream that is not there, in a window."""
    return StreamWindow(np.zeros((0, 0), np.float32), np.zeros(0, np.bool_), absent(reason))


def judge(measures: Mapping[str, float], ramps: Ramps) -> Evidence:
    """The product of the scores of ``measures`` under the ramps of the same names, and the reason
    of the least; where two are equally bad, that of the ramp that stands first. Each kind of damage
    takes its share of what the others have left."""
    scores = {name: ramp(measures[name]) for name, ramp in ramps.items() if name in measures}
    score = math.prod(scores.values())
    finite = {name: float(value) for name, value in measures.items() if math.isfinite(value)}
    if score >= LOW:
        return Evidence(score, None, finite)
    return Evidence(score, ramps[min(scores, key=lambda name: scores[name])].reason, finite)


def lesser(window: Evidence, recent: Evidence) -> Evidence:
    """The evidence with the lesser score, of a ``window`` and its last second, with the measures of
    both: those of the second begin with ``recent_``."""
    measures = window.measures | {f"recent_{k}": v for k, v in recent.measures.items()}
    chosen = recent if recent.score < window.score else window
    return Evidence(chosen.score, chosen.reason, measures)


def tail(flags: Flags) -> int:
    """How many at the end are true without a break."""
    false = np.flatnonzero(~flags)
    return len(flags) - 1 - int(false[-1]) if len(false) else len(flags)
