from pathlib import Path

import numpy as np
import pytest
import torch

from models.estimator import Estimator
from models.features.face import FACE_SIZE
from models.qamoe import QAMoE, QAMoEConfig
from models.reliability import absent, combine
from streamer.packets import (
    SECOND,
    Evidence,
    Floats,
    Stream,
    StreamWindow,
    Window,
    Word,
    Words,
)
from tests.training_fixtures import PlainVoice

SIZES: dict[Stream, int] = {"text": 8, "audio": 384, "vision": FACE_SIZE}


class Letters:
    """Counts how often it is asked; a word's features are its letters."""

    def __init__(self) -> None:
        self.calls = 0

    def encode(self, words: list[str]) -> Floats:
        self.calls += 1
        rows = [[float(ord(letter)) for letter in word.ljust(8)[:8]] for word in words]
        return np.array(rows, np.float32).reshape(len(words), 8) / 100


@pytest.fixture
def network() -> QAMoE:
    torch.manual_seed(0)
    return QAMoE(QAMoEConfig(SIZES))


def built(network: QAMoE, floor: float, words: Letters | None = None) -> Estimator:
    return Estimator(network, words or Letters(), PlainVoice(SIZES["audio"]), floor)


def part(size: int, score: float, reason: str | None = None, filled: bool = True) -> StreamWindow:
    features = np.random.default_rng(0).normal(size=(20, size)).astype(np.float32)
    evidence = Evidence(score, reason, {"speech_share": 1.0})
    return StreamWindow(features, np.full(20, filled), evidence)


def window(streams: dict[Stream, StreamWindow], said: str = "well done then") -> Window:
    words = tuple(Word(word, 0, SECOND, 0.95) for word in said.split())
    heard = Words(0, words, SECOND, 0.01, -0.2, 1.0)
    return Window(0, 0, SECOND, 0, words, 0, heard, streams)


def test_every_stream_has_its_reliability_and_the_value_its_range(network: QAMoE) -> None:
    streams: dict[Stream, StreamWindow] = {"audio": part(384, 0.9), "vision": part(FACE_SIZE, 0.8)}
    estimate = built(network, floor=0.01).estimate(window(streams))
    assert list(estimate.reliability) == ["text", "audio", "vision"]
    assert estimate.value is not None
    assert -1 <= estimate.value <= 1
    assert estimate.deviation is not None
    assert estimate.deviation > 0
    assert estimate.classes is not None
    assert sum(estimate.classes) == pytest.approx(1)
    for stream, reliability in estimate.reliability.items():
        evidence = Evidence(reliability.evidence, None, {})
        assert reliability.value == combine(stream, reliability.model, evidence)
        assert len(estimate.routing[stream]) == network.config.experts


def test_a_stream_without_evidence_takes_no_part_and_says_why(network: QAMoE) -> None:
    bad: dict[Stream, StreamWindow] = {
        "audio": part(384, 0.9), "vision": part(FACE_SIZE, 0.0, "no face")
    }  # fmt: skip
    without: dict[Stream, StreamWindow] = {
        "audio": part(384, 0.9), "vision": part(FACE_SIZE, 1.0, None, filled=False)
    }  # fmt: skip
    estimator = built(network, floor=0.01)
    first, second = estimator.estimate(window(bad)), estimator.estimate(window(without))
    assert first.value == second.value
    assert first.reliability["vision"].value == 0
    assert first.reliability["vision"].reason == "no face"
    assert "vision" not in first.routing


@pytest.mark.parametrize("bad", ["audio", "vision"])
def test_a_spoiled_stream_weighs_what_the_network_has_learned(network: QAMoE, bad: Stream) -> None:
    """And what is published about it is the same."""
    scores = {"audio": 1.0, "vision": 1.0, bad: 0.3}
    streams: dict[Stream, StreamWindow] = {
        "audio": part(384, scores["audio"]), "vision": part(FACE_SIZE, scores["vision"])
    }  # fmt: skip
    as_it_comes = built(network, floor=0.01).estimate(window(streams))
    with torch.no_grad():
        network.trust_exponents[bad].fill_(6.0)  # 0.3 to the power of 400 is nothing
    learned = built(network, floor=0.01).estimate(window(streams))
    gone = streams | {bad: part(streams[bad].features.shape[1], 0.0, "gone")}
    without = built(network, floor=0.01).estimate(window(gone))
    assert learned.reliability == as_it_comes.reliability
    assert learned.value == pytest.approx(without.value, abs=1e-6)
    assert learned.value != pytest.approx(as_it_comes.value, abs=1e-6)


def test_it_abstains_with_reasons_when_nothing_is_reliable(network: QAMoE) -> None:
    streams: dict[Stream, StreamWindow] = {
        "audio": part(384, 0.0, "no speech", filled=False),
        "vision": part(FACE_SIZE, 0.0, "too dark"),
    }
    estimate = built(network, floor=0.1).estimate(window(streams, said=""))
    assert (estimate.value, estimate.deviation, estimate.classes) == (None, None, None)
    assert estimate.reason is not None
    assert "audio: no speech" in estimate.reason
    assert "vision: too dark" in estimate.reason


def test_it_abstains_below_the_floor(network: QAMoE) -> None:
    streams: dict[Stream, StreamWindow] = {"vision": part(FACE_SIZE, 0.3, "blurred")}
    estimate = built(network, floor=0.9).estimate(window(streams))
    assert estimate.value is None
    assert estimate.reliability["vision"].model > 0


def test_words_count_where_their_sound_is_late(network: QAMoE) -> None:
    late = StreamWindow(np.zeros((0, 0), np.float32), np.zeros(0, np.bool_), absent("late"))
    estimate = built(network, floor=0.01).estimate(window({"audio": late}))
    assert estimate.reliability["text"].value > 0
    assert estimate.reliability["audio"].value == 0


def test_the_same_words_are_encoded_once(network: QAMoE) -> None:
    letters = Letters()
    estimator = built(network, floor=0.01, words=letters)
    streams: dict[Stream, StreamWindow] = {"audio": part(384, 0.9)}
    for said in ("good", "good", "good morning", "good morning"):
        estimator.estimate(window(streams, said))
    assert letters.calls == 2


def test_read_only_arrays_are_taken_without_a_warning(
    network: QAMoE, recwarn: pytest.WarningsRecorder, tmp_path: Path
) -> None:
    """Ray hands arrays over read-only."""
    voice = part(384, 0.9)
    np.save(tmp_path / "features.npy", voice.features)
    mapped = np.load(tmp_path / "features.npy", mmap_mode="r")
    streams: dict[Stream, StreamWindow] = {
        "audio": StreamWindow(mapped, voice.mask, voice.evidence)
    }
    built(network, floor=0.01).estimate(window(streams))
    assert not recwarn.list


def test_the_less_evidence_a_stream_has_the_less_it_says(network: QAMoE) -> None:
    def value(score: float) -> float:
        voice, face = part(SIZES["audio"], score), part(FACE_SIZE, 1.0)
        streams: dict[Stream, StreamWindow] = {"audio": voice, "vision": face}
        estimate = built(network, floor=0.01).estimate(window(streams, said=""))
        assert estimate.value is not None
        assert estimate.reliability["audio"].model == pytest.approx(own, abs=1e-6)
        return estimate.value

    streams: dict[Stream, StreamWindow] = {"audio": part(SIZES["audio"], 1.0)}
    first = built(network, floor=0.01).estimate(window(streams, said=""))
    own = first.reliability["audio"].model
    distances = [abs(value(score) - value(1e-6)) for score in (1.0, 0.5, 0.1)]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 2 * distances[-1]
