"""Clips of each stream as they are and damaged in the raw signal, with what was measured on them.

What the fusion learns from to go by the published reliability. The measures are kept rather than
the evidence, so that other ramps need no new takes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.reliability.measured import judged_again
from models.training.extraction import FeatureTable, Rows
from models.training.reliability.clips import Clip, Clips, kinds_of_clips
from streamer.packets import STREAMS, Evidence, Flags, Floats, Stream

Case = tuple[str, float]
"""Kind and severity of damage."""

Strings = npt.NDArray[np.str_]

BEYOND = 1.2
"""Severities are drawn evenly up to here, and what is above 1 is 1: one in six is a total loss."""


@dataclass(frozen=True)
class Takes:
    """n takes of one stream: ``table`` their features and masks; ``clips`` (n,) which clip each is
    a take of; its ``labels`` (n,), the class 0, 1 or 2, and ``values`` (n,) in [-1, 1]; ``kinds``
    (n,), "" where undamaged, and ``severities`` (n,); ``measures`` (n, names), NaN where there is
    none, by the ``names`` (names,) of the evidence's measures."""

    table: FeatureTable
    clips: Rows
    labels: Rows
    values: Floats
    kinds: Strings
    severities: Floats
    names: Strings
    measures: Floats

    def __len__(self) -> int:
        return len(self.clips)

    @property
    def damaged(self) -> Flags:
        """Which takes (n,) are."""
        return np.asarray(self.kinds != "", np.bool_)

    def evidence(self, stream: Stream) -> list[Evidence]:
        """That of each take, as the ramps have it now."""
        return [judged_again(stream, _there(self.names, measures)) for measures in self.measures]

    @staticmethod
    def of(clips: Sequence[Clip], labels: Sequence[int], cases: Sequence[Case | None]) -> "Takes":
        """One take of each of ``clips``."""
        names = sorted({name for clip in clips for name in clip.evidence.measures})
        rows = [[clip.evidence.measures.get(name, np.nan) for name in names] for clip in clips]
        return Takes(
            FeatureTable.of([(clip.features, clip.mask) for clip in clips]),
            np.arange(len(clips)),
            np.array(labels, np.int64),
            np.array([clip.value for clip in clips], np.float32),
            np.array(["" if case is None else case[0] for case in cases], np.str_),
            np.array([0.0 if case is None else case[1] for case in cases], np.float32),
            np.array(names, np.str_),
            np.array(rows, np.float32).reshape(len(clips), len(names)),
        )

    @staticmethod
    def joined(parts: "Sequence[Takes]") -> "Takes":
        """All takes of ``parts``, which are of the same clips."""
        names = np.array(sorted({name for part in parts for name in part.names}), np.str_)
        measures = []
        for part in parts:
            wide = np.full((len(part), len(names)), np.nan, np.float32)
            wide[:, np.searchsorted(names, part.names)] = part.measures
            measures.append(wide)
        together = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("clips", "labels", "values", "kinds", "severities")
        }
        table = FeatureTable.joined([part.table for part in parts])
        return Takes(table, **together, names=names, measures=np.concatenate(measures))


def rounds(
    clips: Callable[[], Clips], count: int, folder: Path, on_round: Callable[[], None]
) -> dict[Stream, Takes]:
    """Each stream's clips as they are, and ``count`` times with random damage, a kind each and
    all kinds equally often; kept in ``folder``, and taken from there. ``clips`` is only called
    where a round is missing; ``on_round`` after each."""
    folder.mkdir(parents=True, exist_ok=True)
    loaded: list[Clips] = []
    found = {}
    for stream in STREAMS:
        parts = []
        for number in range(count + 1):
            file = folder / f"{stream}-{number}.npz"
            if not file.exists():
                loaded = loaded or [clips()]
                save(_round(loaded[0], stream, number), file)
            parts.append(load(file))
            on_round()
        found[stream] = Takes.joined(parts)
    return found


def _round(clips: Clips, stream: Stream, number: int) -> Takes:
    labels = clips.labels[stream]
    cases: list[Case | None] = [None] * len(labels)
    if number:
        kinds = [kind for of, kind in kinds_of_clips() if of == stream]
        rng = np.random.default_rng([number, *stream.encode()])
        order = rng.permutation(len(labels))
        severities = np.minimum(rng.uniform(0, BEYOND, len(labels)), 1)
        cases = [
            (kinds[place % len(kinds)], float(severity))
            for place, severity in zip(order, severities, strict=True)
        ]
    return Takes.of(clips.read(stream, cases), labels, cases)


def _there(names: Strings, measures: Floats) -> dict[str, float]:
    return {
        str(name): float(value)
        for name, value in zip(names, measures, strict=True)
        if not np.isnan(value)
    }


_ARRAYS = ("clips", "labels", "values", "kinds", "severities", "names", "measures")


def save(takes: Takes, file: Path) -> None:
    """Writes ``takes`` whole or not at all."""
    arrays = {name: getattr(takes, name) for name in _ARRAYS}
    table = {name: getattr(takes.table, name) for name in ("features", "mask", "offsets")}
    unfinished = file.with_suffix(".part")
    with unfinished.open("wb") as opened:
        np.savez(opened, allow_pickle=False, **arrays, **table)
    unfinished.replace(file)


def load(file: Path) -> Takes:
    """What ``save`` wrote."""
    with np.load(file, allow_pickle=False) as archive:
        table = FeatureTable(archive["features"], archive["mask"], archive["offsets"])
        return Takes(table, **{name: archive[name] for name in _ARRAYS})
