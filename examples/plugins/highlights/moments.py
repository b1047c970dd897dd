"""Which moments of a call stand out: from its windows to a few of them, in the order of time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from streamer.feed.messages import SentimentMessage

MOST_WINDOWS = 172_800
"""A day of them at two a second; what comes after is not kept."""

KEPT = 0.5
"""A neighbour belongs to a moment while it has this share of the strength of its peak."""


@dataclass(frozen=True, slots=True)
class Rated:
    """One window: seconds since the session began, value in [-1, 1], reliability in [0, 1]."""

    participant: str
    start: float
    end: float
    value: float
    reliability: float

    @property
    def strength(self) -> float:
        """How far from neutral, as far as it can be trusted; in [0, 1]."""
        return abs(self.value) * self.reliability


@dataclass(frozen=True, slots=True)
class Moment:
    """Neighbouring windows of one participant and one sign, with the strongest of them."""

    start: float
    end: float
    peak: Rated


class Windows:
    """The newest revision of every window that has an estimate."""

    def __init__(self, most: int = MOST_WINDOWS) -> None:
        self.left_out = 0
        """Windows that came when as many as are kept were there."""
        self._most = most
        self._rated: dict[tuple[str, float], Rated] = {}

    def add(self, message: SentimentMessage) -> None:
        """Take a message; a later one for the same window replaces it, also with an abstention."""
        key = (message.participant, message.window.end)
        self._rated.pop(key, None)
        if message.sentiment is None:
            return
        if len(self._rated) >= self._most:
            self.left_out += 1
            return
        self._rated[key] = Rated(
            message.participant,
            message.window.start,
            message.window.end,
            message.sentiment.value,
            _reliability(message),
        )

    def __iter__(self) -> Iterator[Rated]:
        return iter(self._rated.values())

    def __len__(self) -> int:
        return len(self._rated)


def strongest(windows: Iterable[Rated], count: int, apart: float, longest: float) -> list[Moment]:
    """Up to ``count`` moments, the strongest first chosen, at least ``apart`` seconds between them.

    Each grows from its strongest window to its neighbours as long as they overlap or touch, have
    the same sign and KEPT of its strength, and all are at most ``longest`` seconds together. The
    same windows give the same moments, whatever order they come in.
    """
    ordered = sorted(windows, key=lambda item: (item.participant, item.end, item.start))
    chosen: list[Moment] = []
    by_strength = sorted(range(len(ordered)), key=lambda place: (-ordered[place].strength, place))
    for place in by_strength:
        if len(chosen) == count or ordered[place].strength == 0.0:
            break
        if not _is_free(ordered[place], chosen, apart):
            continue
        chosen.append(_grow(ordered, place, chosen, apart, longest))
    return sorted(chosen, key=lambda moment: moment.start)


def _grow(
    ordered: Sequence[Rated], place: int, chosen: list[Moment], apart: float, longest: float
) -> Moment:
    peak = ordered[place]
    start, end = peak.start, peak.end
    for step in (-1, 1):
        near = place + step
        while 0 <= near < len(ordered):
            window = ordered[near]
            wider = (min(start, window.start), max(end, window.end))
            if not (
                window.participant == peak.participant
                and window.start <= end
                and window.end >= start
                and window.value * peak.value > 0
                and window.strength >= KEPT * peak.strength
                and wider[1] - wider[0] <= longest
                and _is_free(window, chosen, apart)
            ):
                break
            start, end = wider
            near += step
    return Moment(start, end, peak)


def _is_free(window: Rated, chosen: list[Moment], apart: float) -> bool:
    return all(
        window.start - moment.end >= apart or moment.start - window.end >= apart
        for moment in chosen
    )


def _reliability(message: SentimentMessage) -> float:
    """The mean over the streams that are listened to; those that are off are not in the message."""
    values = [stream.value for stream in message.reliability.values()]
    return sum(values) / len(values) if values else 0.0
