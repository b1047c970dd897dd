"""The state of an unfinished training on disk: weights, optimiser and epoch, in safetensors."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from models.features.voice_head import VoiceHead

WARM_UP = 0.15
"""Share of a training in which the learning rate rises."""


@dataclass
class Progressed:
    """What changes while a head is trained."""

    head: VoiceHead
    optimiser: torch.optim.AdamW
    learning_rate: float
    epochs: int

    def set_learning_rate(self, epochs_done: float) -> None:
        """Rises from 4 % of ``learning_rate`` and falls to nothing, both as half a cosine (Smith &
        Topin 2019)."""
        share = epochs_done / self.epochs
        if share < WARM_UP:
            height = 0.04 + 0.96 * (1 - np.cos(np.pi * share / WARM_UP)) / 2
        else:
            height = (1 + np.cos(np.pi * (share - WARM_UP) / (1 - WARM_UP))) / 2
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate * float(height)


def store(file: Path | None, state: Progressed, epochs_done: int) -> None:
    """Replaces what ``file`` held; None keeps nothing."""
    if file is None:
        return
    tensors = {f"head.{name}": weights for name, weights in state.head.state_dict().items()}
    for number, moments in state.optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{number}.{name}": value for name, value in moments.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".unfinished")
    save_file(tensors, unfinished, {"epochs": str(epochs_done)})
    unfinished.replace(file)


def restore(file: Path | None, state: Progressed) -> int:
    """Sets ``state`` to what ``file`` holds. Returns the epochs it has done, 0 without a file."""
    if file is None or not file.exists():
        return 0
    with safe_open(file, "pt") as archive:
        tensors = {name: archive.get_tensor(name) for name in archive.keys()}  # noqa: SIM118
        epochs = int(archive.metadata()["epochs"])
    state.head.load_state_dict(
        {name[5:]: value for name, value in tensors.items() if name.startswith("head.")}
    )
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimiser."):
            _, number, moment = name.split(".")
            moments.setdefault(int(number), {})[moment] = value
    current = state.optimiser.state_dict()
    state.optimiser.load_state_dict({**current, "state": moments})
    return epochs
