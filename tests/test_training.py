from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.progress import Progress

from models.training.card import model_card
from models.training.corpora import Example
from models.training.evaluate import evaluate, summary
from models.training.extraction import FeatureTable, Sequences, extract_view
from models.training.finished import Finished
from models.training.fit import fit, new_model
from models.training.pairing import draw_pairs, targets
from models.training.run import run_grid
from models.training.settings import (
    FitSettings,
    NetworkSettings,
    TrainingSettings,
    VariancePath,
    Variant,
    load_training_settings,
)
from models.training.stills import STEPS, Movement
from streamer.errors import SettingError, SourceError
from streamer.packets import STREAMS
from tests.training_fixtures import PER_CLASS, SIZES, corpora, material

NETWORK = NetworkSettings(width=16, experts=4, dropout=0.1)
FIT = FitSettings(
    epochs=16,
    pairs=480,
    batch=24,
    learning_rate=0.003,
    weight_decay=0.01,
    noise="per_stream",
    raw_damage=0.2,
    validation_pairs=60,
)


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize("path", ["representation", "input"])
def test_same_seed_gives_the_same_network(path: VariancePath) -> None:
    data = material()
    short = FIT.model_copy(update={"epochs": 1})
    variant = Variant(path, 2)
    first, second, other = (fit(data, NETWORK, variant, short, seed) for seed in (1, 1, 2))
    for name, weights in first.model.state_dict().items():
        assert torch.equal(weights, second.model.state_dict()[name]), name
    assert other.train_losses != first.train_losses


@pytest.mark.slow
@pytest.mark.parallel
def test_training_learns_the_task_and_how_far_to_trust_each_stream() -> None:
    data = material()
    run = fit(data, NETWORK, Variant("input", 2), FIT, seed=1)
    assert run.train_losses[-1] < run.train_losses[0]
    report = evaluate(run.model, data, "test", 90)
    untrained = evaluate(new_model(data, NETWORK, Variant("input", 2)), data, "test", 90)
    assert report["subsets"]["TAV"]["balanced_accuracy"] > 0.6
    assert report["subsets"]["TAV"]["mae"] < untrained["subsets"]["TAV"]["mae"]
    for stream in STREAMS:
        figures = report["reliability"][stream]
        assert figures["at_level"]["1.0"] < figures["clean"]
        assert figures["spearman"] < 0
    assert summary(report)["largest_fall"] > 0.7


def test_pairs_share_a_class_and_stay_within_their_split() -> None:
    data = corpora()
    pairs = draw_pairs(data, "valid", 90, np.random.default_rng(0))
    for stream in STREAMS:
        chosen = [data[stream].examples[row] for row in pairs.rows[stream]]
        assert [example.label for example in chosen] == pairs.labels.tolist()
        assert {example.split for example in chosen} == {"valid"}
    assert len({int(row) for row in pairs.rows["text"]}) <= 3 * PER_CLASS


@pytest.mark.parametrize(
    ("present", "target"),
    [
        ((True, True, True), 0.2),
        ((True, False, False), 0.2),
        ((False, True, False), 0.4),
        ((False, True, True), 0.5),
        ((False, False, False), 0.2),
    ],
)
def test_target_belongs_to_the_streams_that_are_left(
    present: tuple[bool, bool, bool], target: float
) -> None:
    values = torch.tensor([[0.2, 0.4, 0.6]])
    assert targets(values, torch.tensor([present])).item() == pytest.approx(target)


@pytest.mark.parametrize("level", [0.0, 0.1, 0.6, 0.9, 1.0])
def test_words_are_dropped_as_often_as_asked(level: float) -> None:
    data = material()
    rows = np.tile(np.arange(len(data.corpora["text"].examples)), 4)
    words = data.words(rows, level, np.random.default_rng(0))
    gone = ~words.mask.any(dim=1)
    assert gone.float().mean().item() == pytest.approx(max(0.0, (level - 0.75) * 4), abs=0.06)


def test_still_moves_slowly_and_only_where_it_is_seen() -> None:
    rng = np.random.default_rng(0)
    deviation = np.array([1.0, 0.1], np.float32)
    movement = Movement.drawn(300, deviation, rng)
    stills = np.full((300, 2), 5, np.float32)
    features, mask = movement.of(stills, np.arange(300) > 0)
    assert features.shape == (300, STEPS, 2)
    assert not mask[0].any()
    assert (features[~mask] == 0).all()
    both = mask[:, 1:] & mask[:, :-1]
    change = np.diff(features, axis=1)[both].std(axis=0)
    spread = (features - 5)[mask].std(axis=0)
    assert (change < spread).all()
    assert spread[0] == pytest.approx(10 * spread[1], rel=0.05)


@pytest.mark.parametrize(
    ("value", "label"), [(-1, 0), (-0.17, 0), (-0.16, 1), (0, 1), (0.16, 1), (0.17, 2), (1, 2)]
)
def test_class_is_the_value_rounded_on_the_scale_of_seven(value: float, label: int) -> None:
    assert Example("", "", "train", value, "").label == label


def test_extraction_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.training.extraction.PART", 10)
    examples = corpora()["text"].examples[:25]
    computed: list[int] = []

    def extractor(limit: int) -> object:
        def compute(part: list[Example], rng: np.random.Generator) -> Sequences:
            if len(computed) == limit:
                raise KeyboardInterrupt
            computed.append(len(part))
            return [
                (rng.normal(size=(i % 3, 4)), np.ones(i % 3, np.bool_)) for i in range(len(part))
            ]

        return lambda: compute

    def run(limit: int) -> FeatureTable:
        with Progress(disable=True) as progress:
            return extract_view("text", "clean", examples, extractor(limit), tmp_path, progress)  # type: ignore[arg-type]

    with pytest.raises(KeyboardInterrupt):
        run(limit=2)
    table = run(limit=9)
    assert computed == [10, 10, 5]
    assert len(table) == 25
    assert [len(table[row][1]) for row in range(12)] == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 0, 1]
    np.testing.assert_array_equal(run(limit=0).features, table.features)


def test_training_settings_that_are_wrong_say_so_in_one_line(tmp_path: Path) -> None:
    first = Path(str(resources.files("configs").joinpath("train", "live.yaml")))
    assert load_training_settings(first).fit.batch > 1
    file = tmp_path / "bad.yaml"
    file.write_text(first.read_text().replace("top_ks: [3, 8]", "top_ks: [-3]"))
    with pytest.raises(SettingError, match=r"top_ks\.0 = -3"):
        load_training_settings(file)


def test_missing_corpus_is_named(tmp_path: Path) -> None:
    from models.training.corpora import faces, texts, voices

    for corpus in (texts, voices, faces):
        with pytest.raises(SourceError, match=str(tmp_path)):
            corpus(tmp_path)


def test_sizes_follow_the_data() -> None:
    config = new_model(material(), NETWORK, Variant("input", 3)).config
    assert dict(config.sizes) == SIZES
    assert (config.variance_path, config.top_k) == ("input", 3)


@pytest.mark.slow
@pytest.mark.parallel
def test_grid_ships_the_path_whose_reliability_is_true(tmp_path: Path) -> None:
    settings = TrainingSettings(
        words=None,
        voice=None,
        face=None,
        seeds=[1],
        variance_paths=["representation", "input"],
        top_ks=[2],
        network=NETWORK,
        fit=FIT.model_copy(update={"epochs": 3}),
        test_pairs=60,
    )
    finished = Finished(tmp_path, settings, "abc")
    with Progress(disable=True) as progress:
        model, figures = run_grid(settings, material(), progress, finished)
    shipped = Variant(model.config.variance_path, model.config.top_k)
    assert figures["shipped"] == {**shipped._asdict(), "seed": 1}
    truth = {
        variant: np.mean([report["validation"]["largest_fall"] for report in reports])
        for variant, reports in figures["variants"].items()
    }
    assert truth[str(shipped)] == max(truth.values())
    clips = {"clip.mp4": {"value": 0.5, "audio_r": 0.75}}
    card = model_card(figures | {"clips": clips, "parts": part_figures()})
    assert f'"{model.config.variance_path}", top 2, seed 1' in card
    assert "| words: MOSEI, test videos | Pearson | 0.500 [0.400, 0.600] |" in card
    assert "| face: FER2013, all test pictures | accuracy of 7 | 0.500 [0.400, 0.600] |" in card
    assert "| clip.mp4 | 0.50 | 0.75 | - | - | - |" in card

    trained = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.safetensors")}
    with Progress(disable=True) as progress:
        again, same = run_grid(settings, material(), progress, finished)
    assert same == figures
    assert torch.equal(again.to_value.weight, model.to_value.weight)
    assert {file: file.stat().st_mtime_ns for file in trained} == trained
    others = settings.model_copy(update={"fit": FIT.model_copy(update={"epochs": 4})})
    assert finished.has("input-top-2-1")
    assert not Finished(tmp_path, others, "abc").has("input-top-2-1")
    assert not Finished(tmp_path, settings, "other features").has("input-top-2-1")


def test_of_a_short_voice_the_last_steps_are_heard() -> None:
    data = material()
    rows = np.arange(6)
    views = np.full(6, "clean")
    history = data.histories.draw(rows, np.random.default_rng(0))
    whole = data.voices(rows, views, history)
    short = data.voices(rows, views, history, np.full(6, 2))
    for row in range(6):
        heard = whole.mask[row].nonzero().ravel()
        assert short.mask[row].nonzero().ravel().tolist() == heard[-2:].tolist()
        assert torch.equal(short.features[row, heard[-2:]], whole.features[row, heard[-2:]])


def part_figures() -> dict[str, Any]:
    """What the parts' own modules of figures write, with the same figure everywhere."""
    share = {"estimate": 0.5, "low": 0.4, "high": 0.6}
    texts = {"pearson": share, "acc2_nonzero": share}
    kinds = {"with_history": share, "without_history": share}
    seen = {"joint_all": share, "joint_found": share}
    faces = {"accuracy_7": seen, "balanced_3": seen, "coverage": 0.9}
    return {
        "words": dict.fromkeys(("mosei_test", "mosi_all", "mosei_test_errors_15"), texts),
        "voice": dict.fromkeys(("ravdess_unseen_actors", "leave_one_corpus_out"), kinds),
        "face": {"clean": faces, "damaged": {"mean": faces}},
    }


def test_voices_are_held_against_other_clips_of_their_speaker() -> None:
    data = material()
    rows = np.arange(len(data.corpora["audio"].examples))
    histories = data.histories
    first, second = (histories.draw(rows, np.random.default_rng(seed)) for seed in (0, 0))
    np.testing.assert_array_equal(first.mean, second.mean)
    # Each person has three clips here, one of each class: with the two others as history.
    alone = np.isclose(first.mean, 0, atol=1e-6).all(axis=1)
    assert 0.15 < alone.mean() < 0.6
    table = data.corpora["audio"].views["clean"]
    voices = data.voices(rows, np.full(len(rows), "clean"), first)
    changed = [
        np.abs(voices.features[row, : len(table[row][0])].numpy() - table[row][0]).max() > 0.01
        for row in rows
    ]
    assert not np.any(np.array(changed)[alone])
    assert np.any(np.array(changed)[~alone])
