"""All figures of the reliability study as one nested set: what results.json holds."""

from collections.abc import Mapping, Sequence
from typing import Any

from models.study.reliability.cases import pair, undamaged
from models.study.reliability.courses import Course
from models.study.reliability.fused import fused
from models.study.reliability.levels import clean, levels
from models.study.reliability.naming import cross_talk, named
from models.study.reliability.people import People
from models.study.reliability.reaction import reactions
from models.study.reliability.targets import targets
from models.study.settings import BootstrapSettings
from models.study.store import plain

Figures = Mapping[str, Any]


def summarise(
    courses: Sequence[Course],
    *,
    window: float,
    hop: float,
    bootstrap: BootstrapSettings,
    labelled: Figures | None = None,
    invented: Figures | None = None,
) -> dict[str, Any]:
    """Figures of ``courses``, damaged and undamaged, with windows of ``window`` seconds every
    ``hop`` seconds. ``labelled`` (error against labels, by kind) and ``invented`` (words in noise)
    are tables {row: {column: figure}} that are passed on; a figure is a number, a text or an
    interval (estimate, low, high).

    Raises ValueError where courses do not fit together, see ``cases.pair``, or none is damaged.
    """
    cases = pair(courses, window)
    if not cases:
        raise ValueError("no damaged session")
    people = People.draw([course.person for course in courses], bootstrap)
    results: dict[str, Any] = plain(
        {
            "settings": {"window": window, "hop": hop, "bootstrap": bootstrap.model_dump()},
            "persons": len(people.numbers),
            "cases": len(cases),
            "levels": levels(cases, people),
            "clean": clean(undamaged(courses), window, people),
            "named": named(cases, people),
            "cross_talk": cross_talk(cases, people),
            "reaction": reactions(cases, window, people),
            "fused": fused(cases, people),
            "labelled": labelled,
            "invented": invented,
        }
    )
    results["targets"] = targets(results)
    return results
