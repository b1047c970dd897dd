"""The course of a run for the picture at its end, collected from its messages in bounded memory."""

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from streamer.errors import SettingError
from streamer.feed.messages import HealthMessage, Message, SentimentMessage, TranscriptMessage

MOST_WINDOWS = 4000
"""Beyond as many, half an hour at two windows a second, every second one is left out."""

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moment:
    """What is kept of a window: nothing that was said, seen or heard."""

    revision: int
    value: float
    deviation: float
    reliability: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """One entry per window, in the order of time; NaN where there is no number.

    ``end`` (n,) and ``step``, the time from one entry to the next, are in seconds, ``value`` (n,)
    is in [-1, 1], ``deviation`` (n,) its standard deviation, ``reliability`` (n,) in [0, 1] for
    each stream that was on. ``abstained`` (n,) is true where a window came without an estimate.
    Where windows are missing stands one row of NaN.
    """

    end: Numbers
    value: Numbers
    deviation: Numbers
    abstained: npt.NDArray[np.bool_]
    reliability: dict[str, Numbers]
    step: float


class Timeline:
    """Takes in every message of one participant's run; ``course`` gives its numbers.

    Each window counts with its newest revision. ``hop`` is the time from one window to the next in
    seconds. Of more than ``most`` windows every second one is kept, then every fourth, and so on:
    ``every`` tells.
    """

    def __init__(self, stream_names: Sequence[str], hop: float, most: int = MOST_WINDOWS) -> None:
        self.every = 1
        self.length = 0.0
        """Of the longest window, in seconds."""
        self.began_at: float | None = None
        """When the session began, in seconds since 1970."""
        self.health: HealthMessage | None = None
        """The newest one."""
        self.participant = ""
        self.session = ""
        self._stream_names = tuple(stream_names)
        self._hop = hop
        self._most = most
        self._moments: dict[int, Moment] = {}

    def __len__(self) -> int:
        return len(self._moments)

    def update(self, message: Message) -> None:
        """Take in a message. Words are not looked at."""
        if isinstance(message, TranscriptMessage):
            return
        self.participant, self.session = message.participant, message.session
        if isinstance(message, HealthMessage):
            self.health = message
        else:
            self._add(message)

    def course(self) -> Course:
        """What has come so far."""
        numbers = sorted(self._moments)
        missing = [after - self.every for before, after in pairwise(numbers)
                   if after - before > self.every]  # fmt: skip
        numbers = sorted([*numbers, *missing])
        none = Moment(0, math.nan, math.nan, (math.nan,) * len(self._stream_names))
        moments = [self._moments.get(number, none) for number in numbers]
        value = np.array([moment.value for moment in moments], np.float64)
        came = np.array([number in self._moments for number in numbers], np.bool_)
        streams = np.array([moment.reliability for moment in moments], np.float64)
        streams = streams.reshape(len(moments), len(self._stream_names))
        return Course(
            end=np.array(numbers, np.float64) * self._hop,
            value=value,
            deviation=np.array([moment.deviation for moment in moments], np.float64),
            abstained=came & np.isnan(value),
            reliability={
                name: column
                for name, column in zip(self._stream_names, streams.T, strict=True)
                if not np.isnan(column).all()
            },
            step=self._hop * self.every,
        )

    def _add(self, message: SentimentMessage) -> None:
        self.length = max(self.length, message.window.end - message.window.start)
        if self.began_at is None:
            self.began_at = message.captured_at - message.window.end
        number = round(message.window.end / self._hop)
        known = self._moments.get(number)
        if number % self.every or (known is not None and known.revision > message.revision):
            return
        self._moments[number] = _moment(message, self._stream_names)
        while len(self._moments) > self._most:
            self.every *= 2
            for other in [other for other in self._moments if other % self.every]:
                del self._moments[other]


def check_picture(file: Path) -> None:
    """Raises SettingError with one line where the PNG ``file`` could not be written."""
    said = f"option --plot {str(file)!r}"
    if file.suffix.lower() != ".png":
        raise SettingError(f"{said}: the picture's name must end in .png")
    if file.is_dir():
        raise SettingError(f"{said}: is a folder; must be a file")
    try:
        # Permissions alone do not tell: the file system may be read-only.
        with tempfile.TemporaryFile(dir=file.parent):
            pass
    except OSError as error:
        raise SettingError(f"{said}: cannot write there: {error.strerror}") from None


def _moment(message: SentimentMessage, stream_names: Sequence[str]) -> Moment:
    found = message.sentiment
    reliability = [message.reliability.get(name) for name in stream_names]
    return Moment(
        message.revision,
        math.nan if found is None else found.value,
        math.nan if found is None else found.uncertainty,
        tuple(math.nan if item is None else item.value for item in reliability),
    )
