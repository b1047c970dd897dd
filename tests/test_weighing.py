"""What the fusion learns to make of the published reliability, and what it learns it from."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.qamoe import Encoded, QAMoE, QAMoEConfig
from models.reliability import audio_evidence, face_evidence, words_evidence
from models.reliability.measured import judged_again
from models.training.reliability.clips import Clip
from models.training.reliability.takes import Case, Takes, load, save
from models.training.reliability.weighing import Material, drawn, errors, weigh
from models.training.settings import TakesSettings, WeighingSettings
from models.training.weighed import chosen_parts
from streamer.packets import FACE_MEASURES, SECOND, STREAMS, Evidence, Stream, Window, Word, Words
from tests.training_fixtures import SIZES

WIDTH = 16
FEW = TakesSettings(clips={"text": 30, "audio": 30, "vision": 30}, damages=1)
SETTINGS = WeighingSettings(
    train=FEW,
    validation=FEW,
    parts=["curve", "both"],
    worth=0.01,
    epochs=3,
    pairs=640,
    batch=64,
    learning_rate=1e-3,
    weight_decay=0.01,
    damaged=0.5,
    missing=0.1,
    validation_pairs=300,
)
SAID = tuple(Word(f"w{n}", n * SECOND // 2, (n + 1) * SECOND // 2, 0.97) for n in range(8))


def clips(stream: Stream, seed: int, scores: float | None = None) -> list[Clip]:
    """Ten of each class, which can be read from the features."""
    rng = np.random.default_rng(seed)
    measures = {"speech_share": 1.0} if scores is None else {"speech_share": scores}
    return [
        Clip(
            (rng.normal(scale=0.3, size=(4, SIZES[stream])) + value).astype(np.float32),
            np.ones(4, np.bool_),
            Evidence(1.0, None, measures),
            value,
        )
        for value in (-0.5, 0.0, 0.5)
        for _ in range(10)
    ]


def takes(seed: int) -> dict[Stream, Takes]:
    """Each stream's clips as they are, and a damaged take of each."""
    labels = [label for label in range(3) for _ in range(10)]
    damaged: list[Case | None] = [("blur", 0.5)] * 30
    return {
        m: Takes.joined(
            [
                Takes.of(clips(m, seed), labels, [None] * 30),
                Takes.of(clips(m, seed, 0.1), labels, damaged),
            ]
        )
        for m in STREAMS
    }


def network() -> QAMoE:
    torch.manual_seed(0)
    return QAMoE(QAMoEConfig(SIZES, width=WIDTH, experts=2, top_k=2)).eval()


def material(seed: int, model: QAMoE, telling: bool, published: float = 0.3) -> Material:
    """Features of which the damaged ones are ``telling`` or another class's, all ``published``."""
    of = takes(seed)
    encoded = Material.of(of, model)
    chosen: dict[Stream, Encoded] = {}
    for stream, one in encoded.encoded.items():
        clean = torch.arange(30)
        damaged = clean if telling else clean.roll(10)
        rows = torch.cat([clean, damaged])
        chosen[stream] = Encoded(one.mean[rows], one.variance[rows], one.present[rows])
    trust = torch.cat([torch.ones(30), torch.full((30,), published)])
    return Material(of, chosen, dict.fromkeys(STREAMS, trust))


def trained(telling: bool, model: QAMoE, seed: int = 1) -> QAMoE:
    sure = weigh(
        model, material(0, model, True, 1.0), material(1, model, True, 1.0),
        SETTINGS.model_copy(update={"epochs": 8, "learning_rate": 5e-3}), "fusion", 0,
    )  # fmt: skip
    spoiled = material(0, model, telling), material(1, model, telling)
    return weigh(sure, *spoiled, SETTINGS, "curve", seed)


@pytest.mark.slow
@pytest.mark.parallel
def test_what_is_called_bad_but_tells_is_trusted_more_and_what_misleads_less() -> None:
    tells, misleads = trained(True, network()), trained(False, network())
    for stream in STREAMS:
        assert tells.trust_exponents[stream] < misleads.trust_exponents[stream]
    assert min(of.item() for of in misleads.trust_exponents.values()) > 0


@pytest.mark.slow
@pytest.mark.parallel
def test_only_what_is_asked_for_is_trained_and_a_seed_gives_one_network() -> None:
    model = network()
    first, again = (trained(False, model).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    both = weigh(
        model, material(0, model, False), material(1, model, False), SETTINGS, "both", 1
    ).state_dict()  # fmt: skip
    before = model.state_dict()
    moved = {name.partition(".")[0] for name in before if not torch.equal(before[name], both[name])}
    assert moved <= {"trust_exponents", "gate", "experts", "prior", "fusion", "to_value",
                     "to_classes"}  # fmt: skip
    assert {"trust_exponents", "experts", "fusion"} <= moved


@pytest.mark.slow
@pytest.mark.parallel
def test_the_network_that_goes_in_stays_as_it_was() -> None:
    model = network()
    before = {name: weights.clone() for name, weights in model.state_dict().items()}
    trained(False, model)
    assert all(torch.equal(weights, before[name]) for name, weights in model.state_dict().items())


def test_damage_shows_in_the_errors_of_its_stream_alone() -> None:
    model = network()
    good = material(1, model, True, 1.0)
    found = errors(model, good, 200, weighed=True)
    assert {"undamaged", "damaged", *STREAMS} == set(found)
    assert found["damaged"] == pytest.approx(found["undamaged"], abs=0.05)
    assert errors(model, good, 200, weighed=False) == pytest.approx(found, abs=1e-6)


def test_pairs_are_of_one_class_and_as_often_damaged_and_missing_as_asked() -> None:
    of = takes(0)
    pairs = drawn(of, 3000, np.random.default_rng(0), 0.4, 0.2)
    for place, stream in enumerate(STREAMS):
        rows = pairs.rows[stream]
        assert (of[stream].labels[rows] == pairs.labels.numpy()).all()
        assert of[stream].damaged[rows].mean() == pytest.approx(0.4, abs=0.04)
        assert pairs.there[:, place].float().mean() == pytest.approx(0.8, abs=0.04)


def test_a_later_variant_has_to_be_worth_it() -> None:
    def told(*found: float) -> list[Mapping[str, Mapping[str, float]]]:
        return [{"with": {"damaged": error}} for error in found]

    assert chosen_parts(SETTINGS, {"curve": told(0.15, 0.15), "both": told(0.149, 0.15)}) == "curve"
    assert chosen_parts(SETTINGS, {"curve": told(0.15, 0.15), "both": told(0.14, 0.14)}) == "both"


def test_takes_are_read_as_they_were_written(tmp_path: Path) -> None:
    of = takes(0)["audio"]
    save(of, tmp_path / "a.npz")
    read = load(tmp_path / "a.npz")
    assert read.evidence("audio") == of.evidence("audio")
    assert list(read.kinds) == list(of.kinds)
    assert np.array_equal(read.table.features, of.table.features)


@given(seed=st.integers(0, 999), gain=st.floats(0, 4), noise=st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_sound_is_judged_again_as_it_was(seed: int, gain: float, noise: float) -> None:
    rng = np.random.default_rng(seed)
    samples = gain * np.sin(np.arange(4 * 16000) / 9) + noise * rng.normal(size=4 * 16000)
    speech = (rng.random(125) < 0.7).astype(np.float32)
    same(audio_evidence(samples.astype(np.float32), speech), "audio")


@given(seed=st.integers(0, 999), count=st.integers(0, 60))
@settings(max_examples=30, deadline=None)
def test_pictures_are_judged_again_as_they_were(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    measures = rng.uniform(0, 60, (count, len(FACE_MEASURES))).astype(np.float32)
    ages = np.sort(rng.uniform(0, 4, count))[::-1].astype(np.float32)
    same(face_evidence(measures, rng.random(count) < 0.9, ages, 4, 15), "vision")


@given(count=st.integers(0, 8), share=st.floats(0, 1), sure=st.floats(-3, 0))
@settings(max_examples=30, deadline=None)
def test_words_are_judged_again_as_they_were(count: int, share: float, sure: float) -> None:
    heard = Words(7, SAID[:count], 4 * SECOND, 0.1, sure, 1.2)
    window = Window(7, 0, 4 * SECOND, 0, SAID[:count], 0, heard, {})
    same(words_evidence(window, share, np.ones(20, np.bool_)), "text")


def same(evidence: Evidence, stream: Stream) -> None:
    again = judged_again(stream, evidence.measures)
    assert (again.score, again.measures) == (evidence.score, evidence.measures)


def test_what_was_never_measured_is_absent() -> None:
    assert judged_again("audio", {}).score == 0
