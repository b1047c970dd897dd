"""The network and the estimator that take everything at its word."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.qamoe import QAMoE, QAMoEConfig
from models.reliability import absent
from models.training.reliability.stage import Credulous, Trusting
from streamer.packets import SECOND, STREAMS, Evidence, Stream, StreamWindow, Window, Word, Words
from tests.training_fixtures import SIZES, PlainVoice

STEPS = 5


def network() -> QAMoE:
    torch.manual_seed(0)
    return QAMoE(QAMoEConfig(SIZES)).eval()


NETWORK = network()
TRUSTING = Trusting(NETWORK).eval()


def signals(seed: int) -> tuple[dict[Stream, torch.Tensor], dict[Stream, torch.Tensor]]:
    torch.manual_seed(seed)
    features = {stream: torch.randn(2, STEPS, SIZES[stream]) for stream in STREAMS}
    return features, {stream: torch.ones(2, STEPS, dtype=torch.bool) for stream in STREAMS}


@given(seed=st.integers(0, 99), given_share=st.floats(0, 1))
@settings(max_examples=10)
def test_a_trusting_network_answers_as_if_all_was_reliable(seed: int, given_share: float) -> None:
    plain, trusting = NETWORK, TRUSTING
    features, masks = signals(seed)
    share = {stream: torch.full((2,), given_share) for stream in STREAMS}
    with torch.inference_mode():
        own = plain(features, masks)
        sure = plain(features, masks, reliability={stream: torch.ones(2) for stream in STREAMS})
        found = trusting(features, masks, reliability=share, trust=lambda stream, _: share[stream])
    torch.testing.assert_close(found.value, sure.value)
    torch.testing.assert_close(found.class_logits, sure.class_logits)
    assert not torch.equal(own.value, sure.value)
    for stream in STREAMS:
        torch.testing.assert_close(found.routing[stream], sure.routing[stream])
        torch.testing.assert_close(found.reliability[stream], own.reliability[stream])
        torch.testing.assert_close(trusting.latest[stream], own.means[stream])


def test_what_is_absent_is_not_trusted_either() -> None:
    trusting = TRUSTING
    features, masks = signals(0)
    masks["vision"][:] = False
    with torch.inference_mode():
        found = trusting(features, masks)
        without = trusting(
            {stream: features[stream] for stream in ("text", "audio")},
            {stream: masks[stream] for stream in ("text", "audio")},
        )
    torch.testing.assert_close(found.value, without.value)
    assert not found.routing["vision"].any()


class Spelling:
    """A word's features are how long it is."""

    def encode(self, words: list[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        return np.array([[len(word)] * SIZES["text"] for word in words], np.float32).reshape(
            len(words), SIZES["text"]
        )


def window(said: str, sound: Evidence, pictures: Evidence) -> Window:
    rng = np.random.default_rng(0)
    streams: dict[Stream, StreamWindow] = {}
    for stream, evidence in (("audio", sound), ("vision", pictures)):
        steps = rng.normal(size=(20, SIZES[stream])).astype(np.float32)
        streams[stream] = StreamWindow(steps, np.ones(20, np.bool_), evidence)
    words = tuple(
        Word(word, place * SECOND, (place + 1) * SECOND, 0.05)
        for place, word in enumerate(said.split())
    )
    return Window(7, 0, 4 * SECOND, 0, words, 0, Words(7, words, 0, 0.9, -3, 2.3), streams)


def test_a_credulous_estimator_sees_no_fault_in_what_is_there() -> None:
    bad = Evidence(0.1, "noise", {"speech_share": 0.02})
    estimator = Credulous(TRUSTING, Spelling(), PlainVoice(), 0.0)
    found = estimator.estimate(window("never mind", bad, absent("no face"))).reliability
    assert {stream: part.evidence for stream, part in found.items()} == dict.fromkeys(STREAMS, 1.0)
    assert {part.reason for part in found.values()} == {None}


@pytest.mark.parametrize("said", ["", "so"])
def test_a_credulous_estimator_makes_no_words(said: str) -> None:
    sure = Evidence(1.0, None, {"speech_share": 0.9})
    estimator = Credulous(TRUSTING, Spelling(), PlainVoice(), 0.0)
    found = estimator.estimate(window(said, sure, sure))
    assert ("text" in found.routing) == bool(said)
    assert found.reliability["text"].evidence == (1.0 if said else 0.0)
