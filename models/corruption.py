"""The Continuous Reliability Spectrum on features: noise of intensity lambda, missing rate eta.

lambda = 1 is noise of one standard deviation of the training data for audio and vision, and the
loss of every word for text. eta is the probability that a stream of a sample is gone altogether.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from streamer.packets import Stream


@dataclass(frozen=True)
class Condition:
    """One point of the spectrum: ``noise`` (lambda, at least 0) of each stream, and ``missing``
    (eta, in [0, 1])."""

    noise: dict[Stream, float]
    missing: float


def draw_condition(
    streams: tuple[Stream, ...], generator: torch.Generator, shared: bool = False
) -> Condition:
    """A point for one batch: lambda and eta from U(0, 1); one lambda for all streams if
    ``shared``, else one each, without which nothing tells which stream is the bad one."""
    levels = torch.rand(len(streams) + 1, generator=generator).tolist()
    noise = {stream: levels[1 if shared else i + 1] for i, stream in enumerate(streams)}
    return Condition(noise, levels[0])


def add_noise(
    features: Tensor, level: float, deviation: Tensor, generator: torch.Generator
) -> Tensor:
    """``features`` (B, steps, size) with Gaussian noise of sd ``level`` x ``deviation`` (size,)."""
    noise = torch.randn(features.shape, generator=generator, dtype=torch.float32)
    return features + (level * deviation) * noise.to(features)


def drop_steps(mask: Tensor, level: float, generator: torch.Generator) -> Tensor:
    """``mask`` (B, steps) with each step lost with probability ``level``."""
    return mask & (torch.rand(mask.shape, generator=generator) >= level).to(mask.device)


def drop_streams(
    masks: dict[Stream, Tensor], rate: float, generator: torch.Generator
) -> dict[Stream, Tensor]:
    """``masks`` with each stream of each sample absent with probability ``rate``."""
    return {
        stream: mask
        & (torch.rand(len(mask), 1, generator=generator) >= rate).to(mask.device)
        for stream, mask in masks.items()
    }  # fmt: skip
