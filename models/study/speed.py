"""How long a forward pass takes, with one thread and untrained weights."""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.study.data import Dataset, Split
from models.study.variants import build
from streamer.packets import Stream

BATCH = 64
WARM_UP = 3

Inputs = tuple[dict[Stream, Tensor], dict[Stream, Tensor], dict[Stream, Tensor]]
"""Features, masks and known quality."""


def speed(
    models: Sequence[str],
    dataset: Dataset,
    width: int,
    repeats: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Any]:
    """Milliseconds for one window, and windows per second at BATCH, of each model; medians."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    one, many = (_inputs(dataset.test, count) for count in (1, BATCH))
    found = {}
    for name in models:
        network = build(name, dataset.sizes, width).eval()
        found[name] = {
            "window_ms": 1000 * _seconds(network, one, repeats, clock),
            "windows_per_second": BATCH / _seconds(network, many, repeats, clock),
            "parameters": sum(p.numel() for p in network.parameters()),
        }
    return {"dataset": dataset.name, "repeats": repeats, "batch": BATCH, "models": found}


def _inputs(split: Split, count: int) -> Inputs:
    """The first ``count`` samples, from the beginning again where there are fewer."""
    rows = np.arange(count) % len(split)
    features = {m: torch.from_numpy(values[rows]) for m, values in split.features.items()}
    masks = {m: torch.from_numpy(values[rows]) for m, values in split.masks.items()}
    return features, masks, {m: mask.any(dim=1).float() for m, mask in masks.items()}


def _seconds(
    network: torch.nn.Module, inputs: Inputs, repeats: int, clock: Callable[[], float]
) -> float:
    features, masks, known = inputs
    passes = []
    with torch.inference_mode():
        for _ in range(WARM_UP + repeats):
            start = clock()
            network(features, masks, known=known)
            passes.append(clock() - start)
    return median(passes[WARM_UP:])
