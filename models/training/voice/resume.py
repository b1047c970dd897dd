"""The state of an unfinished training on disk: weights, optimiser and epoch, in safetensors."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from models.features.voice_head import VoiceHead
from models.training.resume import keep, kept

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
    if file is not None:
        keep(file, {"head": state.head.state_dict()}, state.optimiser, epochs_done)


def restore(file: Path | None, state: Progressed) -> int:
    """Sets ``state`` to what ``file`` holds. Returns the epochs it has done, 0 without a file."""
    if file is None or not file.exists():
        return 0
    parts, epochs = kept(file, state.optimiser)
    state.head.load_state_dict(parts["head"])
    return epochs
