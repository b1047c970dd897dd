"""From measures to a score and a reason; and the ramps that come with the package."""

import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.reliability import audio, face, words
from models.reliability.scores import LOW, Ramp, Ramps, fitted, judge, lesser
from models.training.reliability.fit import LOW_IS_BAD
from streamer.packets import STREAMS, Evidence

RAMPS = {
    "noise": Ramp(10.0, 0.0, "noisy", least=0.2),
    "level": Ramp(-60.0, -40.0, "quiet"),
    "echo": Ramp(10.0, 0.0, "echo", least=0.2),
}
TABLES = {
    "audio": audio.REASONS,
    "recent_audio": audio.REASONS,
    "vision": face.REASONS,
    "recent_vision": face.REASONS,
    "text": words.REASONS,
    "model": dict.fromkeys(STREAMS, ""),
}
numbers = st.floats(allow_nan=True, allow_infinity=True)


@given(bad=st.floats(-1e3, 1e3), width=st.floats(0.1, 100), least=st.floats(0, 1), up=st.booleans())
def test_a_ramp_goes_straight_from_its_least_to_one(
    bad: float, width: float, least: float, up: bool
) -> None:
    good = bad + width if up else bad - width
    ramp = Ramp(bad, good, "", least)
    assert ramp(bad) == ramp(2 * bad - good) == pytest.approx(least)
    assert ramp(good) == ramp(2 * good - bad) == pytest.approx(1)
    assert ramp((bad + good) / 2) == pytest.approx((least + 1) / 2)
    assert ramp(math.nan) == 0


def test_a_score_is_the_product_of_those_of_all_measures_there_are() -> None:
    evidence = judge({"noise": 5.0, "level": -45.0, "not judged": 7.0}, RAMPS)
    assert evidence.score == pytest.approx(0.6 * 0.75)
    assert evidence.reason == "noisy"
    assert evidence.measures == {"noise": 5.0, "level": -45.0, "not judged": 7.0}
    assert judge({}, RAMPS) == Evidence(1.0, None, {})


def test_the_reason_is_that_of_the_least_and_of_the_first_of_equals() -> None:
    assert judge({"noise": 4.0, "level": -59.0}, RAMPS).reason == "quiet"
    assert judge({"echo": 9.0, "noise": 9.0}, RAMPS).reason == "noisy"
    enough = Ramp(0.0, 1.0, "too little")
    assert judge({"share": LOW}, {"share": enough}) == Evidence(LOW, None, {"share": LOW})
    assert judge({"share": LOW - 0.01}, {"share": enough}).reason == "too little"


def test_what_is_no_number_is_worth_nothing_and_not_passed_on() -> None:
    evidence = judge({"noise": math.nan, "level": math.inf}, RAMPS)
    assert evidence == Evidence(0.0, "noisy", {})


@given(st.dictionaries(st.sampled_from(list(RAMPS)), numbers), st.sampled_from(list(RAMPS)))
def test_a_score_never_rises_with_one_more_measure(measures: Mapping[str, float], one: str) -> None:
    without = {name: value for name, value in measures.items() if name != one}
    assert 0 <= judge(measures, RAMPS).score <= judge(without, RAMPS).score <= 1


@pytest.mark.parametrize(("window", "recent", "reason"), [(0.4, 0.3, "now"), (0.3, 0.4, "so far")])
def test_the_last_second_counts_where_it_is_worse(
    window: float, recent: float, reason: str
) -> None:
    found = lesser(
        Evidence(window, "so far", {"noise": 1.0}), Evidence(recent, "now", {"noise": 2.0})
    )
    assert found == Evidence(0.3, reason, {"noise": 1.0, "recent_noise": 2.0})


def test_of_equals_the_window_counts() -> None:
    assert lesser(Evidence(0.2, "so far", {}), Evidence(0.2, "now", {})).reason == "so far"


@pytest.mark.parametrize("table", TABLES)
def test_every_fitted_ramp_falls_on_the_right_side_and_has_its_reason(table: str) -> None:
    ramps = fitted(table, TABLES[table])
    assert ramps
    for name, ramp in ramps.items():
        assert ramp.reason or table == "model"
        assert ramp.reason == TABLES[table][name]
        assert 0 <= ramp.least < 1
        assert ramp.bad != ramp.good
        assert (ramp.bad < ramp.good) == (name in LOW_IS_BAD or table == "model")


@pytest.mark.parametrize("ramps", [face.FACE, face.RECENT_FACE], ids=["window", "last second"])
def test_pictures_are_clean_up_to_the_limits_set_by_hand(ramps: Ramps) -> None:
    limits = {name: ramps[name].good for name in face.GOOD if name in ramps}
    assert limits
    assert limits == {name: face.GOOD[name] for name in limits}


@pytest.mark.parametrize("rules", [audio.RULES, face.RULES, words.RULES], ids=list(STREAMS))
def test_a_rule_is_not_fitted_as_well(rules: Ramps) -> None:
    assert all(ramp.reason and ramp.least == 0 for ramp in rules.values())
    fitted_ones = {*audio.REASONS, *face.REASONS, *words.REASONS}
    assert not fitted_ones & set(rules)
