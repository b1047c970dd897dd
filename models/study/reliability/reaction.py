"""How soon reliability falls after the onset of a damage, and is back after its end."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.study.reliability.cases import TOLERANCE, Case, by_kind, severe, whole
from models.study.reliability.people import Doubles, People, Values
from streamer.packets import Flags

LEAST_FALL = 0.2
"""Where reliability falls by less, there is nothing to time."""

HALF, REST = 0.5, 0.1
"""Shares of the fall that are still missing when a stream counts as half back, and as back."""

QUANTILES = {"median": 0.5, "high": 0.95}

Figures = dict[str, Any]


@dataclass(frozen=True)
class Reaction:
    """Of one case, how far the damaged stream falls, from its mean before the onset to its steady
    level, and the seconds from onset until the end of the first window in which it has fallen by
    ``half`` of that, and from the damage's end until the first in which half of it is missing at
    most (``half_back``) or a tenth (``back``). Infinite where this does not happen."""

    person: str
    fall: float
    half: float
    half_back: float
    back: float


def react(case: Case, window: float) -> Reaction:
    """Raises ValueError where no whole window lies before the onset."""
    course = case.damaged
    values = np.asarray(course.reliability[case.stream], np.float64)
    ends = np.asarray(course.ends, np.float64)
    before = whole(course, window) & (ends <= course.onset + TOLERANCE)
    if not before.any():
        raise ValueError(f"{course.person}, {case.name}: no whole window before the onset")
    usual = float(values[before].mean())
    fall = usual - float(values[case.steady].mean())
    during = (ends > course.onset + TOLERANCE) & (ends <= course.end + TOLERANCE)
    after = ends > course.end + TOLERANCE

    def first(where: Flags) -> float:
        return float(ends[where.argmax()]) if where.any() else math.inf

    return Reaction(
        course.person,
        fall,
        first(during & (values <= usual - fall / 2)) - course.onset,
        first(after & (values >= usual - HALF * fall)) - course.end,
        first(after & (values >= usual - REST * fall)) - course.end,
    )


def reactions(cases: Sequence[Case], window: float, people: People) -> Figures:
    """Times of the severe ``cases`` whose damaged stream falls by LEAST_FALL, in ``total``, for
    each of ``kinds``, and for each kind at severity 1 alone (``total_loss``); see _times."""
    chosen = severe(cases)

    def timed(of: Sequence[Case]) -> Figures:
        return _times([react(case, window) for case in of], people)

    utter = [case for case in chosen if case.severity >= 1]
    return {
        "total": timed(chosen),
        "kinds": {name: timed(of_kind) for name, of_kind in by_kind(chosen).items()},
        "total_loss": {name: timed(of_kind) for name, of_kind in by_kind(utter).items()},
    }


def mean_course(
    cases: Sequence[Case], hop: float, window: float
) -> tuple[Doubles, Doubles, Doubles, float]:
    """Mean reliability of the damaged stream around onset and end, for ``cases`` with severities of
    one's choice: times (k,) in seconds after onset, one every ``hop``; means (k,); deviations over
    the cases (k,); and the damage's median length in seconds, at which all ends are laid together.
    """
    length = float(np.median([case.damaged.end - case.damaged.onset for case in cases]))
    values: dict[int, list[float]] = {}
    for case in cases:
        course = case.damaged
        over = course.ends > course.end + TOLERANCE
        times = np.where(over, course.ends - course.end + length, course.ends - course.onset)
        chosen = whole(course, window) & (over | (times <= length + TOLERANCE))
        for time, value in zip(times[chosen], course.reliability[case.stream][chosen], strict=True):
            values.setdefault(round(float(time) / hop), []).append(float(value))
    steps = sorted(values)
    return (
        hop * np.array(steps, np.float64),
        np.array([np.mean(values[step]) for step in steps]),
        np.array([np.std(values[step]) for step in steps]),
        length,
    )


def _times(found: Sequence[Reaction], people: People) -> Figures:
    """How many ``cases`` there are, how many of them fall too little (``flat``), how many are not
    half back (``gone``) or not back (``lower``) before the session ends, and median and 95th
    percentile of each time, for which the latter count as infinite."""
    falling = [reaction for reaction in found if reaction.fall >= LEAST_FALL]
    persons = [reaction.person for reaction in falling]

    def quantiles(times: Values) -> Figures:
        draws = {name: people.quantile(persons, times, share) for name, share in QUANTILES.items()}
        return {name: people.told(figure) for name, figure in draws.items()}

    return {
        "cases": len(found),
        "flat": len(found) - len(falling),
        "gone": sum(math.isinf(reaction.half_back) for reaction in falling),
        "lower": sum(math.isinf(reaction.back) for reaction in falling),
        "half": quantiles([reaction.half for reaction in falling]),
        "half_back": quantiles([reaction.half_back for reaction in falling]),
        "back": quantiles([reaction.back for reaction in falling]),
    }
