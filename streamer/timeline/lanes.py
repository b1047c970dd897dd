"""Where the names of what happened in a run are written, so that none covers another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streamer.reel import Caption

PADDING = 4.0
"""Pixels between a name and the end of its bar, and between neighbours."""


@dataclass(frozen=True, slots=True)
class Place:
    """A bar and its name, in pixels from the left end of the axis. ``text`` may have two lines and
    begins at ``text_at``; ``lane`` 0 is the topmost."""

    caption: Caption
    start: float
    end: float
    text: str
    text_at: float
    lane: int


def placed(
    captions: Sequence[Caption],
    seconds: tuple[float, float],
    width: float,
    width_of: Callable[[str], float],
    most: int,
) -> list[Place]:
    """Places for those captions that lie within ``seconds`` of an axis of ``width`` pixels.

    ``width_of`` tells the width of a line in pixels. A name stands in its bar, in two lines where
    it needs them, else beside the bar. What finds no room in ``most`` lanes is left out.
    """
    first, last = seconds
    scale = width / (last - first)
    places: list[Place] = []
    free_from = [float("-inf")] * most
    for caption in sorted(captions, key=lambda caption: caption.start):
        if caption.end <= first or caption.start >= last:
            continue
        start = (max(caption.start, first) - first) * scale
        end = (min(caption.end, last) - first) * scale
        text, text_at, right = _name(caption.text, start, end, width, width_of)
        left = min(start, text_at)
        lane = next((n for n in range(most) if free_from[n] <= left), None)
        if lane is not None:
            free_from[lane] = right + PADDING
            places.append(Place(caption, start, end, text, text_at, lane))
    return places


def two_lines(text: str) -> str:
    """``text`` broken where its longer line is shortest."""
    words = text.split()
    breaks = [(" ".join(words[:n]), " ".join(words[n:])) for n in range(1, len(words))]
    return "\n".join(min(breaks, key=lambda lines: max(map(len, lines)), default=(text,)))


def _name(
    text: str, start: float, end: float, width: float, width_of: Callable[[str], float]
) -> tuple[str, float, float]:
    """The name as it is written, where it begins, and where it and its bar have ended."""
    inside = end - start - 2 * PADDING
    for form in (text, two_lines(text)):
        if max(map(width_of, form.split("\n"))) <= inside:
            return form, start + PADDING, end
    needed = width_of(text)
    if end + PADDING + needed <= width:
        return text, end + PADDING, end + PADDING + needed
    return text, max(0.0, start - PADDING - needed), end
