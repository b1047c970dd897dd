"""The reliability study in pictures."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from models.plot_style import STYLE
from models.study.reliability import multiples
from models.study.reliability.cases import SPOKEN, Case
from models.study.reliability.multiples import COLOUR_OF, GREY, in_words
from streamer.packets import STREAMS

Figures = Mapping[str, Any]

DPI = 110
DEVIATION = "mean |value - undamaged value|"


def draw(results: Figures, cases: Sequence[Case], folder: Path) -> dict[str, str]:
    """Writes the pictures into ``folder``; returns the names of their files by subject."""
    pictures: dict[str, Callable[[], Figure]] = {
        "levels": lambda: multiples.levels(results),
        "courses": lambda: multiples.courses(results, cases),
        "named": lambda: confusion(results),
        "deviation": lambda: by_reliability(results),
        "kinds": lambda: by_kind(results),
    }
    files = {}
    with mpl.rc_context({**STYLE, "figure.constrained_layout.use": True}):
        for subject, picture in pictures.items():
            figure = picture()
            files[subject] = f"{subject}.png"
            figure.savefig(folder / files[subject], dpi=DPI)
            plt.close(figure)
    return files


def confusion(results: Figures) -> Figure:
    """How often which stream falls most, by the stream that was damaged."""
    found = results["named"]["confusion"]
    damaged = list(found)
    columns = list(found[damaged[0]]) if damaged else []
    counts = np.array([[found[row][column] for column in columns] for row in damaged], np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = plt.subplots(figsize=(5.2, 0.72 * len(damaged) + 1.4))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        text = f"{100 * share:.1f} %\n{int(counts[row, column])}"
        colour = "white" if share > 0.5 else "black"
        axes.text(column, row, text, ha="center", va="center", color=colour)
    axes.set_xticks(range(len(columns)), [SPOKEN.get(name, name) for name in columns])
    axes.set_yticks(range(len(damaged)), [SPOKEN[name] for name in damaged])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="stream whose reliability falls most", ylabel="damaged stream")
    figure.suptitle("Whose reliability falls most, and how often", x=0.01, ha="left", fontsize=11)
    return figure


def by_reliability(results: Figures) -> Figure:
    """Deviation of the fused value in each range of the damaged stream's reliability."""
    found = results["fused"]["bins"]
    figure, grid = plt.subplots(
        1, max(len(found), 1), figsize=(9.5, 3), sharey=True, sharex=True, squeeze=False
    )
    for axes, (stream, bins) in zip(grid[0], found.items(), strict=False):
        colour = COLOUR_OF[stream]
        _curve(axes, bins, "unweighted", GREY, -0.006)
        _curve(axes, bins, "weighted", colour, 0.006)
        axes.set_title(f"{SPOKEN[stream]} damaged", loc="left", color=colour, fontsize=10)
        axes.set(xlim=(0, 1), xlabel=f"reliability of {SPOKEN[stream]}")
        axes.grid(axis="y", linewidth=0.4, color="#dddddd")
    grid[0, 0].set_ylabel(DEVIATION)
    grid[0, 0].set_ylim(bottom=0)
    _legend(figure, "How far the fused value moves, by what the damaged stream says of itself")
    return figure


def by_kind(results: Figures) -> Figure:
    """Deviation of the fused value with and without reliability, the kinds below each other."""
    kinds = results["fused"]["kinds"]
    order = [name for stream in STREAMS for name, kind in kinds.items() if kind["stream"] == stream]
    figure, axes = plt.subplots(figsize=(7.5, 0.235 * len(order) + 1.2))
    for row, name in enumerate(order):
        kind = kinds[name]
        colour = COLOUR_OF[kind["stream"]]
        pair = [kind["unweighted"], kind["weighted"]]
        if None in pair:
            axes.text(0, row, " no window to compare", va="center", color=GREY, fontsize=8)
            continue
        axes.plot(
            [one["estimate"] for one in pair], [row, row], color="#999999", linewidth=0.8, zorder=1
        )
        for one, shade in zip(pair, (GREY, colour), strict=True):
            bounds = [one["low"], one["high"]]
            axes.plot(bounds, [row, row], color=shade, alpha=0.3, linewidth=5, zorder=1)
        axes.plot(pair[0]["estimate"], row, "o", color="white", markeredgecolor=GREY, markersize=5)
        axes.plot(pair[1]["estimate"], row, "o", color=colour, markersize=5)
    axes.set_yticks(range(len(order)), [in_words(name) for name in order])
    for label, name in zip(axes.get_yticklabels(), order, strict=True):
        label.set_color(COLOUR_OF[kinds[name]["stream"]])
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", linewidth=0.4, color="#dddddd")
    axes.set_xlabel(f"{DEVIATION}, with its interval")
    _legend(figure, "How far each kind of damage moves the fused value")
    return figure


def _curve(axes: Axes, bins: Sequence[Figures], key: str, colour: str, shift: float) -> None:
    """Points with their intervals, a little beside the middle of each bin."""
    there = [here for here in bins if here[key] is not None]
    places = [(here["low"] + here["high"]) / 2 + shift for here in there]
    middle = np.array([here[key]["estimate"] for here in there])
    reach = [
        middle - [here[key]["low"] for here in there],
        [here[key]["high"] for here in there] - middle,
    ]
    axes.errorbar(
        places, middle, yerr=np.maximum(reach, 0), fmt="o-", color=colour, capsize=2,
        markerfacecolor=colour if key == "weighted" else "white", linewidth=1.4,
    )  # fmt: skip


def _legend(figure: Figure, title: str) -> None:
    drawn = [
        Line2D([], [], color="black", marker="o", linestyle="none", label="with reliability"),
        Line2D(
            [], [], color=GREY, marker="o", markerfacecolor="white", linestyle="none",
            label="without",
        ),
    ]  # fmt: skip
    figure.legend(handles=drawn, loc="outside upper right", ncols=2, fontsize=9)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
