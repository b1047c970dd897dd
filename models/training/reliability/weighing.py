"""How the fusion learns to go by the published reliability: on takes damaged in the raw signal.

The network is first trained with noise on features, where only its own r falls. Here it meets what
a session meets: real damage, and the published value by which a stream's answer is weighed.
Encoders and variances stay as they are, and so does every stream's reliability.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from models.qamoe import Encoded, Prediction, QAMoE
from models.reliability import combine
from models.training.extraction import Rows
from models.training.losses import task_loss
from models.training.pairing import padded, targets
from models.training.reliability.stage import fully
from models.training.reliability.takes import Takes
from models.training.settings import Parts, WeighingSettings
from models.training.spectrum import Batch
from streamer.packets import STREAMS, Flags, Stream

EXPONENTS_RATE = 0.05
"""Learning rate of the three exponents, which start at the logarithm of 1."""

VALIDATION_SEED = 72
ENCODED = 250
"""Takes that are encoded at a time."""


@dataclass(frozen=True)
class Material:
    """The takes of each stream as a network encodes them, and their ``published`` reliability
    (n,)."""

    takes: Mapping[Stream, Takes]
    encoded: Mapping[Stream, Encoded]
    published: Mapping[Stream, Tensor]

    @staticmethod
    @torch.no_grad()
    def of(takes: Mapping[Stream, Takes], network: QAMoE) -> "Material":
        encoded, published = {}, {}
        for stream, of_stream in takes.items():
            evidence = of_stream.evidence(stream)
            one = _encoded(network, stream, of_stream)
            # Like the estimator: a stream whose evidence is 0 takes no part.
            there = one.present & torch.tensor([found.score > 0 for found in evidence])
            encoded[stream] = Encoded(one.mean, one.variance, there)
            alone = network.fuse({stream: encoded[stream]}, len(of_stream))
            own = alone.reliability[stream].tolist()
            values = [combine(stream, r, found) for r, found in zip(own, evidence, strict=True)]
            published[stream] = torch.tensor(values)
        return Material(takes, encoded, published)


@dataclass(frozen=True)
class Pairs:
    """Takes of one class, by stream (n,); which streams are ``there`` (n, streams); the class
    ``labels`` (n,), the streams' ``values`` (n, streams) and the ``targets`` (n,)."""

    rows: Mapping[Stream, Rows]
    there: Tensor
    labels: Tensor
    values: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, size: int) -> Iterator["Pairs"]:
        """In order, ``size`` at a time."""
        for start in range(0, len(self), size):
            part = slice(start, start + size)
            rows = {stream: of_stream[part] for stream, of_stream in self.rows.items()}
            yield Pairs(
                rows, self.there[part], self.labels[part], self.values[part], self.targets[part]
            )


def answer(network: QAMoE, material: Material, pairs: Pairs, *, weighed: bool) -> Prediction:
    """The network's for ``pairs``: ``weighed`` by the published reliability, or as if every stream
    that is there were reliable."""
    encoded: dict[Stream, Encoded] = {}
    published: dict[Stream, Tensor] = {}
    for place, stream in enumerate(STREAMS):
        rows = torch.from_numpy(pairs.rows[stream])
        whole = material.encoded[stream]
        present = whole.present[rows] & pairs.there[:, place]
        encoded[stream] = Encoded(whole.mean[rows], whole.variance[rows], present)
        published[stream] = torch.where(present, material.published[stream][rows], 0)
    trust = (lambda stream, _: published[stream]) if weighed else fully
    return network.fuse(encoded, len(pairs), trust=trust)


def weigh(
    network: QAMoE,
    train: Material,
    valid: Material,
    settings: WeighingSettings,
    parts: Parts,
    seed: int,
    *,
    weighed: bool = True,
) -> QAMoE:
    """A copy of ``network`` in which these ``parts`` were trained further, as it is after the epoch
    with the least error on damaged pairs of ``valid``; the same seed gives the same network. If not
    ``weighed`` it takes every stream at its word in training, too."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        network = copy.deepcopy(network).requires_grad_(False)
        groups = _groups(network, parts, settings)
        optimiser = torch.optim.AdamW(
            [{"params": weights, **options} for weights, options in groups],
            weight_decay=settings.weight_decay,
        )
        trained = [parameter for weights, _ in groups for parameter in weights]
        found: list[tuple[float, dict[str, Tensor]]] = []
        for _ in range(settings.epochs):
            # With dropout, which is part of the fusion, the exponents alone would only be noisier.
            network.train(parts != "curve")
            pairs = drawn(train.takes, settings.pairs, rng, settings.damaged, settings.missing)
            for batch in pairs.batches(settings.batch):
                prediction = answer(network, train, batch, weighed=weighed)
                loss = task_loss(
                    prediction, Batch({}, {}, batch.values, batch.targets, batch.labels)
                )
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(trained, 1.0)
                optimiser.step()
            network.train(False)
            error = errors(network, valid, settings.validation_pairs, weighed=weighed)["damaged"]
            found.append((error, copy.deepcopy(network.state_dict())))
        network.load_state_dict(min(found, key=lambda one: one[0])[1])
        return network.requires_grad_(False)


def drawn(
    takes: Mapping[Stream, Takes],
    count: int,
    rng: np.random.Generator,
    damaged: float,
    missing: float,
) -> Pairs:
    """``count`` pairs, the classes equally often; of each stream a damaged take with probability
    ``damaged``, none with probability ``missing``."""
    labels = rng.integers(0, 3, count)
    rows = {
        stream: _rows(of_stream, labels, rng.random(count) < damaged, rng)
        for stream, of_stream in takes.items()
    }
    return _pairs(takes, rows, labels, rng.random((count, len(STREAMS))) >= missing)


@torch.no_grad()
def errors(network: QAMoE, material: Material, count: int, *, weighed: bool) -> dict[str, float]:
    """Mean absolute error of ``count`` pairs, the same for every network: ``undamaged``; with one
    stream ``damaged``, each kind of damage weighing the same; and of each stream's kinds alone."""
    rng = np.random.default_rng(VALIDATION_SEED)
    labels = rng.integers(0, 3, count)
    clean = {
        stream: _rows(takes, labels, np.zeros(count, np.bool_), rng)
        for stream, takes in material.takes.items()
    }

    def off(rows: Mapping[Stream, Rows]) -> Tensor:
        pairs = _pairs(material.takes, rows, labels, np.ones((count, len(STREAMS)), np.bool_))
        value = answer(network, material, pairs, weighed=weighed).value
        return (value - pairs.targets).abs()

    found = {"undamaged": float(off(clean).mean())}
    every: list[float] = []
    for stream, takes in material.takes.items():
        hit = _damaged_takes(takes, clean[stream], rng)
        error = off({**clean, stream: hit}).numpy()
        kinds = takes.kinds[hit]
        of_kinds = [float(error[kinds == kind].mean()) for kind in np.unique(kinds)]
        found[stream] = float(np.mean(of_kinds))
        every += of_kinds
    return {**found, "damaged": float(np.mean(every))}


def _rows(takes: Takes, labels: Rows, damaged: Flags, rng: np.random.Generator) -> Rows:
    """A take of each of ``labels`` (n,), ``damaged`` (n,) or not."""
    rows = np.zeros(len(labels), np.int64)
    for label in range(3):
        for here in (False, True):
            wanted = np.flatnonzero((labels == label) & (damaged == here))
            of = np.flatnonzero((takes.labels == label) & (takes.damaged == here))
            rows[wanted] = rng.choice(of, len(wanted))
    return rows


def _damaged_takes(takes: Takes, rows: Rows, rng: np.random.Generator) -> Rows:
    """A damaged take of the clip of each of ``rows``."""
    of_clip: dict[int, list[int]] = {}
    for row in np.flatnonzero(takes.damaged):
        of_clip.setdefault(int(takes.clips[row]), []).append(int(row))
    return np.array([rng.choice(of_clip[int(takes.clips[row])]) for row in rows], np.int64)


def _pairs(
    takes: Mapping[Stream, Takes], rows: Mapping[Stream, Rows], labels: Rows, there: Flags
) -> Pairs:
    values = torch.from_numpy(np.stack([takes[m].values[rows[m]] for m in STREAMS], axis=1))
    shown = torch.from_numpy(there)
    # What is damaged still has the label that it had: it is what the answer should be.
    return Pairs(rows, shown, torch.from_numpy(labels), values, targets(values, shown))


def _encoded(network: QAMoE, stream: Stream, takes: Takes) -> Encoded:
    parts = []
    for start in range(0, len(takes), ENCODED):
        rows = range(start, min(len(takes), start + ENCODED))
        sequences = padded([takes.table[row] for row in rows])
        encoded = network.encode(stream, sequences.features, sequences.mask)
        parts.append((*encoded, sequences.mask.any(dim=1)))
    return Encoded(*(torch.cat(part) for part in zip(*parts, strict=True)))


def _groups(
    network: QAMoE, parts: Parts, settings: WeighingSettings
) -> list[tuple[list[nn.Parameter], dict[str, float]]]:
    """What is trained, now with gradients, and the options of its optimiser."""
    fusion = (network.gate, network.experts, network.fusion, network.to_value, network.to_classes)
    curve = list(network.trust_exponents.values())
    weights = [network.prior, *(weights for part in fusion for weights in part.parameters())]
    groups: list[tuple[list[nn.Parameter], dict[str, float]]] = []
    if parts != "fusion":
        groups.append((curve, {"lr": EXPONENTS_RATE, "weight_decay": 0.0}))
    if parts != "curve":
        groups.append((weights, {"lr": settings.learning_rate}))
    for trained, _ in groups:
        for parameter in trained:
            parameter.requires_grad_(True)
    return groups
