"""The named data sets: splits that keep people apart, labels, masks; small files and the real."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from models.study.data import Dataset
from models.study.datasets import NAMES, filled, load
from models.study.pairings import pairings
from models.study.store import Task
from models.study.tasks import perform
from models.study.token_states import token_states
from models.study.trainer import Budget
from streamer.assets import Assets
from streamer.errors import AssetError, SettingError, SourceError
from tests.report_fixtures import study_settings
from tests.training_fixtures import material


def write_mosi(folder: Path, videos: int = 30) -> None:
    """MOSI's archive with few features: 20 training videos, whose cmu_split says otherwise."""
    rng = np.random.default_rng(0)
    ids = np.array([f"v_{video}_{clip}" for video in range(videos) for clip in range(4)])
    rows = len(ids)
    audio = rng.normal(size=(rows, 3)).astype(np.float32)
    audio[0, 1], audio[1, 1] = -np.inf, np.nan
    folder.mkdir(parents=True)
    np.savez(
        folder / "mosi.npz",
        ids=ids,
        text=rng.normal(size=(rows, 5)).astype(np.float32),
        audio=audio,
        video=rng.normal(size=(rows, 2)).astype(np.float32),
        label=rng.uniform(-3, 3, rows).astype(np.float32),
        transcript=np.full(rows, "SO GOOD"),
        cmu_split=np.full(rows, "train"),
        declare_split=np.where(np.arange(rows) < 20 * 4, "train", "test"),
    )


def write_mfn(folder: Path, audio: int, labels: "np.typing.NDArray[np.float64]") -> None:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for split in ("train", "valid", "test"):
        for kind, size in (("audio", audio), ("video", 4)):
            values = rng.normal(size=(len(labels), 20, size))
            values[:, :5] = 0
            with h5py.File(folder / f"{kind}_{split}.h5", "w") as file:
                file["d1"] = values
        with h5py.File(folder / f"y_{split}.h5", "w") as file:
            file["d1"] = labels


def write_texts(folder: Path) -> None:
    """MOSEI's and MELD's files with one negative, neutral and positive text a split."""
    said = (("so good", "positive", 1), ("a film", "neutral", 0), ("so bad", "negative", -1))
    (folder / "meld").mkdir(parents=True)
    rows = ["video_id,text,label,mode"]
    for split in ("train", "valid", "test"):
        rows += [f"{split}-{i},{text},{value},{split}" for i, (text, _, value) in enumerate(said)]
        name = "dev" if split == "valid" else split
        lines = [f"{text},{sentiment},{i}" for i, (text, sentiment, _) in enumerate(said)]
        (folder / "meld" / f"{name}_sent_emo.csv").write_text(
            "\n".join(["Utterance,Sentiment,Dialogue_ID", *lines]) + "\n"
        )
    (folder / "mosei.csv").write_text("\n".join(rows) + "\n")


def assert_sound(dataset: Dataset) -> None:
    """What the study relies on for any data set."""
    groups = []
    for split in (dataset.train, dataset.valid, dataset.test):
        assert len(split) > 0
        assert np.isfinite(split.labels).all()
        assert np.abs(split.labels).max() <= 1
        assert len(split.groups) == len(split)
        for stream, features in split.features.items():
            assert features.dtype == np.float32
            assert features.shape == (*split.masks[stream].shape, dataset.sizes[stream])
            assert np.isfinite(features).all()
            np.testing.assert_array_equal(split.masks[stream], filled(features))
        groups.append(set(split.groups))
    assert not groups[0] & groups[1]
    assert not (groups[0] | groups[1]) & groups[2]


def test_mosi_is_split_by_video_within_the_declared_training_part(tmp_path: Path) -> None:
    write_mosi(tmp_path / "benchmarks")
    dataset = load("mosi", tmp_path)
    assert_sound(dataset)
    assert dataset.sizes == {"text": 5, "audio": 3, "vision": 2}
    assert dataset.scale == 3
    assert len(set(dataset.valid.groups)) == 10
    assert set(dataset.test.groups) == {f"v_{video}" for video in range(20, 30)}


def test_the_validation_videos_are_fixed_by_their_seed(tmp_path: Path) -> None:
    write_mosi(tmp_path / "benchmarks")
    first, again, other = (load("mosi", tmp_path, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.valid.groups, again.valid.groups)
    assert set(first.valid.groups) != set(other.valid.groups)
    np.testing.assert_array_equal(first.test.groups, other.test.groups)


def test_labels_of_each_corpus_come_to_one_range(tmp_path: Path) -> None:
    folder = tmp_path / "benchmarks" / "mfn"
    write_mfn(folder / "youtube", 74, np.eye(3))
    write_mfn(folder / "mmmo", 74, np.array([1.0, 3.0, 4.5]))
    traits = np.full((3, 17), 2.0)
    traits[:, 14] = [1, 4, 6]
    write_mfn(folder / "pom", 43, traits)
    expected: dict[str, list[float]] = {
        "youtube": [-1, 0, 1],
        "mmmo": [-1, 0, 0.75],
        "pom": [-1, 0, 2 / 3],
    }
    for name, labels in expected.items():
        dataset = load(name, tmp_path)
        assert_sound(dataset)
        np.testing.assert_allclose(dataset.test.labels, labels, atol=1e-6)
        assert not dataset.train.masks["audio"][:, :5].any()
        assert dataset.train.masks["audio"][:, 5:].all()
    assert [load(name, tmp_path).scale for name in expected] == [1, 2, 3]


def test_unknown_names_and_missing_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="data set 'imdb': must be one of mosi, mosi-words"):
        load("imdb", tmp_path)
    for name in NAMES:
        with pytest.raises(SourceError, match="there is no such file"):
            load(name, tmp_path)


def test_without_a_word_model_nothing_is_cached(tmp_path: Path) -> None:
    with pytest.raises(AssetError):
        token_states(["so good"], tmp_path, tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*.npy"))


@pytest.mark.slow
@pytest.mark.parallel
def test_token_states_are_kept_and_padded(tmp_path: Path, assets: Assets) -> None:
    minilm = assets.path("minilm-l6")
    texts = ["SO GOOD", "", "and " * 50]
    states = token_states(texts, minilm, tmp_path)
    assert states.shape == (3, 32, 384)
    assert filled(states).sum(axis=1).tolist() == [2, 0, 32]
    [kept] = tmp_path.glob("*.npy")
    written = kept.stat().st_mtime_ns
    np.testing.assert_array_equal(token_states(texts, minilm, tmp_path), states)
    assert kept.stat().st_mtime_ns == written
    assert not np.array_equal(token_states(["SO BAD", *texts[1:]], minilm, tmp_path), states)


ENCODED = ("mosi-words", "mosei", "meld", "pairings")
"""Data sets that take minutes to load for the first time."""


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize("name", ["mosei", "meld"])
def test_words_alone_are_a_data_set(
    name: str, tmp_path: Path, assets: Assets, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_texts(tmp_path / "text")
    cache = tmp_path / "cache" / "qamoe-stream"
    cache.mkdir(parents=True)
    (cache / "minilm-l6").symlink_to(assets.path("minilm-l6"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache.parent))
    dataset = load(name, tmp_path)
    assert_sound(dataset)
    assert dataset.streams == ("text",)
    np.testing.assert_allclose(dataset.test.labels * dataset.scale, [1, 0, -1])
    noisy = Budget(least_steps=4, epochs=1, validations=2, width=8)
    figures, _ = perform(
        Task(name, "ours", 1), dataset, study_settings(datasets=[name], budget=noisy, permuted=[])
    )
    assert set(figures["truth"]["spearman"]) == {"text"}
    assert figures["truth"]["largest_fall"]["text"]["1.0"] is None


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ENCODED])
def test_the_research_data_is_sound(name: str, data_folder: Path) -> None:
    assert_sound(load(name, data_folder))


def test_pairings_hold_three_streams_of_one_class_from_people_kept_apart() -> None:
    drawn_from = material()
    dataset = pairings(drawn_from)
    assert_sound(dataset)
    assert dataset.streams == ("text", "audio", "vision")
    again = pairings(drawn_from)
    np.testing.assert_array_equal(again.test.features["audio"], dataset.test.features["audio"])
    people = [
        {drawn_from.corpora["audio"].examples[int(row)].person for row in split.groups}
        for split in (dataset.train, dataset.valid, dataset.test)
    ]
    assert not people[0] & people[1]
    assert not (people[0] | people[1]) & people[2]


def test_mosi_has_the_declared_split(data_folder: Path) -> None:
    dataset = load("mosi", data_folder)
    assert len(dataset.train) + len(dataset.valid) == 1447
    assert len(dataset.test) == 752
    assert len(set(dataset.train.groups)) == 52
    assert np.mean(dataset.test.labels >= 0) == pytest.approx(0.621, abs=0.001)


def test_pom_sentiment_is_the_trait_with_two_peaks(data_folder: Path) -> None:
    far = np.abs(load("pom", data_folder).train.labels * 3) >= 2
    assert far.mean() > 0.75
