"""The tables of the reliability study, as lines of Markdown."""

from collections.abc import Iterator, Mapping
from typing import Any

from models.study.reliability.cases import SPOKEN
from models.study.reliability.levels import CLEAN
from models.study.reliability.targets import decimal, interval
from models.study.tables import table
from models.study.targets import percent, span

Figures = Mapping[str, Any]

NO_FIGURE = "-"


def targets(results: Figures) -> list[str]:
    words = {True: "met", False: "**not met**", None: NO_FIGURE}
    rows = [(found["aim"], found["figure"], words[found["met"]]) for found in results["targets"]]
    return table(("target", "figure", ""), rows)


def levels(results: Figures) -> list[str]:
    """Level of the damaged stream by kind and severity, its parts at the largest, Spearman."""
    kinds = results["levels"]["kinds"]
    severities = sorted({severity for kind in kinds.values() for severity in kind["severities"]})
    rows = []
    for name, kind in kinds.items():
        at = dict(zip(kind["severities"], kind["reliability"], strict=True))
        worst = [_estimate(kind[part][-1]) for part in ("evidence", "model")]
        levels = [_estimate(at.get(severity)) for severity in severities]
        rows.append((f"`{name}`", *levels, *worst, interval(kind["spearman"])))
    header = ("damage", *(f"{severity:g}" for severity in severities))
    return table((*header, "evidence at the last", "network's", "Spearman"), rows)


def clean(results: Figures) -> list[str]:
    rows = [
        (SPOKEN[stream], str(found["sessions"]), decimal(found["least"]), found["person"],
         interval(found["mean"]), f"{span(found['share'])} %")
        for stream, found in results["clean"].items()
    ]  # fmt: skip
    return table(("stream", "sessions", "least", "in", "mean", f"above {CLEAN}"), rows)


def named(results: Figures) -> list[str]:
    found = results["named"]
    rows = [
        (name, str(shares["cases"]), _share(shares["all"]), _share(shares["devices"]))
        for name, shares in (
            *((f"`{name}`", shares) for name, shares in found["kinds"].items()),
            ("**all**", found["total"]),
        )
    ]
    return table(("damage", "cases", "of all streams, %", "of microphone and camera, %"), rows)


def confusion(results: Figures) -> list[str]:
    found = results["named"]["confusion"]
    columns = list(next(iter(found.values()), {}))
    rows = [(SPOKEN[row], *(str(n) for n in counts.values())) for row, counts in found.items()]
    return table(("damaged", *(SPOKEN.get(name, name) for name in columns)), rows)


def cross_talk(results: Figures) -> list[str]:
    rows = [
        (SPOKEN[pair["damaged"]], SPOKEN[pair["other"]], str(pair["cases"]),
         interval(pair["median"], 3), interval(pair["high"], 3),
         "words are made from this sound" if pair["dependent"] else "")
        for pair in sorted(results["cross_talk"], key=lambda pair: bool(pair["dependent"]))
    ]  # fmt: skip
    return table(("damaged", "other", "cases", "median", "95th percentile", ""), rows)


def reaction(results: Figures) -> Iterator[str]:
    """Median and 95th percentile of each time, of all severe cases and of the total losses."""
    found = results["reaction"]
    times = ("half fall, s", "half back, s", "back, s")
    header = ("damage", "cases", "flat", *times, "not half back", "not back")
    total = {"**all**": found["total"]}
    named = {f"`{name}`": times for name, times in found["kinds"].items()}
    yield from table(header, [_times(name, here) for name, here in {**named, **total}.items()])
    yield from ("", "At severity 1 alone:", "")
    utter = {f"`{name}`": times for name, times in found["total_loss"].items()}
    yield from table(header, [_times(name, here) for name, here in utter.items()])


def fused(results: Figures) -> list[str]:
    found = results["fused"]
    rows = [
        (name, interval(here["weighted"], 3), interval(here["unweighted"], 3),
         interval(here["ratio"]), interval(here["gain"], 3), str(here["windows"]),
         _share(here["silent"]), _estimate(here["spared"], 3), percent(here["unknown"]))
        for name, here in (
            *((f"`{name}`", kind) for name, kind in found["kinds"].items()),
            *((f"**{SPOKEN[stream]}**", here) for stream, here in found["streams"].items()),
            ("**all**", found["total"]),
        )
    ]  # fmt: skip
    header = ("damage", "with", "without", "ratio", "less by", "windows")
    return table((*header, "abstains, %", "without, there", "no undamaged value, %"), rows)


def bins(results: Figures) -> list[str]:
    rows = [
        (SPOKEN[stream], f"{here['low']:.1f}-{here['high']:.1f}", str(here["windows"]),
         str(here["silent"]), interval(here["weighted"], 3), interval(here["unweighted"], 3))
        for stream, bins in results["fused"]["bins"].items()
        for here in bins
    ]  # fmt: skip
    return table(("damaged", "its reliability", "windows", "abstains", "with", "without"), rows)


def other(figures: Figures) -> list[str]:
    """A table {row: {column: figure}} that somebody else made."""
    columns = list(dict.fromkeys(column for row in figures.values() for column in row))
    rows = [(name, *(_any(row.get(column)) for column in columns)) for name, row in figures.items()]
    return table(("", *columns), rows)


def _times(name: str, found: Figures) -> tuple[str, ...]:
    times = (f"{_time(found[what])}" for what in ("half", "half_back", "back"))
    return (
        name,
        str(found["cases"]),
        str(found["flat"]),
        *times,
        *(str(found[what]) for what in ("gone", "lower")),
    )


def _time(found: Figures) -> str:
    """Median, and in brackets the 95th percentile."""
    if found["median"] is None:
        return NO_FIGURE
    return " / ".join(decimal(found[name]["estimate"], 1) for name in ("median", "high"))


def _estimate(figure: Figures | None, digits: int = 2) -> str:
    return NO_FIGURE if figure is None else decimal(figure["estimate"], digits)


def _share(figure: Figures | None) -> str:
    return NO_FIGURE if figure is None else span(figure)


def _any(value: Any) -> str:
    if value is None:
        return NO_FIGURE
    if isinstance(value, Mapping):
        return interval(value, 3)
    return f"{value:.3f}" if isinstance(value, float) else str(value)
