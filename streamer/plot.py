"""A value and its uncertainty through time, drawn with characters, readable without colour."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

ROWS = 7
LEVELS = "▁─▔"
"""Heights of the line within one character, from low to high, which every font has."""

BAND = "░"
AXIS = {0: "-1 ┤", ROWS // 2: " 0 ┤", ROWS - 1: "+1 ┤"}


@dataclass(frozen=True, slots=True)
class Point:
    """``value`` in [-1, 1] and its standard deviation."""

    value: float
    deviation: float


@dataclass(frozen=True, slots=True)
class ValuePlot:
    """Fills the width it gets with the ``span`` seconds before ``end``.

    ``point_at(start, end)`` tells what to draw for a stretch of time: None leaves it blank.
    """

    end: float
    span: float
    point_at: Callable[[float, float], Point | None]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = max(1, options.max_width - len(AXIS[0]))
        step = self.span / columns
        begin = self.end - self.span
        points = [
            self.point_at(begin + column * step, begin + (column + 1) * step)
            for column in range(columns)
        ]
        for row in reversed(range(ROWS)):
            line = Text(AXIS.get(row, "   │"), style="dim", no_wrap=True)
            for point in points:
                line.append(*_cell(row, point))
            yield line
        start = f"-{self.span:.0f} s"
        yield Text(f"    {start:<{max(0, columns - 3)}}now", style="dim", no_wrap=True)


def _cell(row: int, point: Point | None) -> tuple[str, str]:
    """Character and style at ``row`` (0 is the lowest)."""
    if point is None:
        return " ", ""
    level = _level(point.value, ROWS * len(LEVELS))
    if level // len(LEVELS) == row:
        return LEVELS[level % len(LEVELS)], f"bold {sign_style(point.value)}"
    lowest = _level(point.value - point.deviation, ROWS)
    highest = _level(point.value + point.deviation, ROWS)
    return (BAND, "dim") if lowest <= row <= highest else (" ", "")


def _level(value: float, levels: int) -> int:
    """Which of ``levels`` equal parts of [-1, 1] a value lies in; what is beyond counts as the
    nearest."""
    return min(max(int((value + 1) / 2 * levels), 0), levels - 1)


def sign_style(value: float) -> str:
    """Colour of a sentiment: it repeats what the place or the sign of the number says."""
    return "green" if value > 0.1 else "red" if value < -0.1 else "white"
