"""What the study has to show, each with its figure and whether it is met."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

Figures = Mapping[str, Any]

SPEARMAN = -0.9
LARGEST_FALL = {"0.5": 0.9, "1.0": 0.98}
PERMUTATION_COST = 0.03
SHARE_OF_ORACLE = 2 / 3
SPECIALIST_MARGIN = 0.005

PAYS = (
    ("accuracy", "III", "landscape, mean accuracy"),
    ("accuracy", "III worst", "landscape, worst cell"),
    ("left", "III", "landscape where a stream is left, mean accuracy"),
    ("error", "III", "landscape, mean absolute error"),
    ("accuracy", "mixed", "one bad stream a sample, accuracy"),
)
"""Where reliability is to pay: measure, figure, and its name."""


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


def decimal_span(figure: Figures) -> str:
    """An interval of what has a unit."""
    # Adding 0 takes the sign off a rounded zero.
    estimate, low, high = (round(figure[key], 3) + 0.0 for key in ("estimate", "low", "high"))
    return f"{estimate:.3f} [{low:.3f}, {high:.3f}]"


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

    aim = f"Spearman of r with lambda at most {SPEARMAN} for every stream"
    yield row(aim, "spearman", None, SPEARMAN)
    for level, share in LARGEST_FALL.items():
        aim = f"corrupted stream falls most in at least {percent(share)} % at lambda {level}"
        yield row(aim, "largest_fall", level, share)
    aim = "Pearson of 1 - r with the rise in error over the levels (no bound)"
    foretold = {role: truth["foretells"] for role, truth in found.items()}
    text = "; ".join(f"{role}: {_listed(_by_stream(f, 'levels'))}" for role, f in foretold.items())
    yield Target(name, aim, text, None)


def _used(name: str, figures: Figures, settings: Figures) -> Iterator[Target]:
    """Only where samples differ in which stream is bad can another's reliability be wrong."""
    under = figures["permuted"].get(settings["roles"]["ours"], {}).get("mixed/0.5")
    if under is not None:
        cost = under["accuracy"]["lead"]
        own = figures["models"][settings["roles"]["ours"]]["accuracy"]
        damage = own["clean"]["estimate"] - own["mixed 0.5"]["estimate"]
        aim = f"permuting r costs at least {percent(PERMUTATION_COST)} points at lambda 0.5"
        text = f"{span(cost)}; the damage itself costs {percent(damage)}"
        yield Target(name, aim, text, cost["estimate"] >= PERMUTATION_COST)


def _pays(name: str, figures: Figures, settings: Figures) -> Iterator[Target]:
    """Where the oracle is above a control with its whole interval, ours has to be, too."""
    for measure, figure, of_what in PAYS:
        above, enough = [], True
        written = decimal_span if measure == "error" else span
        for control in settings["roles"]["controls"]:
            oracle = figures["oracle_lead"].get(control, {}).get(measure, {}).get(figure)
            if oracle is None or oracle["low"] <= 0:
                continue
            ours = figures["lead"][control][measure][figure]
            share = ours["estimate"] / oracle["estimate"]
            told = f"ours {written(ours)}, oracle {written(oracle)}"
            above.append(f"{control} ({told})")
            enough = enough and ours["low"] > 0 and share >= SHARE_OF_ORACLE
        aim = f"{of_what}: above each control that the oracle is above, by two thirds of its gain"
        if above:
            yield Target(name, aim, "the oracle is above " + "; ".join(above), enough)
        else:
            yield Target(name, aim, "the oracle itself is above none", None)


def _majority(name: str, figures: Figures, settings: Figures) -> Iterator[Target]:
    """The class most frequent in the test split, which no model can know, is the harder one."""
    ours = figures["models"][settings["roles"]["ours"]]
    below, left = ours["below"], ours["below_left"]
    cells = ": " + ", ".join(below["majority"]) if below["majority"] else ""
    text = (
        f"{len(below['majority'])} cells (lambda/eta) below{cells}; "
        f"{len(below['training_majority'])} below the majority class of the training; "
        f"where a stream is left, {len(left['majority'])} and {len(left['training_majority'])}"
    )
    aim = "in no cell below the majority class beyond noise"
    yield Target(name, aim, text, not below["majority"])


def _specialists(name: str, figures: Figures, _: Figures) -> Iterator[Target]:
    leads = {c: found["accuracy"]["lead"] for c, found in figures["specialists"].items()}
    if leads:
        aim = f"within {percent(SPECIALIST_MARGIN)} points of each specialist on its condition"
        text = "; ".join(f"{condition}: {span(lead)}" for condition, lead in leads.items())
        least = min(lead["estimate"] for lead in leads.values())
        yield Target(name, aim, text, least >= -SPECIALIST_MARGIN)


def _by_stream(figures: Figures, level: str | None) -> dict[str, float | None]:
    return {m: value if level is None else value.get(level) for m, value in figures.items()}


def _listed(values: Mapping[str, float | None]) -> str:
    shown = {m: "none" if value is None else f"{value:.2f}" for m, value in values.items()}
    return ", ".join(f"{m} {value}" for m, value in shown.items())
