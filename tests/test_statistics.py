"""Bootstrap intervals: they hold what they promise, and pairing makes them narrow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.study.statistics import Interval, Resamples, area, interval

ALONE = np.arange(400)


def test_first_row_is_the_sample_itself() -> None:
    rng = np.random.default_rng(0)
    values = rng.random((3, 5, 400))
    means = Resamples.draw(3, ALONE, 10, rng).means(values)
    assert means.shape == (11, 5)
    np.testing.assert_allclose(means[0], values.mean(axis=(0, 2)))


def test_covers_the_true_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(200):
        values = rng.normal(size=(1, 1, 100))
        draws = Resamples.draw(1, np.arange(100), 200, rng).means(values)
        found = interval(draws[:, 0], 0.9)
        hits += found.low <= 0 <= found.high
    assert 160 <= hits <= 195


def test_a_small_but_steady_lead_is_clear_only_when_paired() -> None:
    rng = np.random.default_rng(2)
    control = rng.normal(size=(5, 1, 400))
    ours = control + 0.05 + 0.05 * rng.normal(size=control.shape)
    same = Resamples.draw(5, ALONE, 500, rng)
    other = Resamples.draw(5, ALONE, 500, rng)
    paired = interval((same.means(ours) - same.means(control))[:, 0])
    unpaired = interval((same.means(ours) - other.means(control))[:, 0])
    assert paired.low > 0
    assert unpaired.low < 0


def test_spread_of_seeds_widens_the_interval() -> None:
    rng = np.random.default_rng(3)
    steady = rng.normal(size=(1, 1, 400)).repeat(5, axis=0)
    seeds = steady + rng.normal(size=(5, 1, 1))
    draws = Resamples.draw(5, ALONE, 500, rng)
    assert _width(interval(draws.means(seeds)[:, 0])) > 3 * _width(
        interval(draws.means(steady)[:, 0])
    )


def test_samples_of_one_person_count_as_one() -> None:
    rng = np.random.default_rng(4)
    of_person = rng.normal(size=20)
    groups = np.repeat(np.arange(20), 20)
    values = of_person[groups][None, None]
    together = Resamples.draw(1, groups, 500, rng).means(values)
    apart = Resamples.draw(1, ALONE, 500, rng).means(values)
    assert _width(interval(together[:, 0])) > 2 * _width(interval(apart[:, 0]))


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=8), st.floats(0.1, 3))
def test_area_lies_between_the_curves_ends(heights: list[float], span: float) -> None:
    levels = np.linspace(0, span, len(heights)).tolist()
    mean = area(levels, np.array([heights]))[0]
    assert min(heights) - 1e-9 <= mean <= max(heights) + 1e-9


def test_area_of_a_straight_line_is_its_middle_on_uneven_levels() -> None:
    levels = [0.0, 0.1, 0.7]
    assert area(levels, np.array([levels]))[0] == pytest.approx(0.35)


def _width(found: Interval) -> float:
    return found.high - found.low
