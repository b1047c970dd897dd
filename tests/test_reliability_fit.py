"""Ramps are fitted to damage: what is known to be there is found again, and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.training.reliability.fit import (
    LOW_IS_BAD,
    Bounds,
    Doubles,
    Fitted,
    Table,
    fit,
    fit_in_turns,
    product,
)
from streamer.packets import Floats

CLEAN, DAMAGED = 400, 1200
TRUE = Fitted(bad=8.0, good=1.0, least=0.3)
"""Of a measure that is at most 1 in what is clean."""


def table(targets: Doubles, **measures: Doubles) -> Table:
    """CLEAN windows of two people, and DAMAGED of theirs by two kinds."""
    kinds = np.array([""] * CLEAN + ["a", "b"] * (DAMAGED // 2))
    severities = np.where(kinds == "", 0.0, 0.5)
    people = np.array(["x", "y"] * ((CLEAN + DAMAGED) // 2))
    values = {name: column.astype(np.float32) for name, column in measures.items()}
    return Table(values, kinds, severities, targets, people)


def worsening(seed: int = 0) -> Doubles:
    """From 0 to 1 where clean, from 0 to 12 where not."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.uniform(0, 1, CLEAN), rng.uniform(0, 12, DAMAGED)])


def known(values: Doubles) -> Doubles:
    return TRUE.scores(values.astype(np.float32))


@pytest.mark.parametrize(("name", "sign"), [("noise_luma", 1), ("snr_db", -1)])
def test_a_known_ramp_is_found_again(name: str, sign: int) -> None:
    values = worsening()
    found = fit(table(known(values), **{name: sign * values}), [name])[name]
    assert sign * found.good == pytest.approx(TRUE.good, abs=0.1)
    assert sign * found.bad == pytest.approx(TRUE.bad, abs=0.4)
    assert found.least == pytest.approx(TRUE.least, abs=0.02)
    assert (found.bad < found.good) == (name in LOW_IS_BAD)


def test_two_ramps_are_told_apart() -> None:
    one, other = worsening(1), worsening(2)
    windows = table(known(one) * known(other), noise_luma=one, echo_db=other)
    found = fit(windows, ["noise_luma", "echo_db"])
    for ramp in found.values():
        assert (ramp.bad, ramp.least) == (pytest.approx(8, abs=1), pytest.approx(0.3, abs=0.05))
    np.testing.assert_allclose(product(found, windows), windows.targets, atol=0.06)


def test_a_measure_that_says_nothing_gets_no_ramp() -> None:
    values = worsening()
    chance = np.random.default_rng(5).uniform(0, 1, len(values))
    missing = np.full(len(values), np.nan)
    windows = table(known(values), noise_luma=values, echo_db=chance, decay_db=missing)
    assert set(fit(windows, ["echo_db", "decay_db", "unheard", "noise_luma"])) == {"noise_luma"}


def test_what_the_rules_have_said_is_not_said_again() -> None:
    values = worsening()
    windows = table(known(values), noise_luma=values)
    assert fit(windows, ["noise_luma"], given=windows.targets) == {}
    some = fit(windows, ["noise_luma"], given=np.sqrt(windows.targets))
    assert TRUE.least + 0.1 < some["noise_luma"].least < 0.7


@pytest.mark.parametrize("good", [0.5, 3.0])
def test_a_limit_is_where_the_ramp_begins(good: float) -> None:
    values = worsening()
    windows = table(known(values), noise_luma=values)
    bounds = Bounds(limits={"noise_luma": good})
    assert fit(windows, ["noise_luma"], bounds=bounds)["noise_luma"].good == good


def test_a_ramp_over_a_change_is_no_step() -> None:
    """Though the damage of the fit jumps, that of others will not."""
    values = worsening()
    targets = np.where(values > 1, 0.3, 1.0)
    bounds = Bounds(limits={"lost_contrast": 3.0})
    ramp = fit(table(targets, lost_contrast=values), ["lost_contrast"], bounds=bounds)
    assert ramp["lost_contrast"].bad >= 5.4  # 0.5 is usual
    free = fit(table(targets, noise_luma=values), ["noise_luma"])["noise_luma"]
    assert free.bad < 2


@pytest.mark.parametrize("way", [0.0, 0.5, 2.0])
def test_a_ramp_is_as_long_as_was_asked_for(way: float) -> None:
    values = worsening()
    targets = np.where(values > 1, 0.3, 1.0)
    ramp = fit(table(targets, noise_luma=values), ["noise_luma"], bounds=Bounds(way=way))
    length = ramp["noise_luma"].bad - ramp["noise_luma"].good
    usual = ramp["noise_luma"].good - float(np.median(values[:CLEAN]))
    assert way * usual <= length < way * usual + 0.6


def test_what_compares_with_the_session_takes_no_other_s_place() -> None:
    values = worsening()
    windows = table(known(values), luma_low=-values, lost_contrast=values)
    for names in (["luma_low", "lost_contrast"], ["lost_contrast", "luma_low"]):
        assert set(fit_in_turns(windows, names)) == {"luma_low"}
    more = known(values) * known(worsening(3))
    windows = table(more, luma_low=-values, lost_contrast=worsening(3))
    found = fit_in_turns(windows, ["lost_contrast", "luma_low"])
    assert set(found) == {"luma_low", "lost_contrast"}


@pytest.mark.parametrize("seed", range(3))
def test_what_is_clean_stays_near_one_though_damage_looks_like_it(seed: int) -> None:
    """Half of the damaged windows measure as clean ones do, and cannot be told from them."""
    values = worsening(seed)
    values[CLEAN::2] = np.random.default_rng(seed).uniform(0, 1, DAMAGED // 2)
    targets = np.where(np.arange(len(values)) < CLEAN, 1.0, 0.4)
    windows = table(targets, noise_luma=values)
    scores = product(fit(windows, ["noise_luma"]), windows)
    assert scores[:CLEAN].mean() > 0.97
    assert scores[CLEAN + 1 :: 2].mean() < 0.6


@pytest.mark.slow
@pytest.mark.parallel
@given(
    seed=st.integers(0, 99),
    worse=st.floats(0, 20, width=32),
    name=st.sampled_from(["noise_luma", "snr_db", "model"]),
)
@settings(max_examples=15)
def test_the_product_never_rises_as_a_measure_gets_worse(
    seed: int, worse: float, name: str
) -> None:
    """Whatever there was to be fitted, even that damage makes it better."""
    rng = np.random.default_rng(seed)
    measures = {
        "noise_luma": worsening(seed),
        "snr_db": rng.normal(0, 5, CLEAN + DAMAGED),
        "model": -worsening(seed + 1) * rng.choice([-1, 1]),
    }
    targets = np.where(np.arange(CLEAN + DAMAGED) < CLEAN, 1.0, rng.uniform(0, 1))
    windows = table(targets, **measures)
    ramps = fit(windows, list(measures))
    sign = -1 if name in LOW_IS_BAD else 1
    changed = {**measures, name: measures[name] + sign * worse}
    after = product(ramps, table(targets, **changed))
    assert (after <= product(ramps, windows) + 1e-9).all()
    assert (after >= 0).all()


def test_where_there_is_no_measure_nothing_is_taken_off() -> None:
    values: Floats = np.array([np.nan, 0, 1, 4.5, 8, 99], np.float32)
    np.testing.assert_allclose(TRUE.scores(values), [1, 1, 1, 0.65, 0.3, 0.3])
