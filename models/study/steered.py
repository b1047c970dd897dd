"""QA-MoE that can be told the reliability, and whose routing is told it."""

from collections.abc import Mapping

import torch
from torch import Tensor

from models.qamoe import Prediction, QAMoE
from streamer.packets import Stream


class SteeredQAMoE(QAMoE):
    """QA-MoE with ``reliability`` as an argument."""

    def forward(
        self,
        features: Mapping[Stream, Tensor],
        masks: Mapping[Stream, Tensor],
        *,
        reliability: Mapping[Stream, Tensor] | None = None,
    ) -> Prediction:
        """``features`` (B, steps, size) and ``masks`` (B, steps), true where there is something.

        ``reliability`` (B,) of each stream, where given, takes the place of the network's own. A
        stream that is left out, or masked throughout, is absent. Raises ValueError where there
        is no stream at all, or one that the network does not know.
        """
        if not features or not set(features) <= set(self.streams):
            known = ", ".join(self.streams)
            raise ValueError(f"streams {sorted(features)}: must be one or more of {known}")
        batch = next(iter(features.values())).shape[0]
        means: dict[Stream, Tensor] = {}
        variances: dict[Stream, Tensor] = {}
        used: dict[Stream, Tensor] = {}
        routing: dict[Stream, Tensor] = {}
        answers = []
        for stream in self.streams:
            if stream not in features or not features[stream].shape[1]:
                used[stream] = self.prior.new_zeros(batch)
                routing[stream] = self.prior.new_zeros(batch, self.config.experts)
                answers.append(self.prior.expand(batch, -1))
                continue
            mean, variance = self.encode(stream, features[stream], masks[stream])
            present = masks[stream].any(dim=1)
            quality = self._quality(variance) if reliability is None else reliability[stream]
            quality = torch.where(present, quality, 0)
            gates = self._gates(mean, quality)
            answer = self.experts(self.dropout(mean), gates)
            answers.append(quality[:, None] * answer + (1 - quality[:, None]) * self.prior)
            means[stream], variances[stream], used[stream] = mean, variance, quality
            routing[stream] = torch.where(present[:, None], gates, 0)
        fused = self.fusion(torch.cat(answers, dim=1))
        value, log_variance = self.to_value(fused).unbind(dim=1)
        return Prediction(
            torch.tanh(value),
            log_variance.clamp(-7, 3),
            self.to_classes(fused),
            used,
            routing,
            means,
            variances,
        )

    def _gates(self, mean: Tensor, _: Tensor) -> Tensor:
        return self._route(mean)
