"""The reliability study as a page of Markdown, in the manner of a data sheet."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.study.reliability import tables
from models.study.reliability.cases import pair
from models.study.reliability.courses import Course
from models.study.reliability.plots import draw

Figures = Mapping[str, Any]

NOTES = """\
{cases} damaged sessions of {persons} persons, each beside the same session without damage: one kind
of damage to one stream, from its onset to its end. A window is {window:g} s long, one ends every
{hop:g} s. A stream's *level* is its mean reliability over the windows that lie whole in the damage.
Brackets hold {level} % intervals of a bootstrap over persons ({draws} draws), paired where two
things are compared. Percentiles are cases that occur. "-": there is no such figure."""


@dataclass(frozen=True)
class Section:
    """``picture`` is the subject of one, see ``plots.draw``."""

    title: str
    told: str
    tables: tuple[Callable[[Figures], Iterable[str]], ...]
    picture: str = ""


SECTIONS = (
    Section(
        "Level against severity",
        "Level of the damaged stream; at 0, that of the same windows without damage. Then the two "
        "parts at the largest severity, and Spearman's rank correlation of level and severity over "
        "persons and severities, 0 included.",
        (tables.levels,),
        "levels",
    ),
    Section("Without damage", "Means of whole undamaged sessions.", (tables.clean,)),
    Section(
        "Which stream is named",
        "Share of cases with severity 0.5 or more in which the damaged stream's level falls most. "
        "Words come out of the microphone's sound and fall with it; the last column leaves them "
        "out and asks of microphone and camera alone. Below, how often which stream falls most.",
        (tables.named, tables.confusion),
        "named",
    ),
    Section(
        "What the other streams do",
        "|Level - undamaged level| of a stream that was not damaged, at severity 0.5 or more.",
        (tables.cross_talk,),
    ),
    Section(
        "Reaction",
        "From the onset until the end of the first window in which reliability has fallen by half "
        "of what it falls in all, and from the damage's end until it is back but for half and but "
        "for a tenth of that: median / 95th percentile, at severity 0.5 or more. *Flat* cases fall "
        "by less than 0.2 and are not timed. What is not back before the session ends counts as "
        "*never*.",
        (tables.reaction,),
        "courses",
    ),
    Section(
        "What damage does to the fused value",
        "Mean |value - value of the undamaged session at the same window|, all severities, with "
        "reliability and without: the same network where every stream that is there counts as "
        "reliable. Only windows that have both are compared. Where the analyzer abstains there is "
        "no value: how often that is, and how far the value without reliability is off there.",
        (tables.fused,),
        "kinds",
    ),
    Section(
        "The fused value against reliability",
        "The same deviation by the published reliability of the damaged stream.",
        (tables.bins,),
        "deviation",
    ),
)

OTHERS = {
    "labelled": (
        "Error against labels",
        "Error of the fused value against labels on test pairs, with reliability and without; "
        "*control*, where there is one, is a network that was trained on damage to do without.",
    ),
    "invented": ("Invented words", "Words that the transcriber hears where nobody speaks."),
}


def write(results: dict[str, Any], courses: Sequence[Course], out: Path) -> None:
    """results.json, report.md and the pictures, into the folder ``out``. ``results`` are those that
    ``summarise`` makes of ``courses``."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps(results, indent=1, allow_nan=False) + "\n")
    cases = pair(courses, results["settings"]["window"])
    (out / "report.md").write_text(markdown(results, draw(results, cases, out)))


def markdown(results: Figures, pictures: Mapping[str, str]) -> str:
    """The page; ``pictures`` are, by subject, files beside it."""
    lines = ["# Reliability under damage", "", _notes(results)]
    lines += ["", "## Targets", "", *tables.targets(results)]
    for section in SECTIONS:
        lines += ["", f"## {section.title}", "", section.told]
        if section.picture in pictures:
            lines += ["", f"![{section.title}]({pictures[section.picture]})"]
        for made in section.tables:
            lines += ["", *made(results)]
    lines += [line for key in OTHERS for line in _other(key, results[key])]
    return "\n".join(lines) + "\n"


def _notes(results: Figures) -> str:
    settings = results["settings"]
    return NOTES.format(
        cases=results["cases"],
        persons=results["persons"],
        window=settings["window"],
        hop=settings["hop"],
        level=round(100 * settings["bootstrap"]["level"]),
        draws=settings["bootstrap"]["draws"],
    )


def _other(key: str, figures: Figures | None) -> Iterator[str]:
    """What somebody else measured, where it was."""
    if figures:
        title, told = OTHERS[key]
        yield from ("", f"## {title}", "", told, "", *tables.other(figures))
