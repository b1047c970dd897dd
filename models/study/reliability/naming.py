"""Which stream is named as the bad one, and what the others do meanwhile."""

from collections.abc import Iterable, Sequence
from typing import Any

from models.study.reliability.cases import Case, by_kind, severe
from models.study.reliability.people import People
from streamer.packets import STREAMS, Stream

DEVICES: tuple[Stream, ...] = ("audio", "vision")
"""Streams that have a device of their own; words come out of the microphone's sound."""

NOBODY = "none"

Figures = dict[str, Any]


def fallen_most(case: Case, among: Iterable[Stream] = STREAMS) -> Stream | None:
    """The stream of ``among`` whose level falls most against the undamaged session, None where none
    falls. A fall that is shared is never the damaged stream's."""
    falls = {stream: case.fall(stream) for stream in among if stream in case.damaged.reliability}
    # The damaged stream comes last: of equals the first is taken.
    order = sorted(falls, key=lambda stream: stream == case.stream)
    most = max(order, key=lambda stream: falls[stream], default=None)
    return most if most is not None and falls[most] > 0 else None


def named(cases: Sequence[Case], people: People) -> Figures:
    """Of the severe ``cases`` the share in which the damaged stream falls most: among all streams
    (``all``), and, for damage to a device, among the devices alone (``devices``); in ``total`` and
    for each of ``kinds``. ``confusion``: by damaged stream, how often which one falls most."""
    chosen = severe(cases)
    kinds = {
        name: {"stream": of_kind[0].stream, **_shares(of_kind, people)}
        for name, of_kind in by_kind(chosen).items()
    }
    confusion = {
        damaged: dict.fromkeys((*STREAMS, NOBODY), 0)
        for damaged in STREAMS
        if any(case.stream == damaged for case in chosen)
    }
    for case in chosen:
        confusion[case.stream][fallen_most(case) or NOBODY] += 1
    return {"total": _shares(chosen, people), "kinds": kinds, "confusion": confusion}


def cross_talk(cases: Sequence[Case], people: People) -> list[Figures]:
    """Of each ``damaged`` and each ``other`` stream the ``median`` and the 95th percentile
    (``high``) of |level - undamaged level| of the other one over the severe ``cases``."""
    found = []
    for damaged in STREAMS:
        chosen = [case for case in severe(cases) if case.stream == damaged]
        for other in STREAMS:
            there = [case for case in chosen if other in case.damaged.reliability]
            if other == damaged or not there:
                continue
            persons = [case.damaged.person for case in there]
            change = [abs(case.fall(other)) for case in there]
            found.append(
                {
                    "damaged": damaged,
                    "other": other,
                    "cases": len(there),
                    "dependent": (damaged, other) == ("audio", "text"),
                    "median": people.told(people.quantile(persons, change, 0.5)),
                    "high": people.told(people.quantile(persons, change, 0.95)),
                }
            )
    return found


def _shares(cases: Sequence[Case], people: People) -> Figures:
    of_devices = [case for case in cases if case.stream in DEVICES]
    return {
        "cases": len(cases),
        "all": _share(cases, STREAMS, people),
        "devices": _share(of_devices, DEVICES, people),
    }


def _share(
    cases: Sequence[Case], among: Sequence[Stream], people: People
) -> dict[str, float] | None:
    right = [float(fallen_most(case, among) == case.stream) for case in cases]
    return people.told(people.mean([case.damaged.person for case in cases], right))
