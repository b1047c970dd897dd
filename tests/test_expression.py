"""The expression network as it ships."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models.checkpoint_files import SHIPPED, TUNED
from models.features.crop import CROP_SIDE
from models.features.expression import (
    EXPRESSION_SIZE,
    EXPRESSIONS,
    Expression,
    ExpressionNet,
    standardised,
)
from models.training.face.crops import CENTRE, face_crops
from streamer.assets import Assets
from streamer.errors import AssetError
from streamer.packets import Image

FACE = SHIPPED / TUNED["vision"]


@pytest.fixture(scope="module")
def expression() -> Expression:
    return Expression.load(FACE)


@pytest.fixture(scope="module")
def crops() -> Image:
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (5, CROP_SIDE, CROP_SIDE), np.uint8)


def test_each_crop_has_its_embedding_and_logits(expression: Expression, crops: Image) -> None:
    embedding = expression.embed(crops)
    assert embedding.shape == (len(crops), EXPRESSION_SIZE)
    assert embedding.dtype == np.float32
    assert expression.classified(embedding).shape == (len(crops), len(EXPRESSIONS))
    one = np.concatenate([expression.embed(crop[None]) for crop in crops])
    assert one == pytest.approx(embedding, abs=1e-3)
    assert expression.embed(crops[:0]).shape == (0, EXPRESSION_SIZE)


def test_light_and_contrast_do_not_count(expression: Expression, crops: Image) -> None:
    dim = (crops // 4 * 2 + 20).astype(np.uint8)
    bright = (crops // 4 * 3 + 60).astype(np.uint8)
    assert expression.embed(dim) == pytest.approx(expression.embed(bright), abs=1e-3)


def test_a_flat_crop_is_no_division_by_zero() -> None:
    flat = standardised(np.full((1, CROP_SIDE, CROP_SIDE), 7, np.uint8))
    assert (flat == 0).all()


def test_fused_network_gives_the_same_numbers(crops: Image) -> None:
    torch.manual_seed(2)
    net = ExpressionNet().train(True)
    for _ in range(3):
        net(torch.randn(8, 1, CROP_SIDE, CROP_SIDE))
    with torch.inference_mode():
        seen = standardised(crops)
        wanted = sum(net.train(False)(view)[0] for view in (seen, seen.flip(3))) / 2
    assert Expression(net).embed(crops) == pytest.approx(wanted.numpy(), abs=1e-4)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="missing"):
        Expression.load(tmp_path / "missing.safetensors")
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(FACE.read_bytes()[:1000])
    with pytest.raises(AssetError, match="damaged"):
        Expression.load(damaged)


@pytest.mark.slow
@pytest.mark.parallel
def test_expressions_of_unseen_people_are_named(
    expression: Expression,
    assets: Assets,
    data_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From the picture on, as the camera computes it: chance is a seventh."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with np.load(data_folder / "faces" / "fer2013.npz", allow_pickle=False) as archive:
        some = np.flatnonzero(archive["split"] == "PublicTest")[::12]
        few = {name: archive[name][some] for name in ("x", "y", "split")}
    (tmp_path / "faces").mkdir()
    np.savez(tmp_path / "faces" / "fer2013.npz", **few)
    task = assets.file("face-landmarker", "face_landmarker.task")
    valid = face_crops(tmp_path, task, "valid")
    logits = expression.classified(expression.embed(valid.crops[CENTRE]))
    assert np.mean(logits.argmax(axis=1) == valid.labels) > 0.5
