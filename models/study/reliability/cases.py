"""Each damaged session beside the same session without damage."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from models.study.reliability.courses import Course
from streamer.packets import Flags, Stream

Part = Literal["reliability", "evidence", "model"]

SEVERE = 0.5
"""Severity from which on a damage is to be named, to be fast, and to leave other streams alone."""

SPOKEN: dict[str, str] = {"text": "words", "audio": "audio", "vision": "video"}
"""Streams as the option --damage calls them."""

TOLERANCE = 1e-3
"""Seconds by which times may miss each other: the ends of windows are single precision."""


@dataclass(frozen=True)
class Case:
    """``damaged`` and ``clean`` are of one person and have the same windows. ``steady`` (n,) are
    those that lie whole between onset and end, of which there is at least one."""

    damaged: Course
    clean: Course
    stream: Stream
    steady: Flags

    @property
    def name(self) -> str:
        """Stream and kind as in --damage, such as ``video:blur``."""
        return kind_name(self.stream, self.damaged.kind)

    @property
    def severity(self) -> float:
        return round(self.damaged.severity, 6)

    def level(self, stream: Stream, part: Part = "reliability") -> float:
        """Mean over the steady windows."""
        return float(getattr(self.damaged, part)[stream][self.steady].mean(dtype=np.float64))

    def clean_level(self, stream: Stream, part: Part = "reliability") -> float:
        """Mean over the same windows of the undamaged session."""
        return float(getattr(self.clean, part)[stream][self.steady].mean(dtype=np.float64))

    def fall(self, stream: Stream) -> float:
        """By how much the level of ``stream`` is below the undamaged session's."""
        return self.clean_level(stream) - self.level(stream)


def pair(courses: Sequence[Course], window: float) -> list[Case]:
    """The damaged ones among ``courses``, whose windows are ``window`` seconds long.

    Raises ValueError where a person's undamaged session is missing, there twice or has other
    windows or streams, or where no window lies whole in the damage.
    """
    clean = {course.person: course for course in undamaged(courses)}
    if len(clean) < len(undamaged(courses)):
        raise ValueError("a person has more than one undamaged session")
    return [_pair(course, clean, window) for course in courses if course.stream is not None]


def _pair(course: Course, clean: dict[str, Course], window: float) -> Case:
    own = f"{course.person}, {course.kind}"
    if course.stream is None or course.person not in clean:
        raise ValueError(f"{own}: no undamaged session of this person")
    beside = clean[course.person]
    if not (len(beside.ends) == len(course.ends) and np.allclose(beside.ends, course.ends)):
        raise ValueError(f"{own}: the undamaged session has other windows")
    if course.reliability.keys() != beside.reliability.keys():
        raise ValueError(f"{own}: the undamaged session has other streams")
    if course.stream not in course.reliability:
        raise ValueError(f"{own}: nothing is told of the damaged stream")
    begun = course.ends - window >= course.onset - TOLERANCE
    steady = begun & (course.ends <= course.end + TOLERANCE)
    if not steady.any():
        raise ValueError(f"{own}: no window of {window:g} s between onset and end")
    return Case(course, beside, course.stream, steady)


def undamaged(courses: Iterable[Course]) -> list[Course]:
    return [course for course in courses if course.stream is None]


def kind_name(stream: Stream, kind: str) -> str:
    return f"{SPOKEN[stream]}:{kind}"


def by_kind(cases: Iterable[Case]) -> dict[str, list[Case]]:
    """The cases of each kind, in the order in which kinds appear."""
    found: dict[str, list[Case]] = {}
    for case in cases:
        found.setdefault(case.name, []).append(case)
    return found


def severe(cases: Iterable[Case]) -> list[Case]:
    return [case for case in cases if case.severity >= SEVERE]


def whole(course: Course, window: float) -> npt.NDArray[np.bool_]:
    """The windows (n,) of ``course`` that do not reach back before its beginning."""
    return np.asarray(course.ends >= window - TOLERANCE)
