from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr  # type: ignore[import-untyped]

from models.study.data import Dataset
from models.study.protocols import Condition, Corrupted, conditions, corrupt, deviations
from models.study.trainer import Answers, Budget, Trained, answers, predict, train
from models.study.variants import MODELS
from models.study.views import classes, known_quality, training_views, validation_views
from streamer.packets import STREAMS
from tests.study_fixtures import made_up

SHORT = Budget(epochs=1, least_steps=4, batch=32, validations=2, width=16)
LONG = Budget(epochs=25, least_steps=0, batch=32, validations=10, width=32, learning_rate=3e-3)


def under(dataset: Dataset, protocol: str) -> Corrupted:
    (condition,) = conditions(protocol, dataset.streams)
    return corrupt(dataset.test, condition, deviations(dataset.train), 1)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return made_up()


@pytest.fixture(scope="module")
def ours(dataset: Dataset) -> Trained:
    return train("ours", dataset, LONG, 0)


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize("name", MODELS)
def test_every_model_trains_and_answers(name: str, dataset: Dataset) -> None:
    trained = train(name, dataset, SHORT, 0)
    found = predict(trained, under(dataset, "clean"))
    assert np.isfinite(trained.valid_loss)
    assert found.values.shape == found.deviations.shape == (48,)
    assert (np.abs(found.values) <= 1).all()
    assert (found.deviations > 0).all()
    np.testing.assert_allclose(found.class_probabilities.sum(axis=1), 1, rtol=1e-5)
    assert set(found.reliability) == set(STREAMS)


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize("name", ["ours", "mult", "pdf"])
def test_same_seed_same_answers(name: str, dataset: Dataset) -> None:
    clean = under(dataset, "clean")
    first, again, other = (
        predict(train(name, dataset, SHORT, seed), clean).values for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_training_leaves_the_random_numbers_of_others_alone(dataset: Dataset) -> None:
    torch.manual_seed(8)
    before = torch.rand(3)
    torch.manual_seed(8)
    train("concat", dataset, SHORT, 0)
    assert torch.equal(torch.rand(3), before)


@pytest.mark.parametrize("streams", [("audio",), ("text", "vision")])
def test_any_streams_and_single_vectors(streams: tuple[str, ...]) -> None:
    vectors = made_up(streams=streams, steps=dict.fromkeys(STREAMS, 1))  # type: ignore[arg-type]
    found = predict(train("ours", vectors, SHORT, 0), under(vectors, "clean"))
    assert set(found.reliability) == set(streams)


@pytest.mark.slow
@pytest.mark.parallel
def test_it_learns_what_is_to_be_learnt(dataset: Dataset, ours: Trained) -> None:
    clean = predict(ours, under(dataset, "clean"))
    assert np.corrcoef(clean.values, dataset.test.labels)[0, 1] > 0.9
    untrained = np.abs(dataset.test.labels).mean()
    assert np.abs(clean.values - dataset.test.labels).mean() < untrained / 2


@pytest.mark.slow
@pytest.mark.parallel
def test_reliability_falls_with_noise_in_the_stream_that_has_it(
    dataset: Dataset, ours: Trained
) -> None:
    levels = (0, 0.5, 1)
    for stream in ("audio", "vision"):
        found = [predict(ours, under(dataset, f"one:{stream}:{level}")) for level in levels]
        falls = np.concatenate([each.reliability[stream] for each in found])
        assert spearmanr(falls, np.repeat(levels, 48)).statistic < -0.8
        for other in set(STREAMS) - {stream, "text"}:
            np.testing.assert_array_equal(found[0].reliability[other], found[2].reliability[other])


@pytest.mark.slow
@pytest.mark.parallel
def test_training_stops_early_where_nothing_gets_better(dataset: Dataset) -> None:
    eager = replace(LONG, learning_rate=0.0, patience=2)
    trained = train("concat", dataset, eager, 0)
    assert trained.epochs == pytest.approx(3 * 12 / 5)


def test_specialist_sees_its_condition_alone(dataset: Dataset) -> None:
    (alone, *_) = conditions("I-a", dataset.streams)
    (validation,) = validation_views(dataset, alone)
    assert not validation.present["audio"].any()
    for clean, seen in islice(training_views(dataset, 32, 0, alone), 6):
        assert seen.present["text"].all()
        assert not seen.present["vision"].any()
        np.testing.assert_array_equal(seen.split.labels, clean.labels)
    trained = train("ours", dataset, SHORT, 0, alone)
    assert np.isfinite(trained.valid_loss)


def test_views_cover_the_spectrum_and_are_the_same_for_every_model(dataset: Dataset) -> None:
    first = [seen for _, seen in islice(training_views(dataset, 16, 5), 200)]
    again = [seen for _, seen in islice(training_views(dataset, 16, 5), 200)]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.split.features["audio"], other.split.features["audio"])
    levels = np.array([[seen.severity[m][0] for m in STREAMS] for seen in first])
    gone = np.array([1 - seen.present["audio"].mean() for seen in first])
    assert (levels.min(axis=0) < 0.05).all()
    assert (levels.max(axis=0) > 0.95).all()
    assert np.abs(np.corrcoef(levels.T) - np.eye(3)).max() < 0.3
    assert gone.mean() == pytest.approx(0.5, abs=0.1)


def test_each_pass_shows_every_sample_once(dataset: Dataset) -> None:
    labels = [clean.labels for clean, _ in islice(training_views(dataset, 32, 0), 5)]
    np.testing.assert_array_equal(np.sort(np.concatenate(labels)), np.sort(dataset.train.labels))


@pytest.mark.slow
@pytest.mark.parallel
def test_permuting_moves_reliability_among_present_samples_only(
    dataset: Dataset, ours: Trained
) -> None:
    condition = Condition("III", "half", dict.fromkeys(STREAMS, 0.5), STREAMS, missing=0.4)
    half = corrupt(dataset.test, condition, deviations(dataset.train), 1)
    own, moved = predict(ours, half), predict(ours, half, permute=0)
    for stream in STREAMS:
        gone = ~half.present[stream]
        assert (moved.reliability[stream][gone] == 0).all()
        np.testing.assert_array_equal(
            np.sort(own.reliability[stream]), np.sort(moved.reliability[stream])
        )
        assert not np.array_equal(own.reliability[stream], moved.reliability[stream])
    assert not np.array_equal(own.values, moved.values)
    np.testing.assert_array_equal(moved.values, predict(ours, half, permute=0).values)


def test_controls_have_nothing_to_permute(dataset: Dataset) -> None:
    trained = train("concat", dataset, SHORT, 0)
    with pytest.raises(ValueError, match="no reliability to permute"):
        predict(trained, under(dataset, "clean"), permute=0)


@pytest.mark.slow
@pytest.mark.parallel
def test_whole_split_gives_what_its_samples_give(dataset: Dataset, ours: Trained) -> None:
    clean = under(dataset, "clean")
    one = Corrupted(
        clean.split[3:4],
        {m: x[3:4] for m, x in clean.severity.items()},
        {m: x[3:4] for m, x in clean.present.items()},
    )
    whole: Answers = predict(ours, clean)
    alone: Answers = answers(ours.model, one)
    np.testing.assert_allclose(alone.values, whole.values[3:4], atol=1e-5)


def test_known_quality_falls_with_noise_and_is_nought_where_absent(dataset: Dataset) -> None:
    condition = Condition("III", "x", {"text": 0, "audio": 1.0, "vision": 0.5}, ("text", "audio"))
    corrupted = corrupt(dataset.test, condition, deviations(dataset.train), 1)
    known = known_quality(corrupted, torch.device("cpu"))
    for stream, quality in (("text", 1.0), ("audio", 0.5), ("vision", 0.0)):
        assert known[stream].tolist() == [quality] * 48  # type: ignore[index]


def test_classes_are_labels_rounded_on_the_scale_of_three() -> None:
    labels = np.array([-1, -0.5 / 3, -0.4 / 3, 0, 0.49 / 3, 0.5 / 3, 1], np.float32)
    assert classes(labels).tolist() == [0, 0, 1, 1, 1, 2, 2]
