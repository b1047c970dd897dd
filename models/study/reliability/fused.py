"""What damage does to the fused value, with reliability and without it; no labels are needed.

A window's deviation is |value - value of the undamaged session|. With reliability it is that of the
published value, without that of a network to which every stream that is there counts as reliable.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.study.reliability.cases import Case, by_kind
from models.study.reliability.people import Doubles, People, divided
from models.study.statistics import Draws
from streamer.packets import STREAMS, Flags

BINS = 5
"""Equal ranges of reliability over [0, 1]."""

Figures = dict[str, Any]


@dataclass(frozen=True)
class Deviations:
    """Of one case's k steady windows the deviations ``weighted`` and ``unweighted`` (k,), NaN where
    there is no value, ``silent`` (k,) where the analyzer abstains though it does not in the
    undamaged session, and the damaged stream's published ``reliability`` (k,)."""

    person: str
    weighted: Doubles
    unweighted: Doubles
    silent: Flags
    reliability: Doubles

    @property
    def both(self) -> Flags:
        """Windows (k,) that have both deviations: only they are compared."""
        return np.isfinite(self.weighted) & np.isfinite(self.unweighted)


def deviations(case: Case) -> Deviations:
    damaged, clean, steady = case.damaged, case.clean, case.steady

    def apart(part: str) -> Doubles:
        values = (np.asarray(getattr(course, part), np.float64) for course in (damaged, clean))
        left, right = (value[steady] for value in values)
        return np.abs(left - right)

    return Deviations(
        damaged.person,
        apart("value"),
        apart("unweighted"),
        np.isnan(damaged.value[steady]) & ~np.isnan(clean.value[steady]),
        np.asarray(damaged.reliability[case.stream][steady], np.float64),
    )


def fused(cases: Sequence[Case], people: People) -> Figures:
    """Figures over the windows of ``cases`` of all severities, see _compared: in ``total``, by
    damaged stream (``streams``), by ``kinds``; and ``bins``, by stream and published reliability
    of the damaged stream."""
    by_stream = {m: [case for case in cases if case.stream == m] for m in STREAMS}
    there = {m: of_stream for m, of_stream in by_stream.items() if of_stream}
    return {
        "total": _compared(cases, people),
        "streams": {m: _compared(of_stream, people) for m, of_stream in there.items()},
        "kinds": {
            name: {"stream": of_kind[0].stream, **_compared(of_kind, people)}
            for name, of_kind in by_kind(cases).items()
        },
        "bins": {m: _bins(of_stream, people) for m, of_stream in there.items()},
    }


def _compared(cases: Iterable[Case], people: People) -> Figures:
    """Mean deviation ``weighted`` and ``unweighted``, their ``ratio``, and by how much the former
    is less (``gain``), all over the same windows; the number of ``windows``, the share in which the
    analyzer is ``silent``, the share that has no undamaged value to compare with (``unknown``),
    and the mean deviation without reliability where it is silent (``spared``)."""
    found = [deviations(case) for case in cases]
    persons = [one.person for one in found]
    weighted = _mean(people, found, [one.both for one in found], "weighted")
    unweighted = _mean(people, found, [one.both for one in found], "unweighted")
    known = [one.silent & np.isfinite(one.unweighted) for one in found]
    windows = [len(one.silent) for one in found]
    silent = [int(one.silent.sum()) for one in found]
    compared = [int(one.both.sum()) for one in found]
    unknown = [a - s - b for a, s, b in zip(windows, silent, compared, strict=True)]
    return {
        "windows": sum(windows),
        "weighted": people.told(weighted),
        "unweighted": people.told(unweighted),
        "ratio": people.told(divided(weighted, unweighted)),
        "gain": people.told(unweighted - weighted),
        "silent": people.told(people.mean(persons, silent, windows)),
        "unknown": sum(unknown) / max(sum(windows), 1),
        "spared": people.told(_mean(people, found, known, "unweighted")),
    }


def _bins(cases: Iterable[Case], people: People) -> list[Figures]:
    found = [deviations(case) for case in cases]
    bins = []
    for number in range(BINS):
        inside = [
            np.minimum((one.reliability * BINS).astype(np.int64), BINS - 1) == number
            for one in found
        ]
        rows = [here & one.both for here, one in zip(inside, found, strict=True)]
        silent = [here & one.silent for here, one in zip(inside, found, strict=True)]
        bins.append(
            {
                "low": number / BINS,
                "high": (number + 1) / BINS,
                "windows": sum(int(here.sum()) for here in inside),
                "silent": sum(int(here.sum()) for here in silent),
                "weighted": people.told(_mean(people, found, rows, "weighted")),
                "unweighted": people.told(_mean(people, found, rows, "unweighted")),
            }
        )
    return bins


def _mean(people: People, found: Sequence[Deviations], rows: Sequence[Flags], part: str) -> Draws:
    """Over the windows ``rows`` of each case, every window alike."""
    sums = [float(getattr(one, part)[here].sum()) for one, here in zip(found, rows, strict=True)]
    counts = [int(here.sum()) for here in rows]
    return people.mean([one.person for one in found], sums, counts)
