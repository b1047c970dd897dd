"""Figures of the parts: what they count, and what their intervals know."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.training.measures import balanced, correlation, figure, resampled, share

EVERYONE = np.ones(100, np.bool_)


def test_a_correlation_is_numpys_and_its_interval_holds_it() -> None:
    rng = np.random.default_rng(0)
    wanted = rng.normal(size=400)
    values = wanted + rng.normal(size=400)
    found = figure(correlation(values, wanted, resampled(range(400))))
    assert found["estimate"] == pytest.approx(np.corrcoef(values, wanted)[0, 1], abs=1e-4)
    assert found["low"] < found["estimate"] < found["high"]
    assert found["high"] - found["low"] < 0.15


def test_one_person_alone_leaves_no_interval() -> None:
    rng = np.random.default_rng(0)
    values, wanted = rng.normal(size=(2, 50))
    found = figure(correlation(values, wanted, resampled(["same"] * 50)))
    assert found["low"] == pytest.approx(found["high"])


def test_what_is_not_counted_has_no_influence() -> None:
    weights = resampled(range(4))
    right = np.array([True, False, True, True])
    counted = np.array([True, True, True, False])
    assert share(right, counted, weights)[0] == pytest.approx(2 / 3)
    assert share(~right | ~counted, counted, weights)[0] == pytest.approx(1 / 3)


@given(st.integers(1, 40), st.integers(1, 40))
def test_balanced_counts_every_class_alike(first: int, second: int) -> None:
    truth = np.repeat([0, 2], [first, second])
    everyone = np.ones(len(truth), np.bool_)
    weights = resampled(["same"] * len(truth))
    assert balanced(np.zeros_like(truth), truth, everyone, weights)[0] == pytest.approx(0.5)
    assert balanced(truth, truth, everyone, weights)[0] == pytest.approx(1)


def test_draws_spread_as_so_many_pictures_do() -> None:
    right = np.arange(100) < 60
    draws = share(right, EVERYONE, resampled(range(100)))
    assert draws[0] == pytest.approx(0.6)
    assert 0.03 < draws[1:].std() < 0.07
