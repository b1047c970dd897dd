"""The field's pickle, written here in its exact layout."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.study.community import load_pickle
from streamer.errors import SettingError

Part = dict[str, Any]


def make_part(samples: int, aligned: bool, name: str) -> Part:
    """One split as MMSA-FET writes it for CMU-MOSI, with fewer steps."""
    rng = np.random.default_rng(samples)
    text, audio, vision = (50, 50, 50) if aligned else (50, 37, 60)
    bert = np.zeros((samples, 3, text), np.float32)
    bert[:, 1, :12] = 1
    part: Part = {
        "raw_text": np.array(["IT WAS GOOD"] * samples, object),
        "text": rng.normal(size=(samples, text, 768)).astype(np.float32),
        "text_bert": bert,
        "audio": rng.normal(size=(samples, audio, 5)),
        "vision": rng.normal(size=(samples, vision, 20)),
        "id": np.array([f"{name}{row // 2}$_${row}" for row in range(samples)]),
        "annotations": np.array(["Positive"] * samples),
        "regression_labels": np.linspace(-3, 3, samples),
        "classification_labels": np.zeros(samples),
    }
    part["audio"][0, 3, 1] = -np.inf
    part["audio"][:, :2] = 0  # aligned corpora are padded before the first word
    if not aligned:
        part["audio_lengths"] = [30] * samples
        part["vision_lengths"] = np.full(samples, 55)
    return part


def make_content(aligned: bool = True) -> dict[str, Part]:
    sizes = {"train": 8, "valid": 4, "test": 6}
    return {part: make_part(samples, aligned, part) for part, samples in sizes.items()}


def write(folder: Path, content: object, protocol: int = 4) -> Path:
    path = folder / "corpus.pkl"
    path.write_bytes(pickle.dumps(content, protocol))
    return path


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("aligned", [True, False])
def test_the_layout_is_read(tmp_path: Path, aligned: bool, protocol: int) -> None:
    content = make_content(aligned)
    dataset = load_pickle(write(tmp_path, content, protocol), "mosi")
    assert dataset.name == "mosi"
    assert dataset.scale == 3
    assert dataset.sizes == {"text": 768, "audio": 5, "vision": 20}
    assert [len(split) for split in (dataset.train, dataset.valid, dataset.test)] == [8, 4, 6]
    test = dataset.test
    np.testing.assert_allclose(test.labels * 3, content["test"]["regression_labels"], rtol=1e-6)
    assert test.groups.tolist() == ["test0", "test0", "test1", "test1", "test2", "test2"]
    assert all(values.dtype == np.float32 for values in test.features.values())
    assert test.features["audio"][0, 3, 1] == 0
    np.testing.assert_allclose(test.features["audio"][1, 3], content["test"]["audio"][1, 3])
    assert test.masks["text"].sum(axis=1).tolist() == [12] * 6
    assert not test.features["text"][:, 12:].any()
    assert not test.masks["audio"][:, :2].any()
    ends = (50, 50) if aligned else (30, 55)
    for stream, end in zip(("audio", "vision"), ends, strict=True):
        assert test.masks[stream][:, 2:end].all()  # type: ignore[index]
        assert not test.masks[stream][:, end:].any()  # type: ignore[index]


def test_ch_sims_has_a_scale_of_one(tmp_path: Path) -> None:
    content = make_content()
    for part in content.values():
        part["regression_labels"] = np.clip(part["regression_labels"], -1, 0.8)
    assert load_pickle(write(tmp_path, content), "sims").scale == 1


def test_classes_stand_in_for_missing_ratings(tmp_path: Path) -> None:
    content = make_content()
    for part in content.values():
        part["classification_labels"] = np.arange(len(part.pop("regression_labels"))) % 3
    dataset = load_pickle(write(tmp_path, content), "classes")
    assert dataset.test.labels.tolist() == [-1, 0, 1, -1, 0, 1]


def test_single_vectors_are_one_step(tmp_path: Path) -> None:
    content = make_content()
    for part in content.values():
        part["audio"] = part["audio"][:, 3]
    assert load_pickle(write(tmp_path, content), "vectors").test.masks["audio"].shape == (6, 1)


def without(key: str) -> Callable[[Part], object]:
    return lambda part: part.pop(key)


def with_value(key: str, value: object) -> Callable[[Part], object]:
    return lambda part: part.update({key: value})


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without("audio"), "has no 'audio'"),
        (with_value("vision", ["a"] * 6), "'vision' that are not numbers"),
        (with_value("text", np.zeros((5, 50, 768))), r"text of shape \(5, 50, 768\) for 6 labels"),
        (with_value("text", np.ones((6, 50, 300))), "feature sizes .*768.* and .*300"),
        (with_value("regression_labels", np.full(6, 7.0)), "a label of 7; at most 3"),
        (with_value("regression_labels", np.full(6, np.nan)), "labels that are not finite"),
    ],
)
def test_another_layout_is_told(
    tmp_path: Path, spoil: Callable[[Part], object], message: str
) -> None:
    content = make_content()
    spoil(content["test"])
    with pytest.raises(SettingError, match=message) as raised:
        load_pickle(write(tmp_path, content), "mosi")
    assert "\n" not in str(raised.value)


def test_a_split_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="has no 'train'"):
        load_pickle(write(tmp_path, [1, 2]), "mosi")
    with pytest.raises(SettingError, match="No such file"):
        load_pickle(tmp_path / "absent.pkl", "mosi")


def test_nothing_in_it_is_executed(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    content = make_content()
    content["test"]["raw_text"] = np.array([Touch(trace)], object)
    path = write(tmp_path, content)
    with pytest.raises(SettingError, match=r"names posix\.system, which is refused"):
        load_pickle(path, "mosi")
    assert not trace.exists()
    pickle.loads(path.read_bytes())
    assert trace.exists()  # so the pickle was armed


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch '{self.path}'",)
