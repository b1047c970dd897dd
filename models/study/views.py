"""The degraded views that all models of the study are trained and selected on."""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.study.data import Dataset, Split
from models.study.protocols import Condition, Corrupted, corrupt, deviations
from models.training.pairing import Sequences
from models.training.spectrum import Batch
from streamer.packets import Floats, Stream

VALIDATION_LEVELS = (0.0, 0.35, 0.7)
"""lambda and eta of the landscape that models are selected on."""

VALIDATION_SEED = 71


def training_views(
    dataset: Dataset, batch: int, seed: int, specialise: Condition | None = None
) -> Iterator[tuple[Split, Corrupted]]:
    """Batches of the training split without end, clean and degraded, in an order from ``seed``.

    Each batch has a lambda of its own for each stream and one eta, all from U(0, 1). The paper
    draws one lambda for all streams, but then nothing tells which stream is the bad one.
    """
    rng = np.random.default_rng(seed)
    deviation = deviations(dataset.train)
    while True:
        order = rng.permutation(len(dataset.train))
        for start in range(0, len(order), batch):
            clean = dataset.train[order[start : start + batch]]
            condition = specialise or drawn_condition(dataset.streams, rng)
            yield clean, corrupt(clean, condition, deviation, int(rng.integers(2**31)))


def drawn_condition(streams: tuple[Stream, ...], rng: np.random.Generator) -> Condition:
    """A point of the spectrum, from U(0, 1)."""
    noise = {stream: float(rng.random()) for stream in streams}
    return Condition("training", "drawn", noise, streams, missing=float(rng.random()))


def validation_views(dataset: Dataset, specialise: Condition | None = None) -> list[Corrupted]:
    """The validation split under the same conditions for every model and seed."""
    landscape = [
        Condition("validation", f"{noise:g}/{missing:g}", dict.fromkeys(streams, noise), streams,
                  missing)
        for streams in [dataset.streams]
        for noise in VALIDATION_LEVELS
        for missing in VALIDATION_LEVELS
    ]  # fmt: skip
    deviation = deviations(dataset.train)
    chosen = [specialise] if specialise else landscape
    return [corrupt(dataset.valid, each, deviation, VALIDATION_SEED) for each in chosen]


def clean_inputs(split: Split) -> dict[Stream, Tensor]:
    """All steps (n, size) of each stream that hold something."""
    return {m: torch.from_numpy(x[split.masks[m]]) for m, x in split.features.items()}


def sequences(split: Split, device: torch.device) -> dict[Stream, Sequences]:
    """The split's features and masks as tensors on ``device``."""
    return {
        stream: Sequences(
            torch.from_numpy(values).to(device), torch.from_numpy(split.masks[stream]).to(device)
        )
        for stream, values in split.features.items()
    }


def as_batch(clean: Split, corrupted: Corrupted, device: torch.device) -> Batch:
    """What the losses take; the target of a degraded view is that of the clean one."""
    targets = torch.from_numpy(clean.labels).to(device)
    labels = torch.from_numpy(classes(clean.labels)).to(device)
    seen = sequences(corrupted.split, device)
    return Batch(sequences(clean, device), seen, targets[:, None], targets, labels)


def classes(labels: Floats) -> npt.NDArray[np.int64]:
    """0 negative, 1 neutral, 2 positive: ``labels`` in [-1, 1] as rounded on the scale -3..3."""
    return 1 + np.sign(np.trunc(3 * labels + np.copysign(0.5, labels))).astype(np.int64)


def known_quality(corrupted: Corrupted, device: torch.device) -> Mapping[Stream, Tensor]:
    """1 / (1 + lambda^2), the reliability that noise of variance lambda^2 has; 0 where absent."""
    return {
        stream: torch.from_numpy(corrupted.present[stream] / (1 + severity**2)).float().to(device)
        for stream, severity in corrupted.severity.items()
    }
