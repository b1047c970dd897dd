"""Late fusion: each stream answers alone, and the answers are averaged, with or without weights.

Weights after QMF (Zhang et al., ICML 2023) and PDF (Cao et al., ICML 2024). Both are made for
classification; the value follows the same weights as the classes, and since a value has no scale
to spare, as logits have, the weights sum to 1 over the streams that are present.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.qamoe import CLASSES, Prediction
from models.study.controls.base import Answer, Control, Head
from models.training.losses import task_loss
from models.training.spectrum import Batch
from streamer.packets import Stream


@dataclass(frozen=True)
class LatePrediction(Prediction):
    """``alone`` (B, streams, ...) is each stream's own answer, ``confidence`` (B, streams) the
    figure that its weight comes from, with gradient, and ``present`` (B, streams)."""

    alone: Answer
    confidence: Tensor
    present: Tensor


class LateFusion(Control):
    """Mean of the answers of the streams that are present; a learned one where none is."""

    def __init__(self, sizes: Mapping[Stream, int], width: int, dropout: float = 0.1) -> None:
        super().__init__(sizes, width, dropout)
        self.heads = nn.ModuleDict({m: Head(width, width, dropout) for m in sizes})
        self.prior = nn.Parameter(torch.zeros(2 + len(CLASSES)))

    def forward(
        self,
        features: Mapping[Stream, Tensor],
        masks: Mapping[Stream, Tensor],
        *,
        known: Mapping[Stream, Tensor] | None = None,  # noqa: ARG002
    ) -> LatePrediction:
        encoded, present = self.encode(features, masks)
        answers = [self.heads[m](encoded[:, i]) for i, m in enumerate(self.streams)]
        alone = Answer(*(torch.stack(parts, dim=1) for parts in zip(*answers, strict=True)))
        confidence = self.confidence(encoded, alone)
        weights = self.weights(confidence.detach(), alone, present) * present
        weights = weights / weights.sum(dim=1, keepdim=True).clamp_min(1e-6)
        whole = self.prediction(self._mixed(alone, weights, present), confidence * present)
        return LatePrediction(**vars(whole), alone=alone, confidence=confidence, present=present)

    def confidence(self, encoded: Tensor, alone: Answer) -> Tensor:  # noqa: ARG002
        """(B, streams) in [0, 1], from the representations (B, streams, width) and answers."""
        return torch.ones_like(alone.value)

    def weights(
        self,
        confidence: Tensor,
        alone: Answer,  # noqa: ARG002
        present: Tensor,  # noqa: ARG002
    ) -> Tensor:
        """Weights (B, streams), at least 0, up to a factor, from what is present."""
        return confidence

    def own_loss(self, prediction: Prediction, batch: Batch) -> Tensor:
        """The task's loss of each stream alone, as QMF and PDF have it."""
        assert isinstance(prediction, LatePrediction)  # noqa: S101
        present = prediction.present
        if not present.any():
            return prediction.value.new_zeros(())
        value, log_variance, logits = (part[present] for part in prediction.alone)
        alone = Prediction(value, log_variance, logits, {}, {}, {}, {})
        return task_loss(alone, _repeated(batch, present))

    def _mixed(self, alone: Answer, weights: Tensor, present: Tensor) -> Answer:
        """Mean and variance of the mixture of the streams' Gaussians, and the mean logits."""
        value = (weights * alone.value).sum(dim=1)
        spread = alone.log_variance.exp() + (alone.value - value[:, None]).square()
        variance = (weights * spread).sum(dim=1).clamp_min(1e-3)
        logits = (weights[..., None] * alone.class_logits).sum(dim=1)
        some = present.any(dim=1)
        return Answer(
            torch.where(some, value, torch.tanh(self.prior[0])),
            torch.where(some, variance.log(), self.prior[1].clamp(-7, 3)),
            torch.where(some[:, None], logits, self.prior[2:]),
        )


class EnergyFusion(LateFusion):
    """QMF: a stream's weight is the energy of its class logits, and a ranking keeps the energy in
    the order of how right the stream is.

    QMF ranks by the history of a sample's loss. Here each view of a sample has noise of its own,
    which its history says nothing about, so the ranking goes by the probability that the stream
    gives to the true class in the view at hand.
    """

    SCALE = 10.0

    def confidence(self, encoded: Tensor, alone: Answer) -> Tensor:  # noqa: ARG002
        return (alone.class_logits.logsumexp(dim=2) / self.SCALE).clamp(1e-3, 1)

    def own_loss(self, prediction: Prediction, batch: Batch) -> Tensor:
        assert isinstance(prediction, LatePrediction)  # noqa: S101
        right = true_class_probability(prediction.alone, batch).detach()
        other = right.roll(-1, dims=0)
        both = prediction.present & prediction.present.roll(-1, dims=0)
        rise = prediction.confidence - prediction.confidence.roll(-1, dims=0)
        margin = right - other
        ranking = functional.relu(margin.abs() - margin.sign() * rise)
        return super().own_loss(prediction, batch) + (ranking * both).sum() / both.sum().clamp_min(
            1
        )


class ConfidenceFusion(LateFusion):
    """PDF: a small network foretells the probability that the stream gives to the true class
    (mono-confidence); what the other streams lack counts for a stream too (holo-confidence); and
    at test time the sharper a stream's own classes, the more it counts (relative calibration)."""

    def __init__(self, sizes: Mapping[Stream, int], width: int, dropout: float = 0.1) -> None:
        super().__init__(sizes, width, dropout)
        self.foretell = nn.ModuleDict(
            {
                m: nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, 1))
                for m in sizes
            }
        )

    def confidence(self, encoded: Tensor, alone: Answer) -> Tensor:  # noqa: ARG002
        parts = [self.foretell[m](encoded[:, i].detach()) for i, m in enumerate(self.streams)]
        return torch.cat(parts, dim=1).sigmoid()

    def weights(self, confidence: Tensor, alone: Answer, present: Tensor) -> Tensor:
        missing = -confidence.clamp_min(1e-6).log() * present
        total = missing.sum(dim=1, keepdim=True)
        holo = (total - missing) / total.clamp_min(1e-6)
        trust = confidence + holo
        if not self.training:
            trust = trust * _relative_calibration(alone, present)
        return trust.masked_fill(~present, torch.finfo(trust.dtype).min).softmax(dim=1)

    def own_loss(self, prediction: Prediction, batch: Batch) -> Tensor:
        assert isinstance(prediction, LatePrediction)  # noqa: S101
        true = true_class_probability(prediction.alone, batch).detach()
        error = (prediction.confidence - true).square() * prediction.present
        foretelling = error.sum() / prediction.present.sum().clamp_min(1)
        return super().own_loss(prediction, batch) + foretelling


def true_class_probability(alone: Answer, batch: Batch) -> Tensor:
    """What each stream alone gives to the true class, (B, streams)."""
    probabilities = alone.class_logits.softmax(dim=2)
    labels = batch.labels[:, None, None].expand(-1, probabilities.shape[1], 1)
    return probabilities.gather(2, labels).squeeze(2)


def _relative_calibration(alone: Answer, present: Tensor) -> Tensor:
    """(B, streams) in [0, 1]: distance of a stream's class probabilities from uniform, over the
    mean of the other streams', at most 1."""
    classes = alone.class_logits.shape[2]
    distance = (alone.class_logits.softmax(dim=2) - 1 / classes).abs().mean(dim=2) * present
    others = present.sum(dim=1, keepdim=True) - present.int()
    mean = (distance.sum(dim=1, keepdim=True) - distance) / others.clamp_min(1)
    return torch.where(mean > distance, distance / mean.clamp_min(1e-6), 1)


def _repeated(batch: Batch, present: Tensor) -> Batch:
    """The batch's targets once for each stream that is ``present`` (B, streams)."""
    targets = batch.targets[:, None].expand_as(present)[present]
    labels = batch.labels[:, None].expand_as(present)[present]
    return Batch({}, {}, targets[:, None], targets, labels)
