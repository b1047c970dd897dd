"""Heat maps over the spectrum, drawn from results.json alone."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

Figures = Mapping[str, Any]

COLUMNS = 5


def landscapes(figures: Figures, settings: Figures) -> Figure | None:
    """Accuracy over lambda and eta of each model, on one scale of colours (the paper's Fig. 6)."""
    surfaces = {name: _surface(figures, name) for name in compared(figures, settings)}
    return _maps(surfaces, "accuracy, %", "viridis", None)


def leads(figures: Figures, settings: Figures) -> Figure | None:
    """How many points ours is above each other model, over lambda and eta."""
    ours = settings["roles"]["ours"]
    own = _surface(figures, ours)
    surfaces = {
        f"{ours} - {name}": own - _surface(figures, name)
        for name in compared(figures, settings)
        if name != ours
    }
    if not surfaces or not own.size:
        return None
    largest = max(1.0, *(float(np.abs(surface).max()) for surface in surfaces.values()))
    return _maps(surfaces, "points above (red: below)", "RdBu", (-largest, largest))


def routing(figures: Figures, settings: Figures) -> Figure | None:
    """Mean gate weight of each expert over lambda, for each stream (the paper's Fig. 5), of the
    first seed: experts of different seeds have nothing in common."""
    at = [i for i, c in enumerate(figures["conditions"]) if c["protocol"] in ("clean", "II", "II+")]
    found = figures["models"][settings["roles"]["ours"]]["routing"]
    streams = [m for m in figures["streams"] if found[at[0]].get(m)] if at else []
    if not streams or len(at) < 2:
        return None
    weights = {m: _weights([found[row].get(m) for row in at]) for m in streams}
    highest = max(float(np.nanmax(values)) for values in weights.values())
    figure, axes = panels(len(streams), 1, width=3.6, height=3.2)
    for axis, (stream, values) in zip(axes, weights.items(), strict=True):
        image = axis.imshow(values, cmap="magma", vmin=0, vmax=highest, aspect="auto")
        levels = [f"{level(figures['conditions'][row]):g}" for row in at]
        axis.set_xticks(range(len(at)), levels, rotation=90)
        axis.set_yticks(range(len(values)), [str(i + 1) for i in range(len(values))])
        axis.set_title(f"{stream} (seed {settings['seeds'][0]})")
        axis.set(xlabel="lambda on every stream", ylabel="expert")
    figure.colorbar(image, ax=axes.tolist(), label="mean gate weight")
    return figure


def _weights(rows: list[list[float] | None]) -> npt.NDArray[np.float64]:
    """(experts, conditions); not a number where the stream is in no sample."""
    none = [np.nan] * max(len(row) for row in rows if row is not None)
    return np.array([none if row is None else row for row in rows]).T


def _surface(figures: Figures, model: str) -> npt.NDArray[np.float64]:
    """Accuracy in points, (etas, lambdas), both rising."""
    cells = {
        (c["missing"], level(c)): figures["models"][model]["metrics"][i]["acc2_nonneg"]
        for i, c in enumerate(figures["conditions"])
        if c["protocol"] == "III"
    }
    rates = sorted({rate for rate, _ in cells})
    levels = sorted({level for _, level in cells})
    return np.array([[100 * cells[rate, level] for level in levels] for rate in rates])


def _maps(
    surfaces: Mapping[str, npt.NDArray[np.float64]],
    label: str,
    colours: str,
    limits: tuple[float, float] | None,
) -> Figure | None:
    if not surfaces or not next(iter(surfaces.values())).size:
        return None
    every = np.stack(list(surfaces.values()))
    low, high = limits or (float(every.min()), float(every.max()))
    rows = math.ceil(len(surfaces) / COLUMNS)
    figure, axes = panels(math.ceil(len(surfaces) / rows), rows, width=2.4, height=2.5)
    for axis in axes[len(surfaces) :]:
        axis.set_visible(False)
    for axis, (name, surface) in zip(axes, surfaces.items(), strict=False):
        image = axis.imshow(
            surface, origin="lower", cmap=colours, vmin=low, vmax=high, extent=(-0.05, 0.75) * 2
        )
        axis.set_title(f"{name}\nmean {surface.mean():.1f}", fontsize=9)
        axis.set(xlabel="lambda", ylabel="eta")
    figure.colorbar(image, ax=axes.tolist(), label=label, fraction=0.03)
    return figure


def panels(
    columns: int, rows: int, width: float, height: float, share: bool = False
) -> tuple[Figure, npt.NDArray[Any]]:
    size = width * columns + 1.2, height * rows
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, sharey=share)
    return figure, axes.ravel()


def compared(figures: Figures, settings: Figures) -> Iterator[str]:
    """The models of the comparison: ours first, without those of other k."""
    roles = settings["roles"]
    wanted = [roles["ours"], *roles["controls"], roles["oracle"]]
    return (name for name in dict.fromkeys(wanted) if name in figures["models"])


def level(condition: Figures) -> float:
    return float(max(condition["noise"].values()))
