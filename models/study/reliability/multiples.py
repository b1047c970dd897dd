"""Small multiples, one panel for each kind of damage: levels and courses of reliability."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from models.plot_style import COLOURS
from models.study.reliability.cases import Case, by_kind
from models.study.reliability.reaction import mean_course
from models.study.reliability.targets import decimal
from streamer.packets import STREAMS

Figures = Mapping[str, Any]

COLOUR_OF: dict[str, str] = dict(zip(STREAMS, COLOURS, strict=False))
COLUMNS = 5
PANEL = 1.9, 1.55
"""Inches: five columns fill a page, at a size at which 8 points can be read."""

GREY = "#666666"
SHOWN = (1.0, 0.5)
"""Severities whose courses are drawn, the first one strongly."""


def levels(results: Figures) -> Figure:
    """Level of the damaged stream against severity, with its interval; its parts as thin lines."""
    kinds = results["levels"]["kinds"]
    figure, panels = _panels({name: kind["stream"] for name, kind in kinds.items()})
    for name, axes in panels.items():
        kind = kinds[name]
        colour, at = COLOUR_OF[kind["stream"]], kind["severities"]
        low, middle, high = (_part(kind["reliability"], k) for k in ("low", "estimate", "high"))
        axes.fill_between(at, low, high, color=colour, alpha=0.25, linewidth=0)
        axes.plot(at, _part(kind["evidence"], "estimate"), color=GREY, linewidth=0.9)
        axes.plot(at, _part(kind["model"], "estimate"), color=GREY, linewidth=0.9, linestyle=":")
        axes.plot(at, middle, "o-", color=colour, linewidth=1.8, markersize=3.5)
        axes.text(0.03, 0.05, _correlation(kind["spearman"]), fontsize=8, color="#333333")
        axes.set_xticks((0, 0.5, 1), ("0", "0.5", "1"))
    drawn = [
        Line2D([], [], color="black", marker="o", markersize=3.5, label="published"),
        Patch(color="black", alpha=0.25, linewidth=0, label="its interval"),
        Line2D([], [], color=GREY, linewidth=0.9, label="evidence alone"),
        Line2D([], [], color=GREY, linewidth=0.9, linestyle=":", label="network alone"),
        Line2D([], [], linestyle="none", label="$\\rho$: rank correlation"),
    ]
    title = "How reliable a stream is said to be while it is damaged"
    _finish(figure, panels, drawn, title, "severity of the damage")
    return figure


def courses(results: Figures, cases: Sequence[Case]) -> Figure:
    """Mean course of the damaged stream's reliability around onset and end, with its deviation over
    the persons."""
    settings = results["settings"]
    kinds = by_kind(cases)
    figure, panels = _panels({name: of_kind[0].stream for name, of_kind in kinds.items()})
    for name, axes in panels.items():
        colour = COLOUR_OF[kinds[name][0].stream]
        for severity, strength in zip(SHOWN, (1.0, 0.45), strict=True):
            chosen = [case for case in kinds[name] if case.severity == severity]
            if not chosen:
                continue
            course = mean_course(chosen, settings["hop"], settings["window"])
            times, means, deviations, length = course
            low, high = np.clip((means - deviations, means + deviations), 0, 1)
            axes.fill_between(times, low, high, color=colour, alpha=0.15 * strength, linewidth=0)
            axes.plot(times, means, color=colour, alpha=strength, linewidth=1.6)
            axes.axvspan(0, length, color="#000000", alpha=0.04, linewidth=0)
        axes.xaxis.set_major_locator(mpl.ticker.MultipleLocator(5))
    drawn = [
        Line2D([], [], color="black", linewidth=1.6, label=f"severity {SHOWN[0]:g}"),
        Line2D([], [], color="black", alpha=0.45, linewidth=1.6, label=f"severity {SHOWN[1]:g}"),
        Patch(color="black", alpha=0.15, linewidth=0, label="$\\pm$ 1 deviation, persons"),
        Patch(color="black", alpha=0.06, linewidth=0, label="damage lasts"),
    ]
    x = "end of the window, seconds after the damage's onset"
    title = "How fast a stream's reliability follows its damage"
    _finish(figure, panels, drawn, title, x)
    return figure


def in_words(name: str) -> str:
    """``video:second_face`` as a title."""
    return name.replace(":", ": ").replace("_", " ")


def _panels(stream_of: Mapping[str, str]) -> tuple[Figure, dict[str, Axes]]:
    """A panel for each kind; each stream begins a row. The first row has place for a legend."""
    rows: list[list[str]] = []
    for stream in STREAMS:
        own = [name for name, of in stream_of.items() if of == stream]
        rows += [own[at : at + COLUMNS] for at in range(0, len(own), COLUMNS)]
    if not rows or len(rows[0]) > COLUMNS - 2:
        rows.insert(0, [])
    width, height = PANEL
    figure, grid = plt.subplots(
        len(rows), COLUMNS, figsize=(width * COLUMNS, height * len(rows)), squeeze=False
    )
    for axes in grid.ravel():
        axes.set_axis_off()
    panels = {}
    for row, names in enumerate(rows):
        for axes, name in zip(grid[row], names, strict=False):
            axes.set_axis_on()
            colour = COLOUR_OF[stream_of[name]]
            axes.set_title(in_words(name), fontsize=9, loc="left", color=colour, pad=3)
            axes.set_ylim(-0.03, 1.03)
            first = axes is grid[row, 0]
            axes.set_yticks((0, 0.5, 1), ("0", "0.5", "1") if first else ("", "", ""))
            axes.tick_params(labelsize=8, length=2.5)
            axes.grid(axis="y", linewidth=0.4, color="#dddddd")
            panels[name] = axes
    return figure, panels


def _finish(
    figure: Figure,
    panels: Mapping[str, Axes],
    drawn: Sequence[Artist],
    title: str,
    x: str,
) -> None:
    free = figure.axes[COLUMNS - 2]
    legend = free.legend(handles=list(drawn), loc="upper left", fontsize=8.5, borderaxespad=0)
    # It may reach into the next column, which is free, too.
    legend.set_in_layout(False)
    figure.supxlabel(x, fontsize=9)
    figure.supylabel("reliability", fontsize=9)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    limits = [axes.get_xlim() for axes in panels.values()]
    for axes in panels.values():
        axes.set_xlim(min(low for low, _ in limits), max(high for _, high in limits))


def _part(curve: Sequence[Figures | None], key: str) -> list[float]:
    return [math.nan if point is None else float(point[key]) for point in curve]


def _correlation(figure: Figures | None) -> str:
    return "" if figure is None else f"$\\rho$ {decimal(figure['estimate'])}"
