"""An unfinished training on disk: its weights, its optimiser and how many epochs are done."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

State = dict[str, Tensor]

OPTIMISER = "optimiser"


def keep(
    file: Path, parts: Mapping[str, State], optimiser: torch.optim.Optimizer, epochs: int
) -> None:
    """Replaces what ``file`` held by the named ``parts``, the optimiser's moments, and how many
    ``epochs`` are done; never leaves half of it."""
    moments = {
        f"{number}.{name}": value
        for number, of_weights in optimiser.state_dict()["state"].items()
        for name, value in of_weights.items()
    }
    tensors = {
        f"{part}.{name}": value.detach().contiguous().clone()
        for part, state in {**parts, OPTIMISER: moments}.items()
        for name, value in state.items()
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".unfinished")
    save_file(tensors, unfinished, {"epochs": str(epochs)})
    unfinished.replace(file)


def kept(file: Path, optimiser: torch.optim.Optimizer) -> tuple[Mapping[str, State], int]:
    """The parts and the epochs that ``keep`` wrote to ``file``; ``optimiser`` takes its moments."""
    parts: dict[str, State] = defaultdict(dict)
    with safe_open(file, "pt") as archive:
        epochs = int(archive.metadata()["epochs"])
        for key in archive.keys():  # noqa: SIM118
            part, name = key.split(".", 1)
            parts[part][name] = archive.get_tensor(key)
    moments: dict[int, State] = defaultdict(dict)
    for key, value in parts.pop(OPTIMISER, {}).items():
        number, name = key.split(".")
        moments[int(number)][name] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": dict(moments)})
    return parts, epochs
