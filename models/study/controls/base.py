"""What all controls share: the encoders of QA-MoE, and its heads."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.layers import StreamEncoder
from models.qamoe import CLASSES, Prediction, Standardise
from models.training.spectrum import Batch
from streamer.packets import Stream


class Answer(NamedTuple):
    """``value`` (...) in [-1, 1], its ``log_variance`` (...), and ``class_logits`` (..., 3)."""

    value: Tensor
    log_variance: Tensor
    class_logits: Tensor


class Head(nn.Module):
    """From (B, inputs) to an answer: the fusion and the heads of QA-MoE."""

    def __init__(self, inputs: int, width: int, dropout: float) -> None:
        super().__init__()
        self.fusion = nn.Sequential(
            nn.Linear(inputs, width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(width, width),
            nn.GELU(),
        )
        self.to_value = nn.Linear(width, 2)
        self.to_classes = nn.Linear(width, len(CLASSES))

    def forward(self, inputs: Tensor) -> Answer:
        fused = self.fusion(inputs)
        value, log_variance = self.to_value(fused).unbind(dim=1)
        return Answer(torch.tanh(value), log_variance.clamp(-7, 3), self.to_classes(fused))


class Control(nn.Module):
    """A network without reliability over the encoders of QA-MoE, for any subset of its streams."""

    def __init__(self, sizes: Mapping[Stream, int], width: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.streams: tuple[Stream, ...] = tuple(sizes)
        self.sizes = dict(sizes)
        self.width = width
        self.standardise = nn.ModuleDict({m: Standardise(n) for m, n in sizes.items()})
        self.encoders = nn.ModuleDict({m: StreamEncoder(n, width) for m, n in sizes.items()})
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        features: Mapping[Stream, Tensor],
        masks: Mapping[Stream, Tensor],
        *,
        known: Mapping[Stream, Tensor] | None = None,
    ) -> Prediction:
        """As QAMoE; ``known`` is for the oracle alone. Where a control has no figure for how far
        it trusts a stream, its reliability is 1 where the stream is present."""
        raise NotImplementedError

    def own_loss(self, prediction: Prediction, _: Batch) -> Tensor:
        """What is trained on beside the task's loss: nothing, unless a control says otherwise."""
        return prediction.value.new_zeros(())

    def adapt(self, inputs: Mapping[Stream, Tensor]) -> None:
        """Takes what is to be known of the clean training inputs, (n, size) of each stream."""
        for stream, values in inputs.items():
            self.standardisation(stream).set(values.mean(dim=0), values.std(dim=0))

    def standardisation(self, stream: Stream) -> Standardise:
        """The layer that holds the training data's mean and deviation of ``stream``."""
        layer = self.standardise[stream]
        assert isinstance(layer, Standardise)  # noqa: S101
        return layer

    def inputs(
        self, features: Mapping[Stream, Tensor], masks: Mapping[Stream, Tensor]
    ) -> dict[Stream, tuple[Tensor, Tensor]]:
        """Standardised features and mask of every stream; one masked step where it is left out."""
        batch = len(next(iter(masks.values())))
        device = next(self.parameters()).device
        found: dict[Stream, tuple[Tensor, Tensor]] = {}
        for stream in self.streams:
            if stream in features and features[stream].shape[1]:
                mask = masks[stream]
                found[stream] = self.standardise[stream](features[stream]) * mask[..., None], mask
            else:
                nothing = torch.zeros(batch, 1, self.sizes[stream], device=device)
                found[stream] = nothing, torch.zeros(batch, 1, dtype=torch.bool, device=device)
        return found

    def encode(
        self, features: Mapping[Stream, Tensor], masks: Mapping[Stream, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Representations (B, streams, width), a learned constant where the stream is absent, and
        presence (B, streams)."""
        inputs = self.inputs(features, masks)
        encoded = [self.dropout(self.encoders[m](*inputs[m])) for m in self.streams]
        present = [inputs[m][1].any(dim=1) for m in self.streams]
        return torch.stack(encoded, dim=1), torch.stack(present, dim=1)

    def prediction(self, answer: Answer, reliability: Tensor) -> Prediction:
        """``answer`` with the streams' ``reliability`` (B, streams)."""
        of_streams = dict(zip(self.streams, reliability.unbind(dim=1), strict=True))
        return Prediction(*answer, of_streams, {}, {}, {})
