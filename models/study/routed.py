"""QA-MoE in the variants of the study: where r comes from, and what it decides."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.layers import InputVariance
from models.qamoe import Prediction, QAMoE, QAMoEConfig, Trust
from models.study.variance import DistanceVariance
from models.training.losses import variance_loss
from models.training.spectrum import Batch
from streamer.packets import Stream

Known = Mapping[Stream, Tensor]
"""Of each stream, a quality (B,) in [0, 1], 0 where it is absent."""


class Routed(QAMoE):
    """QA-MoE behind the interface of the study. What a variant does otherwise is one method.

    All variants of one seed start from the same weights: what a variant has of its own is drawn
    apart, so that their difference is the variant's and not the draw's.
    """

    variance_path: Literal["representation", "input"] = "representation"

    def __init__(self, sizes: Mapping[Stream, int], width: int, top_k: int = 3) -> None:
        super().__init__(QAMoEConfig(sizes, width, top_k=top_k, variance_path="representation"))
        self.config = replace(self.config, variance_path=self.variance_path)
        with torch.random.fork_rng(devices=[]):
            self.add_own_parts()

    def add_own_parts(self) -> None:
        """Puts modules of the variant in the place of the paper's."""

    def forward(
        self,
        features: Mapping[Stream, Tensor],
        masks: Mapping[Stream, Tensor],
        *,
        reliability: Known | None = None,
        trust: Trust | None = None,
        known: Known | None = None,
    ) -> Prediction:
        """As QAMoE; ``known``, the true quality of each stream, is for the oracle alone."""
        given = reliability or self.given(masks, known)
        return super().forward(features, masks, reliability=given, trust=trust)

    def given(
        self,
        masks: Mapping[Stream, Tensor],  # noqa: ARG002
        known: Known | None,  # noqa: ARG002
    ) -> Known | None:
        """What takes the place of the network's own reliability, if anything."""
        return None

    def own_loss(self, prediction: Prediction, _: Batch) -> Tensor:
        """What is trained on beside the task's loss."""
        return prediction.value.new_zeros(())

    def adapt(self, inputs: Mapping[Stream, Tensor]) -> None:
        """Takes what is to be known of the clean training inputs, (n, size) of each stream."""
        for stream, values in inputs.items():
            self.standardisation(stream).set(values.mean(dim=0), values.std(dim=0))


class FromRepresentation(Routed):
    """The paper's: variance from the representation, trained through the task alone."""


class FromInput(Routed):
    """The live network's: variance from the input, trained on the clean representation."""

    variance_path = "input"

    def add_own_parts(self) -> None:
        sizes, width = self.config.sizes, self.config.width
        self.to_variance = nn.ModuleDict({m: InputVariance(n, width) for m, n in sizes.items()})

    def own_loss(self, prediction: Prediction, batch: Batch) -> Tensor:
        return variance_loss(self, prediction, batch)


class FromDistanceUnranked(FromInput):
    """Variance from the distance to clean inputs, trained on the clean representation."""

    def add_own_parts(self) -> None:
        sizes, width = self.config.sizes, self.config.width
        self.distances: dict[str, DistanceVariance] = {
            m: DistanceVariance(n, width) for m, n in sizes.items()
        }
        self.to_variance = nn.ModuleDict(self.distances)

    def adapt(self, inputs: Mapping[Stream, Tensor]) -> None:
        super().adapt(inputs)
        for stream, values in inputs.items():
            self.distances[stream].set(self.standardise[stream](values))


class FromDistance(FromDistanceUnranked):
    """And a degraded view is to have more variance than the clean view of the same sample: words
    that are lost from contextual states leave their neighbours as they were, so that the distance
    alone hardly shows it."""

    def own_loss(self, prediction: Prediction, batch: Batch) -> Tensor:
        losses = []
        for stream, degraded in prediction.variances.items():
            clean = batch.clean[stream]
            present = batch.seen[stream].mask.any(dim=1)
            if present.any():
                _, variance = self.encode(stream, clean.features, clean.mask)
                rise = degraded.log().mean(dim=1) - variance.log().mean(dim=1)
                losses.append(functional.softplus(-rise[present]).mean())
        ranking = torch.stack(losses).mean() if losses else prediction.value.new_zeros(())
        return super().own_loss(prediction, batch) + ranking


class QualityRouting(FromDistance):
    """The gate reads r beside the mean: which experts, not only how much of them."""

    def add_own_parts(self) -> None:
        super().add_own_parts()
        self.gate = nn.Linear(self.config.width + 1, self.config.experts)

    def _route(self, mean: Tensor, quality: Tensor) -> Tensor:
        return super()._route(torch.cat([mean, quality[:, None]], dim=1), quality)


class Shrinking(FromDistance):
    """r acts on what the experts read instead of on what they answer: the mean is drawn to a
    learned centre, as the best linear guess of a clean mean from a noisy one is."""

    def add_own_parts(self) -> None:
        super().add_own_parts()
        width = self.config.width
        self.centres = nn.ParameterDict({m: torch.zeros(width) for m in self.config.sizes})

    def _answer(self, stream: Stream, mean: Tensor, gates: Tensor, quality: Tensor) -> Tensor:
        centre = self.centres[stream]
        drawn = centre + quality[:, None] * (mean - centre)
        answer: Tensor = self.experts(self.dropout(drawn), gates)
        return torch.where(quality[:, None] > 0, answer, self.prior)


class Unweighted(Routed):
    """r = 1 wherever a stream is present."""

    def given(
        self,
        masks: Mapping[Stream, Tensor],
        known: Known | None,  # noqa: ARG002
    ) -> Known:
        return {stream: mask.any(dim=1).to(self.prior) for stream, mask in masks.items()}


class Oracle(Routed):
    """r is the true quality, from the corruption that was done."""

    def given(
        self,
        masks: Mapping[Stream, Tensor],  # noqa: ARG002
        known: Known | None,
    ) -> Known:
        if known is None:
            raise ValueError("oracle: the known quality of each stream must be given")
        return known


class OracleRouting(Oracle, QualityRouting):
    """The oracle's r, which the gate reads too."""

    def own_loss(self, prediction: Prediction, _: Batch) -> Tensor:
        return prediction.value.new_zeros(())
