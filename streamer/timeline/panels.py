"""What stands in the axes of a run's picture: lines, bands, gaps and the time."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MultipleLocator

from models.plot_style import COLOURS
from streamer.packets import STREAMS
from streamer.timeline.course import Course, Numbers

COLOUR_OF: dict[str, str] = dict(zip(STREAMS, COLOURS, strict=False))
THICKNESS_OF: dict[str, float] = dict(zip(STREAMS, (3.0, 2.2, 1.6), strict=True))
"""Each line is drawn over the one before, and none hides another where they meet."""

INK, PALE = "#222222", "#666666"
NO_ESTIMATE: dict[str, Any] = {
    "facecolor": "none", "edgecolor": "#999999", "hatch": "////", "linewidth": 0,
}  # fmt: skip
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800)
"""Seconds from one mark of the time axis to the next."""

DAY = 86400
MARKS = 12
"""As many of them at most."""

SECONDS, HOUR = 120, 3600
"""Up to the first the axis counts seconds, from the second on hours."""


def sentiment(axes: Axes, course: Course) -> None:
    """The value, its band, and hatching where there is no estimate."""
    low = np.clip(course.value - course.deviation, -1, 1)
    high = np.clip(course.value + course.deviation, -1, 1)
    axes.axhline(0, color=PALE, linewidth=0.8)
    _line(axes, course.end, course.value, INK, "value")
    axes.fill_between(
        course.end, low, high, color=INK, alpha=0.17, linewidth=0, label="± one standard deviation"
    )
    alone = _alone(course.value)
    axes.vlines(course.end[alone], low[alone], high[alone], color=INK, alpha=0.17, linewidth=5)
    for start, end in _abstentions(course):
        axes.axvspan(start, end, **NO_ESTIMATE)
    axes.set(ylim=(-1.05, 1.05), ylabel="sentiment")
    axes.set_yticks([-1, -0.5, 0, 0.5, 1], ["-1", "-0.5", "0", "+0.5", "+1"])


def reliability(axes: Axes, course: Course) -> None:
    """A line for each stream."""
    for name, values in course.reliability.items():
        _line(axes, course.end, values, COLOUR_OF[name], name, THICKNESS_OF[name])
    axes.set(ylim=(-0.03, 1.05), ylabel="reliability")
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])


def _line(
    axes: Axes, end: Numbers, values: Numbers, colour: str, label: str, thickness: float = 2.0
) -> None:
    alone = _alone(values)
    axes.plot(end, values, color=colour, label=label, linewidth=thickness, solid_capstyle="round")
    axes.plot(end[alone], values[alone], "o", color=colour, markersize=thickness + 1.5)


def _alone(values: Numbers) -> npt.NDArray[np.bool_]:
    """Which windows lie between two gaps: a dot shows them, a line would not."""
    gap = np.isnan(np.concatenate([[np.nan], values, [np.nan]]))
    alone: npt.NDArray[np.bool_] = gap[:-2] & ~gap[1:-1] & gap[2:]
    return alone


def _abstentions(course: Course) -> list[tuple[float, float]]:
    """From when to when there was no estimate, in seconds."""
    edges = np.diff(np.concatenate([[0], course.abstained.astype(int), [0]]))
    starts, ends = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0) - 1
    half = course.step / 2
    return [
        (float(course.end[first]) - half, float(course.end[last]) + half)
        for first, last in zip(starts, ends, strict=True)
    ]


def keys(axes: Axes, course: Course | None = None) -> list[Artist]:
    """What a legend explains."""
    handles, _ = axes.get_legend_handles_labels()
    if course is not None and course.abstained.any():
        handles.append(Patch(label="no estimate", **NO_ESTIMATE))
    return list(handles)


def time_axis(axes: Axes) -> None:
    """Marks at round times, and their unit."""
    first, last = axes.get_xlim()
    needed = (last - first) / MARKS
    step = next((step for step in STEPS if step >= needed), math.ceil(needed / DAY) * DAY)
    axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: clock(at, last)))
    unit = "s" if last <= SECONDS else "min:s" if last < HOUR else "h:min"
    axes.set_xlabel(f"time since the session began, {unit}")


def clock(seconds: float, last: float) -> str:
    """A time as the axis that ends at ``last`` writes it: 40 (s), 2:05 (min:s) or 1:05 (h:min)."""
    if last <= SECONDS:
        return f"{seconds:g}"
    large, small = divmod(round(seconds if last < HOUR else seconds / 60), 60)
    return f"{large}:{small:02}"
