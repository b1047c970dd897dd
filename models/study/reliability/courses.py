"""What was published through a session, damaged or not, and how it is kept on disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from streamer.packets import STREAMS, Floats, Stream

TOLD = ("reliability", "evidence", "model")
"""What a course tells of each stream."""


@dataclass(frozen=True)
class Course:
    """One session: what was published for each of its n windows. ``stream`` and ``kind`` were
    damaged with ``severity`` from ``onset`` to ``end`` seconds; None, "" and 0 in the undamaged
    session. ``person`` is its voice and face. ``ends`` (n,) are the windows' ends in seconds;
    ``reliability`` (n,) is what was published, ``evidence`` and ``model`` (n,) its parts. ``value``
    (n,) is the fused one, NaN where the analyzer abstains; ``unweighted`` (n,) that of the same
    network where every stream that is there counts as reliable (r = 1)."""

    person: str
    stream: Stream | None
    kind: str
    severity: float
    onset: float
    end: float
    ends: Floats
    reliability: dict[Stream, Floats]
    evidence: dict[Stream, Floats]
    model: dict[Stream, Floats]
    value: Floats
    unweighted: Floats


def save(courses: Sequence[Course], file: Path) -> None:
    """Writes ``courses`` to ``file`` as arrays (.npz), windows one course after the other.

    Raises ValueError where a course's arrays differ in length, its parts in their streams, or where
    one of these is not a number.
    """
    for course in courses:
        _check(course)
    arrays: dict[str, npt.NDArray[Any]] = {
        "person": np.array([course.person for course in courses], np.str_),
        "stream": np.array([course.stream or "" for course in courses], np.str_),
        "kind": np.array([course.kind for course in courses], np.str_),
        "severity": np.array([course.severity for course in courses], np.float64),
        "onset": np.array([course.onset for course in courses], np.float64),
        "end": np.array([course.end for course in courses], np.float64),
        "windows": np.array([len(course.ends) for course in courses], np.int64),
        "there": np.array([[m in c.reliability for m in STREAMS] for c in courses], np.bool_),
    }
    for name in ("ends", "value", "unweighted"):
        arrays[name] = _joined([getattr(course, name) for course in courses])
    for part in TOLD:
        for stream in STREAMS:
            told = [getattr(course, part).get(stream) for course in courses]
            arrays[f"{part}_{stream}"] = _joined([values for values in told if values is not None])
    unfinished = file.with_suffix(".part")
    with unfinished.open("wb") as out:
        np.savez_compressed(out, allow_pickle=False, **arrays)
    unfinished.replace(file)


def load(file: Path) -> list[Course]:
    """The courses in ``file``, in the order in which they were saved.

    Raises OSError where there is no such file, ValueError or KeyError where it is another one.
    """
    with np.load(file, allow_pickle=False) as archive:
        arrays = dict(archive)
    taken = dict.fromkeys(arrays, 0)

    def following(name: str, count: int) -> Floats:
        start = taken[name]
        taken[name] = start + count
        return np.asarray(arrays[name][start : start + count], np.float32)

    named: dict[str, Stream] = {stream: stream for stream in STREAMS}
    courses = []
    for row, windows in enumerate(arrays["windows"].tolist()):
        there = [m for m, is_there in zip(STREAMS, arrays["there"][row], strict=True) if is_there]
        parts = {part: {m: following(f"{part}_{m}", windows) for m in there} for part in TOLD}
        courses.append(
            Course(
                person=str(arrays["person"][row]),
                stream=named.get(str(arrays["stream"][row])),
                kind=str(arrays["kind"][row]),
                severity=float(arrays["severity"][row]),
                onset=float(arrays["onset"][row]),
                end=float(arrays["end"][row]),
                ends=following("ends", windows),
                value=following("value", windows),
                unweighted=following("unweighted", windows),
                **parts,
            )
        )
    return courses


def _check(course: Course) -> None:
    parts = [getattr(course, part) for part in TOLD]
    told = [values for part in parts for values in part.values()]
    if {len(a) for a in (course.value, course.unweighted, *told)} - {len(course.ends)}:
        raise ValueError(f"{course.person}, {course.kind or 'undamaged'}: arrays differ in length")
    if not all(np.isfinite(values).all() for values in told):
        raise ValueError(f"{course.person}, {course.kind or 'undamaged'}: a part is not a number")
    if any(part.keys() != parts[0].keys() for part in parts):
        raise ValueError(f"{course.person}, {course.kind or 'undamaged'}: streams differ")


def _joined(values: Sequence[Floats]) -> Floats:
    return np.concatenate([np.zeros(0, np.float32), *values]).astype(np.float32)
