"""What the study has to show, each with its figure and whether it is met."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from models.study.settings import permuted_name

Figures = Mapping[str, Any]

SPEARMAN = -0.9
LARGEST_FALL = {"0.5": 0.9, "1.0": 0.98}
PERMUTATION_COST = 0.03
SHARE_OF_ORACLE = 2 / 3
SPECIALIST_MARGIN = 0.005


@dataclass(frozen=True)
class Target:
    """``met`` is None where it cannot be decided; ``figure`` then says why."""

    dataset: str
    aim: str
    figure: str
    met: bool | None


def targets(results: Figures) -> list[dict[str, Any]]:
    """All targets on all data sets of ``results``, as JSON can hold them."""
    settings = results["settings"]
    found: list[Target] = []
    for name, figures in results["datasets"].items():
        rules = (_clean, _truth, _used, _pays, _majority, _specialists)
        found += [target for rule in rules for target in rule(name, figures, settings)]
    return [asdict(target) for target in found]


def percent(value: float) -> str:
    """A share as points with one digit."""
    return f"{round(100 * value, 1) + 0.0:.1f}"


def span(figure: Figures) -> str:
    """An interval of shares as points."""
    low, high = percent(figure["low"]), percent(figure["high"])
    return f"{percent(figure['estimate'])} [{low}, {high}]"


def _clean(name: str, figures: Figures, settings: Figures) -> Iterator[Target]:
    wanted = settings["accuracy_to_reach"].get(name)
    if wanted is not None:
        ours = figures["models"][settings["roles"]["ours"]]["accuracy"]["clean"]
        aim = f"clean accuracy of at least {percent(wanted)}"
        yield Target(name, aim, span(ours), ours["estimate"] >= wanted)


def _truth(name: str, figures: Figures, settings: Figures) -> Iterator[Target]:
    roles = settings["roles"]
    found = {
        role: figures["models"][roles[role]]["truth"]
        for role in ("ours", "paper")
        if roles[role] in figures["models"]
    }

    def row(aim: str, key: str, level: str | None, limit: float) -> Target:
        values = {role: _by_stream(truth[key], level) for role, truth in found.items()}
        beside = f"; paper's: {_listed(values['paper'])}" if "paper" in values else ""
        ours = [value for value in values["ours"].values() if value is not None]
        if len(ours) < len(values["ours"]) or not ours:
            return Target(name, aim, "not every stream has a figure" + beside, None)
        met = max(ours) <= limit if level is None else float(np.mean(ours)) >= limit
        return Target(name, aim, _listed(values["ours"]) + beside, met)

    yield row(
        f"Spearman of r with lambda at most {SPEARMAN} for every stream", "spearman", None, SPEARMAN
    )
    for level, share in LARGEST_FALL.items():
        aim = f"corrupted stream falls most in at least {percent(share)} % at lambda {level}"
        yield row(aim, "largest_fall", level, share)


def _used(name: str, figures: Figures, settings: Figures) -> Iterator[Target]:
    """Only where samples differ in which stream is bad can another's reliability be wrong."""
    ours = settings["roles"]["ours"]
    lead = figures["lead"].get(permuted_name(ours))
    if lead is not None:
        cost = lead["accuracy"]["mixed 0.5"]
        aim = f"permuting r costs at least {percent(PERMUTATION_COST)} points at lambda 0.5"
        yield Target(name, aim, span(cost), cost["estimate"] >= PERMUTATION_COST)


def _pays(name: str, figures: Figures, settings: Figures) -> Iterator[Target]:
    """Where the oracle itself is above a control with its whole interval, ours has to be, too."""
    for figure, of_what in (("III", "landscape's mean"), ("III worst", "landscape's worst cell")):
        for control in settings["roles"]["controls"]:
            if control not in figures["oracle_lead"]:
                continue
            ours = figures["lead"][control]["accuracy"][figure]
            oracle = figures["oracle_lead"][control]["accuracy"][figure]
            aim = f"{of_what} above {control}, and two thirds of the oracle's gain"
            text = f"{span(ours)}; oracle {span(oracle)}"
            if oracle["low"] <= 0:
                yield Target(name, aim, text + ": the oracle gains nothing, either", None)
                continue
            enough = ours["estimate"] >= SHARE_OF_ORACLE * oracle["estimate"]
            yield Target(name, aim, text, ours["low"] > 0 and enough)


def _majority(name: str, figures: Figures, settings: Figures) -> Iterator[Target]:
    below: Sequence[str] = figures["models"][settings["roles"]["ours"]]["below_majority"]
    aim = "in no cell below the majority class beyond noise"
    text = f"{len(below)} cells (lambda/eta) below" + (": " + ", ".join(below) if below else "")
    yield Target(name, aim, text, not below)


def _specialists(name: str, figures: Figures, _: Figures) -> Iterator[Target]:
    for condition, found in figures["specialists"].items():
        lead = found["accuracy"]["lead"]
        aim = f"within {percent(SPECIALIST_MARGIN)} points of the specialist for {condition}"
        yield Target(name, aim, span(lead), lead["estimate"] >= -SPECIALIST_MARGIN)


def _by_stream(figures: Figures, level: str | None) -> dict[str, float | None]:
    return {m: value if level is None else value.get(level) for m, value in figures.items()}


def _listed(values: Mapping[str, float | None]) -> str:
    shown = {m: "none" if value is None else f"{value:.2f}" for m, value in values.items()}
    return ", ".join(f"{m} {value}" for m, value in shown.items())
