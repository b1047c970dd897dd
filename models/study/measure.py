"""One trained model under every condition of every protocol."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.study.data import Split
from models.study.metrics import metrics
from models.study.mixture import apply
from models.study.protocols import Condition, Corrupted
from models.study.trainer import Answers
from models.study.truth import Reading, error_by_reliability, truth
from models.study.views import classes
from streamer.packets import Flags, Floats, Stream

Predict = Callable[[Corrupted], Answers]


@dataclass(frozen=True)
class Measured:
    """``figures`` that JSON can hold. For paired tests, of each condition (rows, in the order of
    ``figures["conditions"]``) and test sample: the absolute ``errors`` in the corpus's unit,
    whether the sign (negative or not) is ``correct``, whether the class of three is (``named``),
    and whether any stream is ``left``."""

    figures: dict[str, Any]
    errors: npt.NDArray[np.float16]
    correct: Flags
    named: Flags
    left: Flags


def measure(
    predict: Predict,
    test: Split,
    scale: float,
    deviation: Mapping[Stream, Floats],
    conditions: Sequence[Condition],
    mask_seed: int,
) -> Measured:
    """``deviation`` is the training data's; ``mask_seed`` makes the same noise for each model.

    Whether reliability is true is told where one of ``conditions`` is the clean one.
    """
    figures, readings, correct, named, left = [], [], [], [], []
    wanted = classes(test.labels)
    for condition in conditions:
        corrupted = apply(test, condition, deviation, mask_seed)
        answers = predict(corrupted)
        errors = scale * np.abs(answers.values - test.labels)
        readings.append(Reading(condition, answers.reliability, corrupted.present, errors))
        correct.append((answers.values >= 0) == (test.labels >= 0))
        named.append(answers.class_probabilities.argmax(axis=1) == wanted)
        left.append(np.any(list(corrupted.present.values()), axis=0))
        figures.append(_figures(condition, corrupted, answers, scale))
    found: dict[str, Any] = {"conditions": figures}
    clean = [reading for reading in readings if reading.condition.protocol == "clean"]
    if clean:
        found["truth"] = truth(clean[0], readings)
        found["error_by_reliability"] = error_by_reliability(readings)
    errors = np.stack([reading.errors for reading in readings])
    flags = (np.stack(rows) for rows in (correct, named, left))
    return Measured(found, errors.astype(np.float16), *flags)


def _figures(
    condition: Condition, corrupted: Corrupted, answers: Answers, scale: float
) -> dict[str, Any]:
    present = corrupted.present
    return {
        "protocol": condition.protocol,
        "name": condition.name,
        "noise": dict(condition.noise),
        "missing": condition.missing,
        "nothing_left": corrupted.nothing_left,
        "metrics": metrics(answers.values, corrupted.split.labels, scale, answers.deviations),
        "reliability": {m: _mean(r, present[m]) for m, r in answers.reliability.items()},
        "routing": {m: _mean(gates, present[m]) for m, gates in answers.routing.items()},
    }


def _mean(values: npt.NDArray[Any], present: Flags) -> Any:
    """Over the samples in which the stream is there; None where it is in none."""
    return values[present].mean(axis=0) if present.any() else None
