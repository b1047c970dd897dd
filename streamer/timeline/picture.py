"""The picture of a run: sentiment, reliability, and what was done to the streams when."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from models.plot_style import STYLE
from streamer.reel import Caption
from streamer.summary import dropped_text
from streamer.timeline.course import Timeline
from streamer.timeline.lanes import Place, placed
from streamer.timeline.panels import (
    COLOUR_OF,
    INK,
    PALE,
    keys,
    reliability,
    sentiment,
    time_axis,
)

WIDTH, HEIGHT, DPI = 1200, 800, 100
LEFT, RIGHT, TOP, BOTTOM = 78, 1166, 696, 102
"""Pixels between which the axes and the lanes of names lie."""

BETWEEN = 50
"""Pixels from one pair of axes to the other."""

LANE, LANES = 38, 4
"""Pixels a lane of names is high, and how many there are at most."""

THINNEST = 2.0
"""Pixels that a bar is wide at least."""

LONGEST = 300
"""Letters of a line; it ends earlier where the picture does."""

SHADE = 0.1
"""Opacity of the stretches over the axes."""


@contextmanager
def _styled() -> Iterator[None]:
    with mpl.rc_context():
        mpl.rcdefaults()  # a style of the user's own would not fit the places reckoned here
        # What a session says must not be taken for a formula.
        mpl.rcParams.update({**STYLE, "font.size": 10, "text.parse_math": False})
        yield


@_styled()
def draw(timeline: Timeline, captions: Sequence[Caption], file: Path) -> None:
    """Writes the picture of ``timeline``, which holds a window at least, to the PNG ``file``,
    WIDTH x HEIGHT pixels; ``captions`` tell what happened when. Raises OSError."""
    partly = file.with_name(f"{file.name}.part")
    try:
        picture(timeline, captions).savefig(partly, format="png")
        partly.replace(file)
    finally:
        partly.unlink(missing_ok=True)


@_styled()
def picture(timeline: Timeline, captions: Sequence[Caption]) -> Figure:
    """The figure that ``draw`` saves."""
    course = timeline.course()
    figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI)
    last = float(course.end[-1])
    seconds = max(0.0, float(course.end[0]) - timeline.length), last + course.step / 2
    happened = [
        item
        for item in captions
        if item.stream is not None and item.end > seconds[0] and item.start < seconds[1]
    ]
    places = placed(happened, seconds, RIGHT - LEFT, Ruler(figure), LANES)
    below = TOP - LANE * (1 + max((place.lane for place in places), default=-1))
    middle = (below + BOTTOM - BETWEEN) // 2
    upper = _axes(figure, middle + BETWEEN, below, seconds, happened)
    lower = _axes(figure, BOTTOM, middle, seconds, happened)
    upper.tick_params(labelbottom=False)
    upper.set_xlabel("")
    sentiment(upper, course)
    _title(figure, TOP, "Expressed sentiment", "-1 negative, +1 positive", keys(upper, course))
    reliability(lower, course)
    _title(figure, middle, "Reliability", "0 carries nothing, 1 as good as clean", keys(lower))
    for place in places:
        _name(figure, place)
    _words(figure, timeline, len(happened) - len(places), bool(happened))
    return figure


class Ruler:
    """Tells the width of a line of a name in pixels."""

    def __init__(self, figure: Figure) -> None:
        self._text = figure.text(0, 0, "", fontsize=9, visible=False)

    def __call__(self, line: str) -> float:
        self._text.set_text(line)
        self._text.set_visible(True)
        width = self._text.get_window_extent().width
        self._text.set_visible(False)
        return float(width)


def _axes(
    figure: Figure,
    bottom: float,
    top: float,
    seconds: tuple[float, float],
    happened: Sequence[Caption],
) -> Axes:
    box = LEFT / WIDTH, bottom / HEIGHT, (RIGHT - LEFT) / WIDTH, (top - bottom) / HEIGHT
    axes = figure.add_axes(box)
    axes.set_xlim(*seconds)
    axes.grid(axis="y", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    for item in happened:
        start, end = max(item.start, seconds[0]), min(item.end, seconds[1])
        colour = COLOUR_OF[str(item.stream)]
        axes.axvspan(start, end, color=colour, alpha=SHADE, linewidth=0)
    time_axis(axes)
    return axes


def _title(figure: Figure, bottom: float, title: str, scale: str, keys: list[Artist]) -> None:
    """A line over axes or lanes that end ``bottom`` pixels from below."""
    at = (bottom + 9) / HEIGHT
    text = figure.text(LEFT / WIDTH, at, title, fontsize=12, fontweight="bold", color=INK)
    start = (text.get_window_extent().x1 + 12) / WIDTH
    figure.text(start, at, scale, color=PALE)
    figure.legend(
        handles=keys, loc="lower right", bbox_to_anchor=(RIGHT / WIDTH, (bottom + 4) / HEIGHT),
        ncols=len(keys), borderaxespad=0, borderpad=0, handlelength=1.6, columnspacing=1.6,
    )  # fmt: skip


def _name(figure: Figure, place: Place) -> None:
    colour = COLOUR_OF[str(place.caption.stream)]
    top = TOP - LANE * place.lane
    corner = (LEFT + place.start) / WIDTH, (top - LANE) / HEIGHT
    size = (max(place.end - place.start, THINNEST)) / WIDTH, (LANE - 3) / HEIGHT
    figure.add_artist(Rectangle(corner, *size, color=colour, alpha=0.3, linewidth=0))
    figure.text(
        (LEFT + place.text_at) / WIDTH, (top - (LANE + 3) / 2) / HEIGHT, place.text,
        fontsize=9, color=INK, verticalalignment="center", linespacing=1.1,
    )  # fmt: skip


def _words(figure: Figure, timeline: Timeline, unnamed: int, shaded: bool) -> None:
    """What is said over and under the axes."""
    _write(
        figure,
        760,
        f"qamoe-stream: {timeline.participant}",
        fontsize=15,
        fontweight="bold",
        color=INK,
    )
    _write(figure, 738, _facts(timeline), color=PALE)
    notes = [
        f"Each value stands at the end of its window of {timeline.length:g} s: what is done to a "
        "stream shows until it has left the window."
    ]
    if shaded:
        notes.append("Shaded: what was done to the streams, in the colour of the stream it hits.")
    if unnamed:
        notes[-1] += f" (No room to name {unnamed} more.)"
    if timeline.every > 1:
        notes.append(f"Thinned out: one of every {timeline.every} windows is drawn.")
    _write(figure, 32, notes[0], fontsize=9, color=PALE)
    _write(figure, 14, "  ".join(notes[1:]), fontsize=9, color=PALE)


def _write(figure: Figure, bottom: float, text: str, **font: Any) -> None:
    """A line, cut where it would leave the picture."""
    text = " ".join(text.split())[:LONGEST]
    line = figure.text(LEFT / WIDTH, bottom / HEIGHT, text, **font)
    while line.get_window_extent().x1 > RIGHT:
        text = text[:-1]
        line.set_text(f"{text}…")


def _facts(timeline: Timeline) -> str:
    parts, health = [f"session {timeline.session}"], timeline.health
    if timeline.began_at is not None:
        began = datetime.fromtimestamp(timeline.began_at).astimezone()
        parts.append(f"{began:%Y-%m-%d %H:%M}")
    if health is not None:
        parts.append(f"{health.windows} windows, {health.late_windows} late")
        parts.append(f"dropped {dropped_text([health])}")
        parts += [] if health.reason is None else [f"at the end: {health.reason}"]
    return " | ".join(parts)
