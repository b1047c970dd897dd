"""QA-MoE: quality-aware mixture of experts over any subset of streams (arXiv 2604.05704).

Each stream is encoded into a Gaussian: a mean, which picks and feeds the experts, and a variance,
which says how far the mean can be trusted. What a stream cannot vouch for is replaced by a learned
prior, so that a missing stream and a bad one are two points on one spectrum.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.layers import GatedExperts, InputVariance, RepresentationVariance, StreamEncoder
from streamer.packets import Stream

Trust: TypeAlias = Callable[[Stream, Tensor], Tensor]
"""From a stream's r (B,) to what an answer goes by instead, (B,) in [0, 1]."""

CLASSES = ("negative", "neutral", "positive")


@dataclass(frozen=True)
class QAMoEConfig:
    """``sizes`` gives each stream's feature width. ``variance_path`` is "representation" (the
    paper: from the representation, trained only through the loss) or "input" (a path of its own
    from the stream's features, trained on the distance to the clean representation)."""

    sizes: Mapping[Stream, int]
    width: int = 128
    experts: int = 8
    top_k: int = 3
    variance_path: Literal["representation", "input"] = "input"
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if not self.sizes or min(self.sizes.values()) < 1:
            raise ValueError(f"sizes {dict(self.sizes)}: every stream needs a width of at least 1")
        if not 1 <= self.top_k <= self.experts:
            raise ValueError(f"top_k {self.top_k}: must lie between 1 and experts {self.experts}")
        if self.variance_path not in ("representation", "input"):
            raise ValueError(f"variance_path {self.variance_path!r}: representation or input")


@dataclass(frozen=True)
class Prediction:
    """For a batch of B windows: ``value`` (B,) in [-1, 1] with ``log_variance`` (B,),
    ``class_logits`` (B, 3) for CLASSES. Per stream: ``reliability`` (B,) in [0, 1], 0 where the
    stream is absent; ``routing`` (B, experts), gate weights, 0 outside the top k and where absent;
    ``means`` and ``variances`` (B, width) of the probabilistic features."""

    value: Tensor
    log_variance: Tensor
    class_logits: Tensor
    reliability: dict[Stream, Tensor]
    routing: dict[Stream, Tensor]
    means: dict[Stream, Tensor]
    variances: dict[Stream, Tensor]


@dataclass(frozen=True)
class Encoded:
    """One stream's probabilistic features of a batch, ``mean`` and ``variance`` (B, width), and
    where it is ``present`` (B,)."""

    mean: Tensor
    variance: Tensor
    present: Tensor


class QAMoE(nn.Module):
    """The network. Features come raw; their training mean and deviation are part of it."""

    def __init__(self, config: QAMoEConfig) -> None:
        super().__init__()
        self.config = config
        self.streams: tuple[Stream, ...] = tuple(config.sizes)
        width = config.width
        self.standardise = nn.ModuleDict({m: Standardise(n) for m, n in config.sizes.items()})
        self.encoders = nn.ModuleDict({m: StreamEncoder(n, width) for m, n in config.sizes.items()})
        self.to_mean = nn.ModuleDict({m: nn.Linear(width, width) for m in config.sizes})
        variance = InputVariance if config.variance_path == "input" else RepresentationVariance
        self.to_variance = nn.ModuleDict({m: variance(n, width) for m, n in config.sizes.items()})
        self.gate = nn.Linear(width, config.experts)
        self.experts = GatedExperts(config.experts, width)
        self.prior = nn.Parameter(torch.zeros(width))
        # Logarithms, 0 where trust is taken as it comes.
        self.trust_exponents = nn.ParameterDict({m: torch.zeros(()) for m in config.sizes})
        self.dropout = nn.Dropout(config.dropout)
        self.fusion = nn.Sequential(
            nn.Linear(width * len(config.sizes), width),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(width, width),
            nn.GELU(),
        )
        self.to_value = nn.Linear(width, 2)
        self.to_classes = nn.Linear(width, len(CLASSES))

    def forward(
        self,
        features: Mapping[Stream, Tensor],
        masks: Mapping[Stream, Tensor],
        *,
        reliability: Mapping[Stream, Tensor] | None = None,
        trust: Trust | None = None,
    ) -> Prediction:
        """``features`` (B, steps, size) and ``masks`` (B, steps), true where there is something.

        ``reliability`` (B,) of each stream, where given, takes the place of the network's own; the
        answer goes by it, or by the ``weight`` of what ``trust`` makes of it. A stream that is
        left out, or masked throughout, is absent. Raises ValueError where there is no stream at
        all, one that the network does not know, or one of another shape.
        """
        if not features or not set(features) <= set(self.streams):
            known = ", ".join(self.streams)
            raise ValueError(f"streams {sorted(features)}: must be one or more of {known}")
        batch = next(iter(features.values())).shape[0]
        for stream in features:
            given = [] if reliability is None else [reliability.get(stream)]
            self._check(stream, batch, features[stream], masks.get(stream), given)
        encoded = {
            stream: Encoded(
                *self.encode(stream, features[stream], masks[stream]), masks[stream].any(dim=1)
            )
            for stream in self.streams
            if stream in features and features[stream].shape[1]
        }
        return self.fuse(encoded, batch, reliability=reliability, trust=trust)

    def fuse(
        self,
        encoded: Mapping[Stream, Encoded],
        batch: int,
        *,
        reliability: Mapping[Stream, Tensor] | None = None,
        trust: Trust | None = None,
    ) -> Prediction:
        """The answer for ``batch`` windows whose streams are ``encoded``, as ``forward`` has it."""
        used: dict[Stream, Tensor] = {}
        routing: dict[Stream, Tensor] = {}
        answers = []
        for stream in self.streams:
            if stream not in encoded:
                used[stream] = self.prior.new_zeros(batch)
                routing[stream] = self.prior.new_zeros(batch, self.config.experts)
                answers.append(self.prior.expand(batch, -1))
                continue
            one = encoded[stream]
            quality = (
                self._quality(one.variance) if reliability is None else _share(reliability[stream])
            )
            quality = torch.where(one.present, quality, 0)
            trusted = quality if trust is None else self.weight(stream, trust(stream, quality))
            gates = self._route(one.mean, trusted)
            answers.append(self._answer(stream, one.mean, gates, trusted))
            used[stream] = quality
            routing[stream] = torch.where(one.present[:, None], gates, 0)
        fused = self.fusion(torch.cat(answers, dim=1))
        value, log_variance = self.to_value(fused).unbind(dim=1)
        return Prediction(
            torch.tanh(value),
            log_variance.clamp(-7, 3),
            self.to_classes(fused),
            used,
            routing,
            {stream: one.mean for stream, one in encoded.items()},
            {stream: one.variance for stream, one in encoded.items()},
        )

    def weight(self, stream: Stream, trusted: Tensor) -> Tensor:
        """What an answer of ``stream`` weighs, (B,) in [0, 1], where it is ``trusted`` (B,): rises
        with it from 0 at 0 to 1 at 1, along a power that is learned for each stream."""
        share = _share(trusted)
        # No logarithm of 0: it would spoil the gradient.
        powered = share.clamp_min(1e-9) ** self.trust_exponents[stream].exp()
        return torch.where(share > 0, powered, 0)

    def standardisation(self, stream: Stream) -> "Standardise":
        """The layer that holds the training data's mean and deviation of ``stream``."""
        layer = self.standardise[stream]
        assert isinstance(layer, Standardise)  # noqa: S101
        return layer

    def encode(self, stream: Stream, features: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance (B, width) of one stream's probabilistic features."""
        inputs = self.standardise[stream](features) * mask[..., None]
        representation = self.encoders[stream](inputs, mask)
        variance = self.to_variance[stream](inputs, mask, representation)
        return self.to_mean[stream](representation), variance

    def mean(self, stream: Stream, features: Tensor, mask: Tensor) -> Tensor:
        """Only the mean (B, width) of one stream's probabilistic features."""
        inputs = self.standardise[stream](features) * mask[..., None]
        mean: Tensor = self.to_mean[stream](self.encoders[stream](inputs, mask))
        return mean

    def _check(
        self,
        stream: Stream,
        batch: int,
        features: Tensor,
        mask: Tensor | None,
        given: list[Tensor | None],
    ) -> None:
        size = self.config.sizes[stream]
        fits = features.dim() == 3 and features.shape[0] == batch
        if not fits or (features.shape[1] and features.shape[2] != size):
            allowed = f"must be ({batch}, steps, {size})"
            raise ValueError(f"{stream} features {tuple(features.shape)}: {allowed}")
        if mask is None or mask.shape != features.shape[:2] or mask.dtype != torch.bool:
            found = None if mask is None else f"{tuple(mask.shape)} {mask.dtype}"
            allowed = f"must be flags {tuple(features.shape[:2])}"
            raise ValueError(f"{stream} mask {found}: {allowed}")
        for part in given:
            if part is None or part.shape != (batch,):
                size_of = None if part is None else tuple(part.shape)
                allowed = f"must be ({batch},)"
                raise ValueError(f"{stream} reliability {size_of}: {allowed}")

    def _quality(self, variance: Tensor) -> Tensor:
        # A variance that has a target of its own must not be bent to what the task finds handy.
        known = variance.detach() if self.config.variance_path == "input" else variance
        return 1 / (1 + known.mean(dim=1))

    def _answer(self, _: Stream, mean: Tensor, gates: Tensor, quality: Tensor) -> Tensor:
        answer: Tensor = self.experts(self.dropout(mean), gates)
        return quality[:, None] * answer + (1 - quality[:, None]) * self.prior

    def _route(self, mean: Tensor, _: Tensor) -> Tensor:
        weights = functional.softmax(self.gate(mean), dim=1)
        top = weights.topk(self.config.top_k, dim=1)
        return torch.zeros_like(weights).scatter(1, top.indices, top.values)


def _share(given: Tensor) -> Tensor:
    """``given`` within [0, 1], 0 where it is no finite number."""
    return given.nan_to_num(0.0, 0.0, 0.0).clamp(0, 1)


class Standardise(nn.Module):
    """(x - mean) / deviation of the training data, limited, so that one wild feature of a live
    signal cannot drown the others; what is not a number becomes the mean."""

    LIMIT = 6.0

    mean: Tensor
    deviation: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("deviation", torch.ones(size))

    def set(self, mean: Tensor, deviation: Tensor) -> None:
        """Takes the training data's statistics, each (size,).

        A feature that hardly moves in training must not be blown up, so its deviation is at least
        a tenth of the median one.
        """
        self.mean.copy_(mean)
        self.deviation.copy_(deviation.clamp_min(deviation.median() / 10).clamp_min(1e-6))

    def forward(self, features: Tensor) -> Tensor:
        scaled = (features.to(self.mean.dtype) - self.mean) / self.deviation
        return scaled.nan_to_num_(0.0).clamp_(-self.LIMIT, self.LIMIT)
