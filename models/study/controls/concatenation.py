"""The plainest control: all representations beside one another, and an MLP."""

from collections.abc import Mapping

from torch import Tensor

from models.qamoe import Prediction
from models.study.controls.base import Control, Head
from streamer.packets import Stream


class Concatenation(Control):
    """MLP over the concatenated representations; an absent stream is a learned constant."""

    def __init__(self, sizes: Mapping[Stream, int], width: int, dropout: float = 0.1) -> None:
        super().__init__(sizes, width, dropout)
        self.head = Head(width * len(sizes), width, dropout)

    def forward(
        self,
        features: Mapping[Stream, Tensor],
        masks: Mapping[Stream, Tensor],
        *,
        known: Mapping[Stream, Tensor] | None = None,  # noqa: ARG002
    ) -> Prediction:
        encoded, present = self.encode(features, masks)
        return self.prediction(self.head(encoded.flatten(1)), present.to(encoded.dtype))
