"""Checkpoints: a folder with config.json and all weights that were trained for it, the fusion's in
model.safetensors, those of the features beside it. Nothing is unpickled."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from models.checkpoint_files import CONFIG, FUSION
from models.features.definition import definition_hash
from models.qamoe import QAMoE, QAMoEConfig
from streamer.errors import AssetError

FORMAT = 1


def save(folder: Path, model: QAMoE, features: str, notes: dict[str, Any]) -> None:
    """Writes ``model``, the hash of the feature definition it was trained on, and ``notes`` (what
    JSON can hold) into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "format": FORMAT,
        "features": features,
        "network": dataclasses.asdict(model.config),
        "notes": notes,
    }
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / FUSION)
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n")


def notes(folder: Path) -> Any:
    """What was noted when the checkpoint in ``folder`` was saved. Raises OSError, ValueError or
    KeyError where there is none."""
    return json.loads((folder / CONFIG).read_text())["notes"]


def load(folder: Path, device: torch.device | str = "cpu", features: str | None = None) -> QAMoE:
    """The network in ``folder``, ready for inference on ``device``.

    Raises AssetError where a file is missing or broken, or where the network was trained on
    features other than ``features`` (None: those that this version computes with the weights in
    ``folder``).
    """
    try:
        config = json.loads((folder / CONFIG).read_text())
        if config["format"] != FORMAT:
            raise ValueError(f"format {config['format']}, this version reads {FORMAT}")
        trained_on, expected = str(config["features"]), features or definition_hash(folder)
        if trained_on != expected:
            raise ValueError(
                f"trained on features {trained_on[:12]}, this version computes {expected[:12]}"
            )
        model = QAMoE(QAMoEConfig(**config["network"]))
        model.load_state_dict(load_file(folder / FUSION))
    except Exception as error:  # the file may be broken in any way
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        if isinstance(error, KeyError):
            reason = f"{CONFIG} lacks {reason}"
        raise AssetError(f"checkpoint {folder}: {reason}") from None
    model.requires_grad_(False)
    model.train(False)
    return model.to(device)
