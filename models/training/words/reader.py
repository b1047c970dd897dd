"""The word encoder with a readout that turns its token states into sentiment."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.features.minilm import WIDTH, MiniLM
from models.training.words.texts import TextBatch

STEPS = 7
"""MOSEI's labels rounded: -3 to 3."""

CLASSES = 3
READOUT_SEED = 5
"""All runs begin with the same readout, or the average of their weights would mean nothing."""


@dataclass(frozen=True)
class Reading:
    """``value`` (B,) on MOSEI's scale; logits of its ``steps`` (B, 7) and ``classes`` (B, 3)."""

    value: Tensor
    steps: Tensor
    classes: Tensor


class SentimentReader(nn.Module):
    """Attention pooling over the states of the text's own tokens, [CLS] and [SEP] apart, as these
    are what the fusion network gets; then one linear map."""

    def __init__(self, encoder: MiniLM) -> None:
        super().__init__()
        self.encoder = encoder
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(READOUT_SEED)
            self.attention = nn.Linear(WIDTH, 1)
            self.outputs = nn.Linear(WIDTH, 1 + STEPS + CLASSES)

    def forward(self, batch: TextBatch) -> Reading:
        states = self.encoder(batch.tokens, batch.mask).float()
        return self.read(states, batch.inner)

    def read(self, states: Tensor, inner: Tensor) -> Reading:
        """From token states (B, L, 384), of which those where ``inner`` (B, L) is true count."""
        weights = self.attention(states)[..., 0].masked_fill(~inner, -torch.inf).softmax(dim=1)
        outputs = self.outputs(torch.einsum("bl,blw->bw", weights, states))
        value, steps, classes = outputs.split([1, STEPS, CLASSES], dim=1)
        return Reading(value[:, 0], steps, classes)

    def set_dropout(self, share: float) -> None:
        """On what each half of a layer adds; inside the halves it costs a third of the time."""
        for layer in self.encoder.layers.layers:
            layer.dropout1.p = layer.dropout2.p = share
            layer.dropout.p = layer.self_attn.dropout = 0.0
