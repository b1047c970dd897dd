"""How far reliability falls with severity, and what it is where nothing was done."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from models.study.reliability.cases import Case, Part, by_kind, whole
from models.study.reliability.courses import Course
from models.study.reliability.people import People
from streamer.packets import STREAMS, Stream

CLEAN = 0.8
"""What the level of each undamaged session is to be above."""

PARTS: tuple[Part, ...] = ("reliability", "evidence", "model")


def levels(cases: Sequence[Case], people: People) -> dict[str, Any]:
    """``kinds``: of each kind of damage its ``severities``, 0 included, the mean level of the
    damaged stream at each of them, as published (``reliability``), as measured (``evidence``) and
    by the network (``model``), and Spearman's rank correlation of the published level with
    severity over persons and severities. ``spearman``: the mean over the kinds."""
    kinds: dict[str, Any] = {}
    correlations = []
    for name, of_kind in by_kind(cases).items():
        severities = sorted({0.0, *(case.severity for case in of_kind)})
        persons, at, level = _points(of_kind, "reliability")
        correlations.append(people.spearman(persons, at, level))
        kinds[name] = {
            "stream": of_kind[0].stream,
            "severities": severities,
            **{part: _curve(of_kind, part, severities, people) for part in PARTS},
            "spearman": people.told(correlations[-1]),
        }
    mean = people.told(np.mean(correlations, axis=0)) if correlations else None
    return {"kinds": kinds, "spearman": mean}


def clean(courses: Sequence[Course], window: float, people: People) -> dict[str, Any]:
    """Of each stream over the undamaged ``courses``, each by the mean of its whole windows: the
    ``least`` with its ``person``, the ``mean``, and the ``share`` above CLEAN."""
    found: dict[str, Any] = {}
    for stream in STREAMS:
        there = [course for course in courses if stream in course.reliability]
        if there:
            found[stream] = _clean(there, stream, window, people)
    return found


def _clean(
    courses: Sequence[Course], stream: Stream, window: float, people: People
) -> dict[str, Any]:
    persons = [course.person for course in courses]
    values = [float(c.reliability[stream][whole(c, window)].mean()) for c in courses]
    above = [float(value > CLEAN) for value in values]
    return {
        "sessions": len(courses),
        "least": min(values),
        "person": persons[int(np.argmin(values))],
        "mean": people.told(people.mean(persons, values)),
        "share": people.told(people.mean(persons, above)),
    }


def _points(cases: Sequence[Case], part: Part) -> tuple[list[str], list[float], list[float]]:
    """Persons, severities and levels of ``cases`` of one kind, and of each person at severity 0 the
    mean over the same windows of the undamaged session."""
    own: Mapping[str, list[float]] = {case.damaged.person: [] for case in cases}
    for case in cases:
        own[case.damaged.person].append(case.clean_level(case.stream, part))
    persons = [*own, *(case.damaged.person for case in cases)]
    severities = [*(0.0 for _ in own), *(case.severity for case in cases)]
    undamaged = [float(np.mean(of_person)) for of_person in own.values()]
    return persons, severities, [*undamaged, *(case.level(case.stream, part) for case in cases)]


def _curve(
    cases: Sequence[Case], part: Part, severities: Sequence[float], people: People
) -> list[dict[str, float] | None]:
    persons, at, level = _points(cases, part)
    curve = []
    for severity in severities:
        rows = [row for row, here in enumerate(at) if here == severity]
        values = [level[row] for row in rows]
        curve.append(people.told(people.mean([persons[row] for row in rows], values)))
    return curve
