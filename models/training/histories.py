"""What a session would have heard of a speaker before each clip, drawn anew for every batch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.features.voice_history import Heard, VoicePrior, blended
from models.training.corpora import Example
from models.training.extraction import FeatureTable, Rows
from streamer.packets import Floats

LONGEST = 30
"""Clips a session has heard before at most, about a minute and a half."""

CHUNK = 500
"""Clips that are summed up at once."""


@dataclass(frozen=True)
class History:
    """``mean`` and ``deviation`` (n, size) that n clips are held against."""

    mean: Floats
    deviation: Floats


class Histories:
    """Sums over the ``clean`` clips of each speaker; a history begins with the ``prior``."""

    def __init__(self, examples: Sequence[Example], clean: FeatureTable, prior: VoicePrior) -> None:
        self._prior = prior
        parts = [_sums(clean, rows) for rows in _chunks(len(examples))]
        self._heard = Heard(
            np.concatenate([part.count for part in parts]),
            np.concatenate([part.total for part in parts]),
            np.concatenate([part.squares for part in parts]),
        )
        self._people = np.array([f"{example.split} {example.person}" for example in examples])
        self._clips = {
            str(person): np.flatnonzero(self._people == person) for person in set(self._people)
        }

    def draw(self, rows: Rows, rng: np.random.Generator) -> History:
        """For each clip in ``rows`` some others of its speaker: none in one of four sessions, as
        every session begins without a history, else up to LONGEST."""
        counts = np.where(
            rng.random(len(rows)) < 0.25, 0, np.exp(rng.uniform(0, np.log(LONGEST + 1), len(rows)))
        ).astype(np.int64)
        drawn = [
            rng.choice(others, min(count, len(others)), replace=False)
            if len(others := self._others(row))
            else others
            for row, count in zip(rows, counts, strict=True)
        ]
        heard = Heard(
            np.array([self._heard.count[clips].sum() for clips in drawn], np.float32),
            np.stack([self._heard.total[clips].sum(axis=0) for clips in drawn]),
            np.stack([self._heard.squares[clips].sum(axis=0) for clips in drawn]),
        )
        return History(*blended(self._prior, heard))

    def _others(self, row: np.int64) -> Rows:
        clips = self._clips[str(self._people[row])]
        others: Rows = clips[clips != row]
        return others


def _chunks(count: int) -> list[Rows]:
    return np.array_split(np.arange(count), 1 + count // CHUNK)


def _sums(table: FeatureTable, rows: Rows) -> Heard:
    parts = [table[int(row)] for row in rows]
    sums = [Heard.of(features.astype(np.float32), mask) for features, mask in parts]
    return Heard(
        np.array([part.count for part in sums], np.float32),
        np.stack([part.total for part in sums]),
        np.stack([part.squares for part in sums]),
    )
