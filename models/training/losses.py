"""What QA-MoE is trained on."""

import torch
from torch import Tensor
from torch.nn import functional

from models.qamoe import Prediction, QAMoE
from models.training.spectrum import Batch

BETA = 0.5
"""Weight exp(BETA * s) of the likelihood, which keeps samples of high variance from being given up
(Seitzer et al., ICLR 2022). On the validation people 0.5 had less error than 1 in the mean of three
seeds, for both variance paths; with either some seeds learn the voice's value badly."""

CLASS_WEIGHT = 0.5
"""Weight of the auxiliary negative / neutral / positive task."""


def total_loss(model: QAMoE, prediction: Prediction, batch: Batch) -> Tensor:
    """The task's loss, and the variance's where it has a path of its own."""
    loss = task_loss(prediction, batch)
    if model.config.variance_path == "input":
        loss = loss + variance_loss(model, prediction, batch)
    return loss


def task_loss(prediction: Prediction, batch: Batch) -> Tensor:
    """Gaussian negative log-likelihood of the value (Kendall & Gal 2017), and cross-entropy."""
    error = (batch.targets - prediction.value).square()
    s = prediction.log_variance
    likelihood = (0.5 * error * torch.exp(-s) + 0.5 * s) * torch.exp(BETA * s.detach())
    return likelihood.mean() + CLASS_WEIGHT * functional.cross_entropy(
        prediction.class_logits, batch.labels
    )


def variance_loss(model: QAMoE, prediction: Prediction, batch: Batch) -> Tensor:
    """Gaussian likelihood of the clean representation given the degraded one.

    In units of the clean representation's own variance, and with no gradient into either
    representation: else both would shrink to nothing, which is easy to predict.
    """
    losses = []
    for stream, degraded in prediction.means.items():
        present = batch.seen[stream].mask.any(dim=1)
        if int(present.sum()) < 2:
            continue
        with torch.no_grad():
            sequences = batch.clean[stream]
            clean = model.mean(stream, sequences.features, sequences.mask)
            unit = own_variance(clean)
            error = (clean - degraded).square()[present] / unit
        variance = prediction.variances[stream][present]
        losses.append((0.5 * error / variance + 0.5 * variance.log()).mean())
    return torch.stack(losses).mean() if losses else prediction.value.sum() * 0


def own_variance(means: Tensor) -> Tensor:
    """Variance (width,) of representations (B, width) between samples; a dimension that hardly
    varies gets a tenth of the average, so that it does not dominate the ratio."""
    variance = means.var(dim=0)
    return variance.clamp_min(float(variance.mean()) / 10).clamp_min(1e-6)
