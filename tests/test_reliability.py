"""What is made of evidence and of the network's own part."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.reliability import absent, combine
from streamer.packets import STREAMS, Evidence, Stream

shares = st.floats(0, 1)


def test_an_absent_stream_is_worth_nothing() -> None:
    assert absent("camera is off") == Evidence(0, "camera is off", {})
    for stream in STREAMS:
        assert combine(stream, 0.9, absent("camera is off")) == 0


@given(st.sampled_from(STREAMS), shares, shares, shares, shares)
def test_reliability_rises_with_both_its_sources(
    stream: Stream, model: float, more: float, score: float, better: float
) -> None:
    low, high = sorted((model, more))
    evidence, best = (Evidence(part, None, {}) for part in sorted((score, better)))
    assert 0 <= combine(stream, low, evidence) <= combine(stream, high, evidence) <= evidence.score
    assert combine(stream, low, evidence) <= combine(stream, low, best)
    assert combine(stream, 0, evidence) == 0


@pytest.mark.parametrize("stream", STREAMS)
def test_what_the_network_makes_of_clean_signals_leaves_the_evidence_as_it_is(
    stream: Stream,
) -> None:
    assert combine(stream, 1, Evidence(0.6, None, {})) == 0.6
    assert combine(stream, 0.1, Evidence(0.6, None, {})) < 0.5


@pytest.mark.parametrize("model", [math.nan, -1.0])
def test_a_model_that_gives_no_share_is_not_trusted(model: float) -> None:
    assert combine("audio", model, Evidence(1, None, {})) == 0
