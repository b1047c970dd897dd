"""Cross-modal transformer fusion without routing, after MulT (Tsai et al., ACL 2019)."""

from collections.abc import Mapping
from itertools import permutations

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.layers import StreamEncoder
from models.qamoe import Prediction
from models.study.controls.base import Control, Head
from streamer.packets import Stream

HEADS = 4


class CrossmodalTransformer(Control):
    """The steps of each stream attend to the steps of each other one; each stream is then pooled
    and the streams concatenated. MulT's own stacks of 4-5 layers are one layer here, which suits
    data sets of this size, and equals the other controls in budget."""

    def __init__(self, sizes: Mapping[Stream, int], width: int, dropout: float = 0.1) -> None:
        super().__init__(sizes, width, dropout)
        self.by_steps: dict[str, StepEncoder] = {m: StepEncoder(n, width) for m, n in sizes.items()}
        self.encoders = nn.ModuleDict(self.by_steps)
        self.cross = nn.ModuleDict(
            {f"{to}_{of}": CrossAttention(width, dropout) for to, of in permutations(sizes, 2)}
        )
        self.head = Head(width * len(sizes), width, dropout)

    def forward(
        self,
        features: Mapping[Stream, Tensor],
        masks: Mapping[Stream, Tensor],
        *,
        known: Mapping[Stream, Tensor] | None = None,  # noqa: ARG002
    ) -> Prediction:
        inputs = self.inputs(features, masks)
        steps = {m: self.by_steps[m].steps(*inputs[m]) for m in self.streams}
        pooled = []
        for to in self.streams:
            seen = [
                self.cross[f"{to}_{of}"](steps[to], steps[of], inputs[of][1])
                for of in self.streams
                if of != to
            ]
            mixed = steps[to] + torch.stack(seen).sum(dim=0) if seen else steps[to]
            pooled.append(self.dropout(self.by_steps[to].pool(mixed, inputs[to][1])))
        present = torch.stack([inputs[m][1].any(dim=1) for m in self.streams], dim=1)
        return self.prediction(self.head(torch.cat(pooled, dim=1)), present.to(pooled[0].dtype))


class CrossAttention(nn.Module):
    """One pre-norm transformer layer whose queries come from one stream, the rest from another."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.queries = nn.LayerNorm(width)
        self.keys = nn.LayerNorm(width)
        # The zero key is what is attended to where the other stream is absent.
        self.attention = nn.MultiheadAttention(
            width, HEADS, dropout, add_zero_attn=True, batch_first=True
        )
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, to: Tensor, of: Tensor, mask: Tensor) -> Tensor:
        """(B, steps, width) of both, and the ``mask`` of the latter, to (B, steps of ``to``,
        width): what is to be added to ``to``."""
        keys = self.keys(of)
        found, _ = self.attention(
            self.queries(to), keys, keys, key_padding_mask=~mask, need_weights=False
        )
        added: Tensor = found + self.feed_forward(to + found)
        return added


class StepEncoder(StreamEncoder):
    """The stream encoder in two halves, for what attends to single steps."""

    def steps(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """(B, steps, size) standardised, to (B, steps, width)."""
        steps = functional.gelu(self.project(inputs)) * mask[..., None]
        mixed: Tensor = self.norm(steps + self.mix(steps.transpose(1, 2)).transpose(1, 2))
        return mixed

    def pool(self, steps: Tensor, mask: Tensor) -> Tensor:
        """(B, steps, width), to (B, width)."""
        scores = self.score(steps).squeeze(2).masked_fill(~mask, torch.finfo(steps.dtype).min)
        weights = functional.softmax(scores, dim=1) * mask
        return functional.gelu(self.out(torch.bmm(weights[:, None], steps).squeeze(1)))
