"""The study in pictures, drawn from results.json alone."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
import numpy.typing as npt
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from models.plot_style import COLOURS, STYLE
from models.study.heat_maps import compared, landscapes, leads, level, panels, routing
from models.study.tables import of_each_k

Figures = Mapping[str, Any]

DPI = 110


def draw(results: Figures, folder: Path) -> dict[str, list[str]]:
    """Writes the pictures of every data set into ``folder``; returns the names of its files."""
    pictures: dict[str, Callable[[Figures, Figures], Figure | None]] = {
        "landscape": landscapes,
        "lead": leads,
        "noise": noise_curves,
        "reliability": reliability,
        "error": error_by_reliability,
        "routing": routing,
        "specialists": specialists,
        "k": sensitivity,
    }
    files: dict[str, list[str]] = {}
    with mpl.rc_context({**STYLE, "figure.constrained_layout.use": True}):
        for name, figures in results["datasets"].items():
            files[name] = []
            for subject, picture in pictures.items():
                figure = picture(figures, results["settings"])
                if figure is None:
                    continue
                files[name].append(f"{name}-{subject}.png")
                figure.savefig(folder / files[name][-1], dpi=DPI)
                plt.close(figure)
    return files


def noise_curves(figures: Figures, settings: Figures) -> Figure | None:
    """Accuracy over lambda, the same on every stream."""
    at = [i for i, c in enumerate(figures["conditions"]) if c["protocol"] in ("clean", "II", "II+")]
    if len(at) < 2:
        return None
    levels = [level(figures["conditions"][i]) for i in at]
    figure, axes = plt.subplots(figsize=(7, 4))
    ours = settings["roles"]["ours"]
    for i, name in enumerate(compared(figures, settings)):
        values = [100 * figures["models"][name]["metrics"][row]["acc2_nonneg"] for row in at]
        axes.plot(
            levels,
            values,
            label=name,
            linewidth=2.5 if name == ours else 1.2,
            linestyle="-" if i < len(COLOURS) else "--",
        )
    axes.axhline(100 * figures["majority"], color="grey", linestyle=":", label="majority class")
    axes.set(xlabel="lambda on every stream", ylabel="accuracy, %")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def reliability(figures: Figures, settings: Figures) -> Figure | None:
    """Mean r of the stream that has the noise (solid) and of the others (dashed), over lambda."""
    roles = settings["roles"]
    models = [roles[role] for role in ("ours", "paper") if roles[role] in figures["models"]]
    streams = figures["streams"]
    if not any(c["protocol"] == "one" for c in figures["conditions"]):
        return None
    figure, axes = panels(len(models), 1, width=4.2, height=3.4, share=True)
    for axis, name in zip(axes, models, strict=False):
        found = figures["models"][name]["reliability"]
        for stream, colour in zip(streams, COLOURS, strict=False):
            rows = _single(figures, stream)
            levels = [level(figures["conditions"][row]) for row in rows]
            own = [found[row].get(stream) for row in rows]
            rest = [
                np.mean([found[row][m] for m in streams if m != stream and found[row].get(m)])
                if len(streams) > 1
                else np.nan
                for row in rows
            ]
            axis.plot(levels, _numbers(own), "o-", color=colour, label=f"{stream}, noisy itself")
            axis.plot(levels, _numbers(rest), "--", color=colour, label=f"others, {stream} noisy")
        axis.set(title=name, xlabel="lambda on one stream", ylim=(0, 1.02))
    axes[0].set_ylabel("mean reliability r")
    axes[len(models) - 1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def error_by_reliability(figures: Figures, settings: Figures) -> Figure | None:
    """Mean absolute error of the samples of each tenth of r, wherever all streams are there."""
    roles = settings["roles"]
    figure, axes = plt.subplots(figsize=(6, 3.6))
    for role in ("ours", "paper", "oracle"):
        found = figures["models"].get(roles[role], {}).get("error_by_reliability") or []
        bins = [here for here in found if here is not None and here["share"] >= 0.005]
        if len(bins) > 1:
            axes.plot(
                [here["reliability"] for here in bins],
                [here["error"] for here in bins],
                "o-",
                label=roles[role],
            )
    axes.set(xlabel="r, mean over the streams", ylabel="mean absolute error", xlim=(-0.02, 1.02))
    axes.legend()
    return figure


def specialists(figures: Figures, _: Figures) -> Figure | None:
    """One checkpoint for all conditions, and for each one that was trained for it alone."""
    found = figures["specialists"]
    if not found:
        return None
    figure, axis = plt.subplots(figsize=(7, 0.45 * len(found) + 1.4))
    rows = np.arange(len(found))
    parts = (
        ("model", "one checkpoint", -0.12, COLOURS[0]),
        ("other", "specialist", 0.12, COLOURS[1]),
    )
    for part, name, shift, colour in parts:
        points = [here["accuracy"][part] for here in found.values()]
        middle = [100 * point["estimate"] for point in points]
        bars = _bars(points)
        axis.errorbar(middle, rows + shift, xerr=bars, fmt="o", color=colour, capsize=3, label=name)
    axis.set_yticks(rows, list(found))
    axis.set_ylim(len(found) - 0.4, -0.6)
    axis.set(xlabel="accuracy under the condition, %")
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def sensitivity(figures: Figures, settings: Figures) -> Figure | None:
    """Accuracy by the number of experts a sample goes to (the paper's Fig. 4)."""
    of_k = of_each_k(figures, settings)
    if len(of_k) < 2:
        return None
    figure, axis = plt.subplots(figsize=(5.5, 3.4))
    names = {"clean": "clean", "III": "landscape, mean", "III worst": "landscape, worst cell"}
    for i, (name, label) in enumerate(names.items()):
        points = [accuracy[name] for accuracy in of_k.values() if name in accuracy]
        if not points:
            continue
        places = np.arange(len(points)) + 0.06 * (i - 1)
        middle = np.array([100 * point["estimate"] for point in points])
        axis.errorbar(places, middle, yerr=_bars(points), fmt="o-", capsize=3, label=label)
    axis.set_xticks(range(len(of_k)), list(of_k))
    axis.set(xlabel="experts a sample goes to (k)", ylabel="accuracy, %")
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _bars(points: list[Figures]) -> npt.NDArray[np.float64]:
    """Lengths (2, points) of the error bars; a worst cell's draws may all lie to one side."""
    low = [100 * (point["estimate"] - point["low"]) for point in points]
    high = [100 * (point["high"] - point["estimate"]) for point in points]
    return np.maximum([low, high], 0)


def _single(figures: Figures, stream: str) -> list[int]:
    """Rows of clean and of the noise on ``stream`` alone, by lambda."""
    conditions = figures["conditions"]
    rows = [
        i
        for i, c in enumerate(conditions)
        if c["protocol"] == "clean" or (c["protocol"] == "one" and c["noise"].get(stream, 0) > 0)
    ]
    return sorted(rows, key=lambda row: level(conditions[row]))


def _numbers(values: list[Any]) -> list[float]:
    return [np.nan if value is None else float(value) for value in values]
