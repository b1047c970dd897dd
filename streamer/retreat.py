"""What is left out, step by step, where a machine is too slow: rules, without actors or a clock."""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from streamer.packets import Stream
from streamer.settings import Settings

StepName = Literal["full", "fewer pictures", "longer hop", "fewest pictures", "words paused"]


@dataclass(frozen=True, slots=True)
class Step:
    """What is still analysed: so many ``pictures`` a second, None for as many as the settings say;
    the voice, and ``words`` if they are wanted, heard anew every so many ``hops``."""

    name: StepName
    pictures: float | None = None
    hops: int = 1
    words: bool = True


FULL = Step("full")

LADDER = (
    FULL,
    Step("fewer pictures", 5.0),
    Step("longer hop", 5.0, 2),
    Step("fewest pictures", 2.0, 2),
    Step("words paused", 2.0, 2, words=False),
)
"""In the order in which it is gone down, by what a second of media costs and what is lost:
docs/overload.md. Below the last one the oldest sound is left out, as everywhere."""

CONSIDERED = 4
"""Windows that are looked back on."""

BEHIND = 2
"""So many of them make it necessary to go a step down."""

LONGEST = 8
"""Times the usual calm that is waited for at most, where going up has failed again and again."""


def ladder(settings: Settings, streams: Collection[Stream]) -> tuple[Step, ...]:
    """The steps that make a difference to a session of these ``streams``, FULL first. There is no
    other where it is not to retreat."""
    if not settings.retreats:
        return (FULL,)
    steps = [FULL]
    for step in LADDER[1:]:
        own = step
        if "vision" not in streams or (step.pictures or 0) >= settings.camera.frame_rate:
            own = replace(own, pictures=None)
        if "audio" not in streams:
            own = replace(own, hops=FULL.hops, words=FULL.words)
        if replace(own, name=steps[-1].name) != steps[-1]:
            steps.append(own)
    return tuple(steps)


class Retreat:
    """Goes down the ``steps`` where windows come late, and up again after a calm.

    ``now`` is seconds of the session throughout, and never goes back. Down at once, a step as soon
    as BEHIND of the windows since the last step are behind, of the CONSIDERED last ones. Up one
    step after ``climb_after`` s in which that was never so. Where that is too early, as shows
    within the same time, the next calm has to last twice as long, up to LONGEST times
    ``climb_after``.
    """

    def __init__(self, steps: Sequence[Step], climb_after: float) -> None:
        self.reason: str | None = None
        """Why it went down last; None at the top."""
        self.since = 0.0
        """When it came to this step."""
        self._steps = steps
        self._usual = self._calm = climb_after
        self._at = 0
        self._recent: deque[bool] = deque(maxlen=CONSIDERED)
        self._calm_since = 0.0
        self._climbed_at: float | None = None

    @property
    def steps_down(self) -> int:
        return self._at

    @property
    def step(self) -> Step:
        return self._steps[self._at]

    def observe(self, now: float, behind: str | None) -> bool:
        """Take note of a window that was told at ``now``, and of why it was late, if it was.
        Whether that changes the step."""
        self._recent.append(behind is not None)
        pressed = sum(self._recent) >= BEHIND
        if pressed:
            self._calm_since = now
            return behind is not None and self._down(now, behind)
        if self._climbed_at is not None and now - self._climbed_at >= self._usual:
            self._climbed_at, self._calm = None, self._usual
        return self._at > 0 and now - self._calm_since >= self._calm and self._up(now)

    def _down(self, now: float, why: str) -> bool:
        if self._at + 1 == len(self._steps):
            return False
        if self._climbed_at is not None:
            self._calm = min(2 * self._calm, LONGEST * self._usual)
            self._climbed_at = None
        self.reason = why
        self._move(now, 1)
        return True

    def _up(self, now: float) -> bool:
        self._move(now, -1)
        self._climbed_at = now
        if self._at == 0:
            self.reason = None
        return True

    def _move(self, now: float, by: int) -> None:
        self._at += by
        self.since = self._calm_since = now
        self._recent.clear()
