"""`qamoe-stream train` from the corpora to a checkpoint, on a little of each."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from models import checkpoint
from models.features.definition import definition_hash
from models.training.reweigh import reweigh
from models.training.run import train
from models.training.tables import ModelFiles
from streamer.assets import Assets

ACTORS = ("01", "02", "03", "04", "05", "06", "17", "18", "21", "22")
NEMO, EMODB = ("EB0", "MK0", "IC0", "KD0"), ("12", "15", "03", "08")

SETTINGS = {
    "words": {
        "seeds": [1, 2], "epochs": 1, "batch": 16, "learning_rate": 1e-4, "layer_decay": 0.9,
        "weight_decay": 0.01, "dropout": 0.1, "warm_up": 0.1, "averaging": 0.9, "corrupted": 0.5,
        "highest_error_rate": 0.3, "steps_weight": 0.3, "classes_weight": 0.3,
    },
    "voice": {"seeds": [0], "epochs": 1, "draws": 60},
    "face": {"stages": [{"side": 32, "epochs": 1}], "batch": 16},
    "seeds": [1],
    "variance_paths": ["input"],
    "top_ks": [1, 2],
    "network": {"width": 8, "experts": 2, "dropout": 0.1},
    "fit": {
        "epochs": 1, "pairs": 48, "batch": 24, "learning_rate": 0.002, "weight_decay": 0.01,
        "noise": "per_stream", "raw_damage": 0.3, "validation_pairs": 30,
    },
    "weighing": {
        "train": {"clips": {"text": 12, "audio": 12, "vision": 15}, "damages": 1},
        "validation": {"clips": {"text": 12, "audio": 9, "vision": 15}, "damages": 1},
        "parts": ["curve"], "worth": 0.02, "epochs": 1, "pairs": 48, "batch": 24,
        "learning_rate": 1e-4, "weight_decay": 0.01, "damaged": 0.35, "missing": 0.1,
        "validation_pairs": 60,
    },
    "test_pairs": 60,
}  # fmt: skip


def a_little_of(source: Path, target: Path) -> Path:
    """A data folder with some examples of every corpus, split and class."""
    _first_rows(source, target, "text/mosei.csv", "mode", 24)
    for part in ("train", "dev", "test"):
        _first_rows(source, target, f"text/meld/{part}_sent_emo.csv", "Sentiment", 6)
    _some_arrays(source, target, "benchmarks/mosi.npz", slice(0, 40))
    with np.load(source / "faces" / "fer2013.npz", allow_pickle=False) as archive:
        groups = [
            f"{split} {label}" for split, label in zip(archive["split"], archive["y"], strict=True)
        ]
    _some_arrays(source, target, "faces/fer2013.npz", _first_of_each(groups, 8))
    speech = [
        *(f"ravdess/03-01-{emotion}-01-01-01-{actor}.opus" for actor in ACTORS
          for emotion in ("01", "03", "05")),
        *(path for who in NEMO for emotion in ("neutral", "happiness", "anger")
          for path in _found(source / "speech", f"nemo/{who}_{emotion}_*.opus")),
        *(path for who in EMODB for emotion in "NFW"
          for path in _found(source / "speech", f"emodb/{who}*{emotion}?.opus")),
    ]  # fmt: skip
    clips = ("clips/jfk.flac", "clips/grid_bbaf2n.mpg")
    noises = [f"noise/{name}" for name in _found(source / "noise", "esc10/*.opus", 3)]
    for name in (*(f"speech/{name}" for name in speech), *noises, *clips):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).symlink_to((source / name).resolve())
    return target


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.long
def test_everything_is_trained_from_the_data_and_only_once(
    assets: Assets, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    data, out = a_little_of(data_folder, tmp_path / "data"), tmp_path / "out"
    config = tmp_path / "little.yaml"
    config.write_text(yaml.safe_dump(SETTINGS))
    models = ModelFiles(
        assets.path("minilm-l6"),
        assets.path("whisper-tiny.en"),
        assets.file("face-landmarker", "face_landmarker.task"),
        tmp_path / "nothing is tuned yet",
    )
    train(config, data, out, models)
    network = checkpoint.load(out)
    results = json.loads((out / "results.json").read_text())
    assert results["shipped"]["top_k"] == network.config.top_k
    assert set(results["variants"]) == {"input-top-1", "input-top-2"}
    weighing = results["weighing"]
    for stream, exponent in weighing["variants"]["curve"][0]["exponents"].items():
        assert exponent != 1
        assert network.trust_exponents[stream].exp().item() == pytest.approx(exponent, 1e-3)
    checkpoint.load(out / "runs" / "control", features=definition_hash(out))
    assert set(results["clips"]) == {"jfk.flac", "grid_bbaf2n.mpg"}
    card = (out / "README.md").read_text()
    assert "| words: MOSI, all of it, never trained on | Pearson |" in card

    made = {file: file.stat().st_mtime_ns for file in (tmp_path / "cache").rglob("*.npz")}
    made |= {file: file.stat().st_mtime_ns for file in (out / "runs").rglob("takes-*/*.npz")}
    assert len(made) > 12
    trained = {
        file: file.stat().st_mtime_ns for file in (out / "runs").rglob("input-*/model.safetensors")
    }
    assert len(trained) == 2
    train(config, data, out, models)
    assert json.loads((out / "results.json").read_text()) == results
    assert {file: file.stat().st_mtime_ns for file in made} == made
    assert {file: file.stat().st_mtime_ns for file in trained} == trained

    shipped = {file: file.read_bytes() for file in out.iterdir() if file.is_file()}
    reweigh(config, data, out / "runs", out)
    assert {file: file.read_bytes() for file in shipped} == shipped


def _first_rows(source: Path, target: Path, name: str, column: str, count: int) -> None:
    with (source / name).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    kept = [rows[i] for i in _first_of_each([row[column] for row in rows], count)]
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    with (target / name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(kept)


def _some_arrays(source: Path, target: Path, name: str, rows: slice | list[int]) -> None:
    with np.load(source / name, allow_pickle=False) as archive:
        count = max(len(archive[key]) for key in archive)
        arrays = {
            key: archive[key][rows] if len(archive[key]) == count else archive[key]
            for key in archive
        }
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    np.savez(target / name, **arrays)


def _first_of_each(groups: list[str], count: int) -> list[int]:
    return sorted(
        i for group in set(groups) for i in [j for j, g in enumerate(groups) if g == group][:count]
    )


def _found(folder: Path, pattern: str, count: int = 1) -> list[str]:
    return [str(path.relative_to(folder)) for path in sorted(folder.glob(pattern))[:count]]
