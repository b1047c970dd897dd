"""The field's metrics, as MMSA defines them, and those of the predicted uncertainty.

Values and labels come in [-1, 1]; what has a unit is in the corpus's own, ``scale`` times that.
"""

from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from sklearn.metrics import accuracy_score, f1_score, mean_absolute_error

from streamer.packets import Floats

Doubles = npt.NDArray[np.float64]

INTERVALS = tuple(round(0.1 * step, 1) for step in range(1, 10))
"""Nominal coverages at which calibration is measured."""


def metrics(
    values: Floats, labels: Floats, scale: float, deviations: Floats | None = None
) -> dict[str, float]:
    """All metrics of ``values`` (n,) against ``labels`` (n,), n at least 1.

    - ``acc2_nonneg``, ``f1_nonneg``: negative against not negative, over all;
    - ``acc2_nonzero``, ``f1_nonzero``: negative against positive, over labels that are not 0 (NaN
      where there is none); both F1 weighted by the classes' support;
    - ``acc5``, ``acc7``: rounded to the nearest whole after clipping to [-2, 2] and [-3, 3], only
      where the scale is 3;
    - ``mae`` in the corpus's unit; ``pearson`` in [-1, 1], 0 for a constant answer;
    - with predicted standard ``deviations`` (n,), positive, on the scale of ``values``:
      ``coverage_90`` and ``calibration_error``.
    """
    # Rounding takes off the float32 error of a label divided by the scale, which would move 0.5.
    truth = np.round(np.asarray(labels, np.float64) * scale, 4)
    answer = np.asarray(values, np.float64) * scale
    found = {
        **_two_classes(answer >= 0, truth >= 0, "nonneg"),
        **_two_classes(answer[truth != 0] > 0, truth[truth != 0] > 0, "nonzero"),
    }
    if scale == 3:
        found["acc5"] = _accuracy_within(2, answer, truth)
        found["acc7"] = _accuracy_within(3, answer, truth)
    found["mae"] = float(mean_absolute_error(truth, answer))
    found["pearson"] = _pearson(answer, truth)
    if deviations is not None:
        errors = np.abs(answer - truth) / (np.asarray(deviations, np.float64) * scale)
        found["coverage_90"] = coverage(errors, 0.9)
        found["calibration_error"] = calibration_error(errors)
    return found


def coverage(errors: Doubles, nominal: float) -> float:
    """Share of samples in the central Gaussian interval of probability ``nominal``; ``errors``
    (n,) are absolute errors in units of the predicted standard deviation."""
    return float(np.mean(errors <= NormalDist().inv_cdf((1 + nominal) / 2)))


def calibration_error(errors: Doubles) -> float:
    """Mean distance of the coverage to the nominal one over INTERVALS, in [0, 1): the expected
    calibration error for regression (after Kuleshov et al., ICML 2018); ``errors`` as above."""
    return float(np.mean([abs(coverage(errors, nominal) - nominal) for nominal in INTERVALS]))


def _two_classes(
    answer: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_], name: str
) -> dict[str, float]:
    known = len(truth) > 0
    return {
        f"acc2_{name}": float(accuracy_score(truth, answer)) if known else np.nan,
        f"f1_{name}": float(f1_score(truth, answer, average="weighted")) if known else np.nan,
    }


def _accuracy_within(limit: int, answer: Doubles, truth: Doubles) -> float:
    classes = (np.round(np.clip(part, -limit, limit)) for part in (answer, truth))
    return float(np.mean(np.equal(*classes)))


def _pearson(answer: Doubles, truth: Doubles) -> float:
    if not (np.ptp(answer) > 0 and np.ptp(truth) > 0):
        return 0.0
    return float(np.corrcoef(answer, truth)[0, 1])
