"""A variance path that measures how far the input lies from the clean inputs of training.

The features of a stream move together, and noise does not: it shows where clean inputs hardly
vary. So the input is turned to the principal axes of the clean training data and measured in units
of their own deviation (the Mahalanobis distance, which Lee et al., NeurIPS 2018, take to tell
inputs unlike the training data), one band of axes apart from the other, and a small network makes
the variances from that.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.layers import InputVariance

LEAST_VARIANCE = 0.01
"""Of a principal axis, in units of the features' own variance: below, it is numerical noise."""


class DistanceVariance(nn.Module):
    """Takes the place of InputVariance. What it reads of a stream: the power of the input in each
    of BANDS bands of principal axes, its mean and its spread over the steps, how many steps there
    are, and what share is missing between the first and the last."""

    BANDS = 8
    AXES = 96
    """At most, evenly spread from the weakest to the strongest."""

    axes: Tensor

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.register_buffer("axes", torch.eye(size)[:, : self.AXES])
        self.bands = min(self.BANDS, size)
        self.network = nn.Sequential(
            nn.Linear(2 * self.bands + 2, width),
            nn.GELU(),
            nn.Linear(width, width),
            nn.GELU(),
            nn.Linear(width, width),
        )
        with torch.no_grad():
            list(self.network.parameters())[-1].fill_(InputVariance.START)

    def set(self, inputs: Tensor) -> None:
        """Takes the axes from clean, standardised training inputs (n, size)."""
        covariance = torch.cov(inputs.double().T, correction=0).reshape(len(self.axes), -1)
        variances, vectors = torch.linalg.eigh(covariance)
        size, count = self.axes.shape
        chosen = torch.linspace(0, size - 1, count).round().long()
        scaled = vectors / variances.clamp_min(LEAST_VARIANCE).sqrt()
        self.axes.copy_(scaled[:, chosen])

    def forward(self, inputs: Tensor, mask: Tensor, _: Tensor) -> Tensor:
        """(batch, steps, size) standardised, to variances (batch, width) above 0, in units of the
        clean representation's own variance."""
        here = mask[..., None]
        count = here.sum(dim=1).clamp_min(1)
        power = (inputs @ self.axes).square().tensor_split(self.bands, dim=2)
        bands = torch.stack([band.mean(dim=2) for band in power], dim=2).log1p()
        mean = (bands * here).sum(dim=1) / count
        spread = ((bands - mean[:, None]).abs() * here).sum(dim=1) / count
        read = torch.cat([mean, spread, count.log1p().to(mean), _gaps(mask).to(mean)], dim=1)
        return functional.softplus(self.network(read)) + InputVariance.FLOOR


def _gaps(mask: Tensor) -> Tensor:
    """(batch, 1): share of the steps before the last one there is that are missing."""
    places = torch.arange(1, mask.shape[1] + 1, device=mask.device) * mask
    return 1 - mask.sum(dim=1, keepdim=True) / places.amax(dim=1, keepdim=True).clamp_min(1)
