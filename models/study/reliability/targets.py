"""What reliability has to show, each with its figure and whether it is met."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from models.study.reliability.cases import SEVERE, kind_name
from models.study.reliability.levels import CLEAN
from models.study.targets import percent, span
from streamer.packets import Stream

Figures = Mapping[str, Any]

SPEARMAN, MEAN_SPEARMAN = -0.85, -0.92
NAMED = 0.95
CROSS_TALK = 0.05
HALF_FALL = 1.0
AT_ONCE = 0.5
SUDDEN: tuple[tuple[Stream, str], ...] = (
    ("audio", "mute"),
    ("audio", "stuck"),
    ("audio", "gap"),
    ("vision", "freeze"),
    ("vision", "gap"),
)
"""Kinds that take a whole stream away at severity 1, which has to be seen AT_ONCE."""
LESS = 0.15
INVENTED = 1.0
"""Per cent of windows without speech."""
LISTED = 6


@dataclass(frozen=True)
class Target:
    """``met`` is None where it cannot be decided; ``figure`` then says why."""

    aim: str
    figure: str
    met: bool | None


def targets(results: Figures) -> list[dict[str, Any]]:
    """All targets of ``results``, as JSON can hold them."""
    rules: tuple[Callable[[Figures], Iterator[Target]], ...] = (
        _follows, _clean, _named, _cross_talk, _reaction, _fused, _labelled, _invented,
    )  # fmt: skip
    return [asdict(target) for rule in rules for target in rule(results)]


def interval(figure: Figures | None, digits: int = 2) -> str:
    """Estimate and bounds in the figure's own unit; what is not finite is beyond the session."""
    if figure is None:
        return "-"
    estimate, low, high = (decimal(figure[key], digits) for key in ("estimate", "low", "high"))
    return f"{estimate} [{low}, {high}]"


def decimal(value: float | None, digits: int = 2) -> str:
    """``value`` with ``digits`` digits; None, which JSON holds for infinity, as "never"."""
    # Adding 0 takes the sign off a rounded zero.
    return "never" if value is None else f"{round(value, digits) + 0.0:.{digits}f}"


def _follows(results: Figures) -> Iterator[Target]:
    kinds = results["levels"]["kinds"]
    found = {name: kind["spearman"]["estimate"] for name, kind in kinds.items()}
    aim = f"Spearman of the published value with severity at most {SPEARMAN} for each kind"
    yield _each(aim, found, lambda value: value <= SPEARMAN)
    mean = results["levels"]["spearman"]
    aim = f"Spearman at most {MEAN_SPEARMAN} in the mean over all kinds"
    yield Target(aim, interval(mean), None if mean is None else mean["estimate"] <= MEAN_SPEARMAN)


def _clean(results: Figures) -> Iterator[Target]:
    found = {stream: figures["least"] for stream, figures in results["clean"].items()}
    aim = f"above {CLEAN} in each undamaged session, every stream"
    yield _each(aim, found, lambda value: value > CLEAN, least=True)


def _named(results: Figures) -> Iterator[Target]:
    total = results["named"]["total"]
    aim = f"the damaged stream falls most in at least {percent(NAMED)} % from severity {SEVERE}"
    for key, among in (("all", "of all streams"), ("devices", "of microphone and camera")):
        share = total[key]
        met = None if share is None else share["estimate"] >= NAMED
        yield Target(f"{aim}, {among}", "-" if share is None else f"{span(share)} %", met)


def _cross_talk(results: Figures) -> Iterator[Target]:
    found = {
        f"{pair['damaged']} -> {pair['other']}": pair["median"]["estimate"]
        for pair in results["cross_talk"]
        if not pair["dependent"]
    }
    aim = f"other streams move by at most {CROSS_TALK} in the median (but words with their sound)"
    yield _each(aim, found, lambda value: value <= CROSS_TALK, digits=3)


def _reaction(results: Figures) -> Iterator[Target]:
    reaction, window = results["reaction"], results["settings"]["window"]
    flat = reaction["total"]["flat"]

    def rows(aim: str, what: str, limit: float) -> Iterator[Target]:
        kinds = _medians(reaction["kinds"], what)
        yield _each(f"{aim} {limit:g} s, median of each kind that falls", kinds, _within(limit))
        high = reaction["total"][what]["high"]
        met = None if high is None else _within(limit)(high["estimate"])
        text = f"{interval(high)} s; {flat} of {reaction['total']['cases']} fall too little to time"
        yield Target(f"{aim} {limit:g} s, 95 % of cases", text, met)

    yield from rows("half fall within", "half", HALF_FALL)
    sudden = [kind_name(stream, kind) for stream, kind in SUDDEN]
    utter = {name: found for name, found in reaction["total_loss"].items() if name in sudden}
    aim = f"half fall within {AT_ONCE} s at severity 1, median of each of {', '.join(sudden)}"
    yield _each(aim, _medians(utter, "half"), _within(AT_ONCE))
    yield from rows("half back within one window,", "half_back", window)
    yield from rows("back, but for a tenth of the fall, within one window,", "back", window)


def _fused(results: Figures) -> Iterator[Target]:
    total = results["fused"]["total"]
    aim = f"damage moves the fused value at least {percent(LESS)} % less than without reliability"
    ratio, gain = total["ratio"], total["gain"]
    if ratio is None:
        yield Target(aim, "nothing to compare", None)
        return
    text = f"ratio {interval(ratio)}; difference {interval(gain, 4)}"
    yield Target(aim, text, ratio["estimate"] <= 1 - LESS and gain["low"] > 0)


def _labelled(results: Figures) -> Iterator[Target]:
    rows = results["labelled"] or {}
    if {"all kinds", "undamaged"} <= set(rows):
        every, clean = rows["all kinds"], rows["undamaged"]
        text = f"ratio {interval(every['ratio'])}; difference {interval(every['gain'], 4)}"
        met = every["ratio"]["estimate"] <= 1 - LESS and every["gain"]["low"] > 0
        aim = f"error against labels at least {percent(LESS)} % below that without reliability"
        yield Target(f"{aim}, all kinds", text, met)
        gain = clean["gain"]
        yield Target("never worse without damage", interval(gain, 4), gain["estimate"] >= 0)


def _invented(results: Figures) -> Iterator[Target]:
    rows = results["invented"] or {}
    if "ESC-10" in rows:
        share = rows["ESC-10"]["guard, %"]
        aim = f"invented words take part in under {INVENTED:g} % of windows of ESC-10"
        yield Target(aim, f"{interval(share)} %", share["estimate"] < INVENTED)


def _medians(kinds: Figures, what: str) -> dict[str, float | None]:
    """Of the kinds that fall at all."""
    found = {name: kind[what]["median"] for name, kind in kinds.items()}
    return {name: median["estimate"] for name, median in found.items() if median is not None}


def _within(limit: float) -> Callable[[float | None], bool]:
    return lambda value: value is not None and value <= limit + 1e-6


def _each(
    aim: str,
    found: Mapping[str, float | None],
    holds: Callable[[Any], bool],
    digits: int = 2,
    least: bool = False,
) -> Target:
    """Whether all ``found`` hold. Those that do not are listed, the largest first, or the ``least``
    first; None is for infinity."""
    if not found:
        return Target(aim, "nothing to judge", None)
    wrong = {name: math.inf if value is None else value for name, value in found.items()}
    order = sorted(wrong, key=wrong.__getitem__, reverse=not least)
    missed = [f"{name} {decimal(found[name], digits)}" for name in order if not holds(found[name])]
    text = f"{len(found) - len(missed)} of {len(found)}"
    if missed:
        more = f", and {len(missed) - LISTED} more" if len(missed) > LISTED else ""
        text += f"; not: {', '.join(missed[:LISTED])}{more}"
    return Target(aim, text, not missed)
