"""The published reliability: what was measured, and what the network makes of it."""

import math

from models.reliability.scores import fitted
from streamer.packets import STREAMS, Evidence, Stream

_MODEL = fitted("model", dict.fromkeys(STREAMS, ""))


def combine(stream: Stream, model: float, evidence: Evidence) -> float:
    """Published reliability in [0, 1]: the evidence, times a ramp over the network's own ``model``
    in [0, 1], which is 1 from what it makes of clean signals on.

    Rises with both, and is 0 where either is 0 or not a number.
    """
    value = _MODEL[stream](model) * evidence.score if model > 0 else 0.0
    return 0.0 if math.isnan(value) else min(1.0, max(0.0, value))
