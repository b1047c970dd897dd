"""The parts of QA-MoE. Sequences are (batch, steps, size) with masks (batch, steps)."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class StreamEncoder(nn.Module):
    """A stream's sequence to one vector: projection, a short temporal convolution, attention
    pooling. Masked steps have no influence, and without any step the result is a constant."""

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(size, width)
        self.mix = nn.Conv1d(width, width, kernel_size=3, padding=1, groups=width)
        self.norm = nn.LayerNorm(width)
        self.score = nn.Linear(width, 1)
        self.out = nn.Linear(width, width)

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """(batch, steps, size) standardised, to (batch, width)."""
        steps = functional.gelu(self.project(inputs)) * mask[..., None]
        steps = self.norm(steps + self.mix(steps.transpose(1, 2)).transpose(1, 2))
        scores = self.score(steps).squeeze(2).masked_fill(~mask, torch.finfo(steps.dtype).min)
        weights = functional.softmax(scores, dim=1) * mask
        pooled = torch.bmm(weights[:, None], steps).squeeze(1)
        return functional.gelu(self.out(pooled))


class RepresentationVariance(nn.Module):
    """The paper's variance: softplus of an affine map of the representation."""

    def __init__(self, _: int, width: int) -> None:
        super().__init__()
        self.affine = nn.Linear(width, width)

    def forward(self, _: Tensor, __: Tensor, representation: Tensor) -> Tensor:
        """(batch, width) representation, to variances (batch, width) above 0."""
        return functional.softplus(self.affine(representation))


class InputVariance(nn.Module):
    """A variance path of its own from the stream's input.

    The encoder learns to overlook noise, so its output no longer tells how much there was. Here
    the level, the spread and the change from step to step of the input are kept: of learned
    projections, and of the input as a whole.
    """

    FLOOR = 1e-3
    START = -4.0
    HIDDEN = 64

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(size, self.HIDDEN)
        self.of_projections = nn.Linear(3 * self.HIDDEN, width)
        self.of_whole = nn.Linear(3, width)
        self.read = nn.Linear(width, width)
        nn.init.constant_(self.read.bias, self.START)

    def forward(self, inputs: Tensor, mask: Tensor, _: Tensor) -> Tensor:
        """(batch, steps, size) standardised, to variances (batch, width) above 0, in units of the
        clean representation's own variance."""
        here = mask[..., None]
        both = here[:, 1:] & here[:, :-1]
        steps = functional.gelu(self.project(inputs))
        level = _masked_mean(steps, here)
        spread = _masked_mean((steps - level[:, None]).abs(), here)
        change = _masked_mean((steps[:, 1:] - steps[:, :-1]).abs(), both)
        power = inputs.square().mean(dim=2, keepdim=True)
        movement = (inputs[:, 1:] - inputs[:, :-1]).square().mean(dim=2, keepdim=True)
        whole = [_masked_mean(power, here), _masked_mean(movement, both), here.sum(dim=1)]
        hidden = self.of_projections(torch.cat([level, spread, change], dim=1))
        hidden = hidden + self.of_whole(torch.cat(whole, dim=1).to(inputs.dtype).log1p())
        return functional.softplus(self.read(functional.gelu(hidden))) + self.FLOOR


class GatedExperts(nn.Module):
    """A bank of GLU experts, E(x) = W (A x * sigmoid(B x)), summed by gate weights.

    At this width all experts in one product are faster than only the chosen ones in a loop.
    """

    def __init__(self, experts: int, width: int) -> None:
        super().__init__()
        self.inner = nn.Parameter(torch.empty(experts, width, 2 * width))
        self.inner_bias = nn.Parameter(torch.zeros(experts, 1, 2 * width))
        self.outer = nn.Parameter(torch.empty(experts, width, width))
        for weights in (self.inner, self.outer):
            nn.init.normal_(weights, std=width**-0.5)

    def forward(self, inputs: Tensor, gates: Tensor) -> Tensor:
        """(batch, width) and gates (batch, experts), to (batch, width)."""
        spread = inputs.expand(self.inner.shape[0], -1, -1)
        hidden = functional.glu(torch.baddbmm(self.inner_bias, spread, self.inner), dim=2)
        answers = torch.bmm(hidden, self.outer)
        return torch.einsum("be,ebw->bw", gates, answers)


def _masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over the steps where ``mask`` (batch, steps, 1) holds; 0 where it never does."""
    return (values * mask).sum(dim=1) / mask.sum(dim=1).clamp_min(1)
