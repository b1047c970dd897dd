"""The metrics against small examples worked out by hand, and against MMSA's own formulas."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.study.metrics import (
    calibration_error,
    coverage,
    metrics,
)
from streamer.packets import Floats

LABELS = np.array([-3.0, -1.0, 0.0, 0.5, 2.0, 3.0])
VALUES = np.array([-2.4, 0.4, -0.2, 0.6, 2.6, 1.5])


def in_unit(values: "np.typing.NDArray[np.float64]") -> Floats:
    return (values / 3).astype(np.float32)


def test_a_worked_example() -> None:
    found = metrics(in_unit(VALUES), in_unit(LABELS), 3)
    # Not negative: truth 001111, answer 010111: the second and the third are wrong.
    assert found["acc2_nonneg"] == pytest.approx(4 / 6)
    # Per class: negative 1 of 2 right and 1 of 2 named so, F1 1/2; not negative 3 of 4 each, 3/4.
    assert found["f1_nonneg"] == pytest.approx((2 * 1 / 2 + 4 * 3 / 4) / 6)
    # Without the zero: truth 00111, answer 01111, F1 2/3 for negative and 6/7 for positive.
    assert found["acc2_nonzero"] == pytest.approx(4 / 5)
    assert found["f1_nonzero"] == pytest.approx((2 * 2 / 3 + 3 * 6 / 7) / 5)
    # Rounded half to even: truth -3 -1 0 0 2 3, answer -2 0 0 1 3 2; clipped to 2: truth -2 -1 0 0
    # 2 2, answer -2 0 0 1 2 2.
    assert found["acc7"] == pytest.approx(1 / 6)
    assert found["acc5"] == pytest.approx(4 / 6)
    assert found["mae"] == pytest.approx((0.6 + 1.4 + 0.2 + 0.1 + 0.6 + 1.5) / 6)
    assert found["pearson"] == pytest.approx(np.corrcoef(VALUES, LABELS)[0, 1])
    assert "coverage_90" not in found


ratings = arrays(np.int64, 40, elements=st.integers(-15, 15)).map(lambda fifths: fifths / 5)
answers = arrays(np.float64, 40, elements=st.floats(-3, 3, allow_subnormal=False, width=32))


@pytest.mark.slow
@pytest.mark.parallel
@given(truth=ratings, answer=answers)
def test_equals_the_definitions_of_mmsa(
    truth: "np.typing.NDArray[np.float64]", answer: "np.typing.NDArray[np.float64]"
) -> None:
    found = metrics((answer / 3).astype(np.float64), in_unit(truth), 3)
    answer = answer / 3 * 3
    seven = np.round(np.clip(answer, -3, 3)) == np.round(np.clip(truth, -3, 3))
    five = np.round(np.clip(answer, -2, 2)) == np.round(np.clip(truth, -2, 2))
    assert found["acc7"] == pytest.approx(np.sum(seven) / len(truth))
    assert found["acc5"] == pytest.approx(np.sum(five) / len(truth))
    assert found["acc2_nonneg"] == pytest.approx(np.mean((answer >= 0) == (truth >= 0)))
    signed = truth != 0
    if signed.any():
        right = (answer[signed] > 0) == (truth[signed] > 0)
        assert found["acc2_nonzero"] == pytest.approx(right.mean())
    else:
        assert math.isnan(found["acc2_nonzero"])
    assert found["mae"] == pytest.approx(np.mean(np.abs(answer - truth)), abs=1e-9)


def test_a_half_label_survives_the_scaling() -> None:
    """float32(0.5 / 3) * 3 is above 0.5 in float64 and would round to 1 in place of 0."""
    labels = in_unit(np.array([0.5, -0.5]))
    assert np.array_equal(np.round(labels.astype(np.float64) * 3), [1, -1])
    assert metrics(in_unit(np.array([0.4, -0.2])), labels, 3)["acc7"] == 1


def test_only_the_scale_of_three_has_five_and_seven_classes() -> None:
    found = metrics(np.array([0.5, -1], np.float32), np.array([1, 0], np.float32), 1)
    assert "acc5" not in found
    assert "acc7" not in found
    assert found["mae"] == pytest.approx(0.75)


def test_the_error_is_in_the_unit_of_the_corpus() -> None:
    values, labels = np.zeros(3, np.float32), np.full(3, 0.5, np.float32)
    assert metrics(values, labels, 2)["mae"] == pytest.approx(1)


def test_a_constant_answer_has_no_correlation() -> None:
    labels = np.array([-1, 0, 1], np.float32)
    assert metrics(np.zeros(3, np.float32), labels, 1)["pearson"] == 0


def test_coverage_counts_the_samples_within_the_interval() -> None:
    labels = np.zeros(4, np.float32)
    values = np.array([0.1, 0.16, 0.17, 0.3], np.float32)  # the 90 % interval is 1.645 wide
    found = metrics(values, labels, 3, deviations=np.full(4, 0.1, np.float32))
    assert found["coverage_90"] == 0.5


def test_true_deviations_are_calibrated_and_false_ones_are_not() -> None:
    quantiles = [NormalDist().inv_cdf((rank + 0.5) / 1000) for rank in range(1000)]
    errors = np.abs(np.array(quantiles))
    assert coverage(errors, 0.9) == pytest.approx(0.9, abs=0.002)
    assert calibration_error(errors) < 0.002
    assert calibration_error(errors / 1e6) == pytest.approx(0.5)  # all covered: 1 - mean nominal
    assert calibration_error(errors * 1e6) == pytest.approx(0.5, abs=0.01)  # none covered
