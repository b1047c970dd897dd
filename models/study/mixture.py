"""A test set whose samples differ in which stream is bad: noise on one stream each, in turn.

Where all samples share one condition, so do their reliabilities, and giving one sample's to
another changes nothing. Here it does, if a model uses them.
"""

from collections.abc import Mapping

import numpy as np

from models.study.data import Split
from models.study.protocols import Condition, Corrupted, conditions, corrupt
from streamer.packets import Floats, Stream

PROTOCOL = "mixed"


def mixed_condition(level: float, streams: tuple[Stream, ...]) -> Condition:
    """Noise ``level`` on the first stream in the first sample, on the second in the second..."""
    return Condition(PROTOCOL, f"{level:g}", dict.fromkeys(streams, level), streams)


def apply(
    split: Split, condition: Condition, deviation: Mapping[Stream, Floats], seed: int
) -> Corrupted:
    """``split`` under any condition of the protocols or a mixed one; see protocols.corrupt."""
    if condition.protocol != PROTOCOL:
        return corrupt(split, condition, deviation, seed)
    parts = [
        corrupt(split, alone, deviation, seed)
        for stream in condition.present
        for alone in conditions(f"one:{stream}:{condition.name}", condition.present)
    ]
    turn = np.arange(len(split)) % len(parts)
    return Corrupted(
        Split(
            {m: _taken([part.split.features[m] for part in parts], turn) for m in split.features},
            {m: _taken([part.split.masks[m] for part in parts], turn) for m in split.masks},
            split.labels,
            split.groups,
        ),
        {m: _taken([part.severity[m] for part in parts], turn) for m in split.features},
        {m: _taken([part.present[m] for part in parts], turn) for m in split.features},
    )


def _taken(parts: list[np.ndarray], turn: np.ndarray) -> np.ndarray:
    """Row i of part ``turn[i]``."""
    taken = parts[0].copy()
    for i, part in enumerate(parts[1:], start=1):
        taken[turn == i] = part[turn == i]
    return taken
