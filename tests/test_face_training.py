"""Training of the expression network: crops, damage, augmentation, resuming, figures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from models.features.crop import CROP_SIDE
from models.features.expression import EXPRESSION_SIZE, EXPRESSIONS
from models.training.face import crops as face_crops_module
from models.training.face.augment import augmented
from models.training.face.crops import CENTRE, MARGIN, FacePictures, cache_folder, face_crops
from models.training.face.damage import COVER_SHARE, MEDIUM_DAMAGE
from models.training.face.joint import SIGNS, JointHead, sign_shares, signs_of
from models.training.face.settings import FaceSettings, Stage
from models.training.face.train import fit_expression
from models.training.views import FACE_SIDE
from streamer.assets import Assets
from streamer.errors import SettingError, SourceError
from streamer.setting_files import checked

SETTINGS = FaceSettings(
    stages=(Stage(side=16, epochs=2), Stage(side=24, epochs=2)),
    batch=20,
    learning_rate=0.02,
    warm_up=1,
    horizon=4,
    cool_down=1,
    average=0.9,
)


def pictures(count: int, seed: int) -> FacePictures:
    """Seven kinds of stripes, the class of which is their direction."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 7, count)
    side = CROP_SIDE + 2 * MARGIN
    y, x = np.mgrid[:side, :side]
    angles = (labels * np.pi / 14)[:, None, None]
    waves = np.sin((x * np.cos(angles) + y * np.sin(angles)) / 3 + rng.random((count, 1, 1)))
    crops = np.clip(128 + 90 * waves + rng.normal(0, 10, waves.shape), 0, 255).astype(np.uint8)
    features = rng.random((count, 55)).astype(np.float32)
    return FacePictures(crops, features, np.ones(count, np.bool_), labels)


def test_crops_are_changed_and_yet_the_same() -> None:
    crops = pictures(40, 3).crops
    first = augmented(crops, 32, np.random.default_rng(3))
    again = augmented(crops, 32, np.random.default_rng(3))
    assert first.shape == (40, 32, 32)
    assert first.dtype == np.uint8
    assert (first == again).all()
    assert (first != augmented(crops, 32, np.random.default_rng(4))).any()


@pytest.mark.parametrize("kind", sorted(MEDIUM_DAMAGE))
def test_damage_does_what_its_name_says(kind: str) -> None:
    rng = np.random.default_rng(4)
    grain = rng.integers(60, 200, (320, 320, 3), np.uint8)
    damaged = MEDIUM_DAMAGE[kind](grain, rng)
    assert damaged.shape == grain.shape
    if kind == "cover":
        hidden = (damaged != grain).any(axis=2).mean() * (320 / FACE_SIDE) ** 2
        assert hidden == pytest.approx(COVER_SHARE, abs=0.02)
    elif kind == "dark":
        assert damaged.mean() == pytest.approx(grain.mean() / 2, abs=2)
    else:
        assert damaged.std() < grain.std()


@pytest.mark.slow
@pytest.mark.parallel
def test_an_interrupted_training_goes_on_where_it_stopped(tmp_path: Path) -> None:
    train, valid = pictures(100, 5), pictures(50, 6)
    told: list[str] = []
    whole = fit_expression(SETTINGS, train, valid, tmp_path / "whole.safetensors", told.append)
    assert len(told) == 4

    def stop(message: str) -> None:
        if message.startswith("epoch 2"):
            raise KeyboardInterrupt

    out = tmp_path / "parts.safetensors"
    with pytest.raises(KeyboardInterrupt):
        fit_expression(SETTINGS, train, valid, out, stop)
    assert not out.exists()
    told.clear()
    parts = fit_expression(SETTINGS, train, valid, out, told.append)
    assert [message[:7] for message in told] == ["epoch 3", "epoch 4"]
    wanted, got = load_file(whole), load_file(parts)
    assert all(torch.equal(values, got[name]) for name, values in wanted.items())


@pytest.mark.slow
@pytest.mark.parallel
def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path) -> None:
    train = pictures(40, 5)
    out = tmp_path / "face.safetensors"
    fit_expression(SETTINGS, train, train, out)
    with pytest.raises(SettingError, match="other settings"):
        fit_expression(SETTINGS.model_copy(update={"seed": 9}), train, train, out)


@pytest.mark.slow
@pytest.mark.parallel
def test_training_learns(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"stages": (Stage(side=48, epochs=8),)})
    told: list[str] = []
    fit_expression(
        settings, pictures(600, 7), pictures(200, 8), tmp_path / "w.safetensors", told.append
    )
    assert float(told[-1].split("accuracy ")[1].split()[0]) > 0.5  # chance: 0.14


def test_settings_are_checked() -> None:
    with pytest.raises(SettingError, match=r"stages\.0\.side = 50"):
        checked(FaceSettings, {"stages": [{"side": 50, "epochs": 1}]})


def test_every_expression_but_surprise_has_a_sign() -> None:
    assert dict(zip(EXPRESSIONS, SIGNS, strict=True)) == {
        "anger": 0, "disgust": 0, "fear": 0, "happiness": 2, "neutral": 1, "sadness": 0,
        "surprise": -1,
    }  # fmt: skip
    said = np.array([[0.3, 0, 0, 0.3, 0.35, 0, 0.05]])
    assert signs_of(said, np.array([0.2, 0.6, 0.2])) in (0, 2)
    assert signs_of(said, np.array([0.6, 0.2, 0.2])) == 1
    assert sign_shares(np.array([0, 1, 4, 3, 6])) == pytest.approx([0.5, 0.25, 0.25])


def test_the_joint_head_uses_all_that_it_is_given() -> None:
    rng = np.random.default_rng(9)
    train = pictures(700, 9)
    embedding = rng.normal(size=(700, EXPRESSION_SIZE)).astype(np.float32)
    embedding[:, 0] += 4 * (train.labels == 3)
    train.features[:, 0] += 2 * (train.labels == 5)
    head = JointHead.fit(train, embedding)
    named = head.probabilities(train, embedding).argmax(axis=1)
    for label in (3, 5):
        assert np.mean(named[train.labels == label] == label) > 0.7


def test_crops_are_computed_once(
    assets: Assets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = assets.file("face-landmarker", "face_landmarker.task")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "data" / "faces"
    folder.mkdir(parents=True)
    gray = np.random.default_rng(1).integers(0, 256, (3, 48, 48), np.uint8)
    split = np.array(["Training", "PublicTest", "PrivateTest"])
    np.savez(folder / "fer2013.npz", x=gray, y=np.array([1, 2, 3], np.int8), split=split)
    first = face_crops(tmp_path / "data", task, "valid")
    assert first.crops.shape == (1, CROP_SIDE + 2 * MARGIN, CROP_SIDE + 2 * MARGIN)
    assert first.labels.tolist() == [2]
    assert not first.found[0]
    # Noise is no face: the crop is the whole picture.
    alike = np.corrcoef(first.crops[0][CENTRE].ravel(), gray[1].ravel())[0, 1]
    assert alike > 0.8
    stored = next(cache_folder(task).glob("valid-clean-*.npz"))
    monkeypatch.setattr(face_crops_module, "FaceTracker", None)
    again = face_crops(tmp_path / "data", task, "valid")
    assert (again.crops == first.crops).all()
    stored.unlink()
    with pytest.raises(TypeError):
        face_crops(tmp_path / "data", task, "valid")


def test_missing_data_is_one_line(assets: Assets, tmp_path: Path) -> None:
    task = assets.file("face-landmarker", "face_landmarker.task")
    with pytest.raises(SourceError, match="no such file"):
        face_crops(tmp_path, task, "train")


def test_a_joint_answer_knows_whether_a_face_was_found() -> None:
    train = pictures(300, 12)
    hidden = replace(train, found=np.zeros(300, np.bool_))
    embedding = np.zeros((300, EXPRESSION_SIZE), np.float32)
    head = JointHead.fit(replace(train, found=train.labels < 3), embedding)
    named = head.probabilities(hidden, embedding).argmax(axis=1)
    assert np.mean(named >= 3) > 0.95
