"""Is reliability true: does it follow what was done to the streams, and foretell the error?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import pearsonr, spearmanr  # type: ignore[import-untyped]

from models.study.protocols import Condition
from streamer.packets import Flags, Stream

Values = npt.NDArray[np.floating[Any]]

TRAINED_LEVEL = 1.0
"""The largest lambda that a training draws; beyond it reliability has to extrapolate."""

BINS = 10


@dataclass(frozen=True)
class Reading:
    """Reliability of each stream (n,), which streams are there (n,) and the absolute error (n,)
    under one condition."""

    condition: Condition
    reliability: Mapping[Stream, Values]
    present: Mapping[Stream, Flags]
    errors: Values

    def __getitem__(self, rows: Flags) -> "Reading":
        """The samples ``rows`` (n,)."""
        return Reading(
            self.condition,
            {stream: values[rows] for stream, values in self.reliability.items()},
            {stream: values[rows] for stream, values in self.present.items()},
            self.errors[rows],
        )


def damaged_stream(condition: Condition) -> Stream | None:
    """The only stream that has noise, where nothing is missing; else None."""
    noisy = [stream for stream, level in condition.noise.items() if level > 0]
    whole = not condition.missing and not condition.keep_one
    whole = whole and set(condition.present) >= set(condition.noise)
    return noisy[0] if len(noisy) == 1 and whole else None


def truth(clean: Reading, others: Sequence[Reading]) -> dict[str, Any]:
    """Figures of the single-stream corruptions among ``others``; None where r never moves. Only of
    samples that have all streams when clean: a stream that was never there cannot fall.

    By stream: ``spearman`` of r with lambda over all samples and levels, lambda = 0 included, up to
    the largest lambda of the training (``spearman_beyond``: over all); ``largest_fall``, the share
    of samples in which, of all streams, the corrupted one's r falls most, relative to clean;
    ``foretells``, Pearson of (1 - r) with the rise in error, over samples and over levels.
    """
    whole = np.all(list(clean.present.values()), axis=0)
    by_stream: dict[Stream, list[tuple[float, Reading]]] = {m: [] for m in clean.reliability}
    for reading in others:
        stream = damaged_stream(reading.condition)
        if stream is not None:
            by_stream[stream].append((float(reading.condition.noise[stream]), reading[whole]))
    clean = clean[whole]
    return {
        "spearman": {
            m: _spearman(m, clean, found, TRAINED_LEVEL) for m, found in by_stream.items()
        },
        "spearman_beyond": {m: _spearman(m, clean, found) for m, found in by_stream.items()},
        "largest_fall": {
            m: {str(level): _largest_fall(m, clean, after) for level, after in found}
            for m, found in by_stream.items()
        },
        "foretells": {m: _foretells(m, clean, found) for m, found in by_stream.items()},
    }


def error_by_reliability(readings: Sequence[Reading]) -> list[dict[str, float] | None]:
    """Mean error of the samples in each tenth of [0, 1] of r, averaged over the streams; None where
    no sample lies. Only of samples with all streams: else it shows how many there are."""
    whole = [reading[np.all(list(reading.present.values()), axis=0)] for reading in readings]
    values = [np.mean(list(reading.reliability.values()), axis=0) for reading in whole]
    reliability = np.concatenate(values)
    errors = np.concatenate([reading.errors for reading in whole])
    bins = np.minimum((reliability * BINS).astype(int), BINS - 1)

    def of_bin(i: int) -> dict[str, float] | None:
        here = bins == i
        if not here.any():
            return None
        return {
            "reliability": float(reliability[here].mean()),
            "error": float(errors[here].mean()),
            "share": float(here.mean()),
        }

    return [of_bin(i) for i in range(BINS)]


def _spearman(
    stream: Stream, clean: Reading, found: Sequence[tuple[float, Reading]], limit: float = np.inf
) -> float | None:
    readings = [(0.0, clean), *(pair for pair in found if pair[0] <= limit)]
    levels = np.concatenate([np.full(len(r.errors), level) for level, r in readings])
    values = np.concatenate([r.reliability[stream] for _, r in readings])
    return _correlation(spearmanr, levels, values)


def _largest_fall(stream: Stream, clean: Reading, after: Reading) -> float | None:
    falls = {
        m: (before - after.reliability[m]) / np.maximum(before, 1e-6)
        for m, before in clean.reliability.items()
    }
    if len(falls) < 2 or not len(clean.errors) or not any(np.any(fall) for fall in falls.values()):
        return None
    others = np.max([fall for m, fall in falls.items() if m != stream], axis=0)
    return float((falls[stream] > others).mean())


def _foretells(
    stream: Stream, clean: Reading, found: Sequence[tuple[float, Reading]]
) -> dict[str, float | None]:
    doubts = [1 - reading.reliability[stream] for _, reading in [(0.0, clean), *found]]
    rises = [reading.errors - clean.errors for _, reading in [(0.0, clean), *found]]
    if not len(clean.errors):
        return {"samples": None, "levels": None}
    means = [np.array([part.mean() for part in parts]) for parts in (doubts, rises)]
    return {
        "samples": _correlation(pearsonr, np.concatenate(doubts), np.concatenate(rises)),
        "levels": _correlation(pearsonr, *means),
    }


def _correlation(kind: Any, left: Values, right: Values) -> float | None:
    if not len(left) or np.ptp(left) == 0 or np.ptp(right) == 0:
        return None
    return float(kind(left, right)[0])
