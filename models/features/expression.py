"""What a face expresses: a small convolutional network on the aligned crop, trained on FER2013."""

from pathlib import Path
from typing import Self

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from streamer.errors import AssetError
from streamer.packets import Floats, Image

EXPRESSION_SIZE = 32
"""Numbers that describe one crop."""

EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
"""What the logits stand for, in FER2013's order."""

FLAT = 4.0
"""Deviation of grey levels, of 255, below which a crop is taken to show nothing but noise."""


class ExpressionNet(nn.Module):
    """A residual network in the manner of ResNet-9, 150 million multiplications for 48 pixels.

    Takes standardised crops (n, 1, side, side) with an even side, gives an embedding (n, 32) and
    logits (n, 7), which are a linear function of it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            # Two by two pixels become four channels: nothing is lost, and a quarter of the work.
            nn.PixelUnshuffle(2),
            Convolution(4, 64),
            Convolution(64, 128, stride=2),
            Residual(128),
            Convolution(128, 256, stride=2),
            Residual(256),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.embed = nn.Linear(256, EXPRESSION_SIZE)
        self.classify = nn.Linear(EXPRESSION_SIZE, len(EXPRESSIONS))

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        embedding = self.embed(self.trunk(crops))
        return embedding, self.classify(embedding)


class Convolution(nn.Module):
    """3 x 3 convolution, batch normalisation and ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs)

    def forward(self, values: Tensor) -> Tensor:
        return torch.relu(self.norm(self.conv(values)))

    def fuse(self) -> None:
        """Draws the normalisation into the convolution: the same numbers in less time."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.conv = fuse_conv_bn_eval(self.conv, self.norm)
            self.norm = nn.Identity()


class Residual(nn.Module):
    """Two convolutions, whose result is added to what came in (He et al., 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = Convolution(channels, channels)
        self.second = Convolution(channels, channels)

    def forward(self, values: Tensor) -> Tensor:
        added: Tensor = values + self.second(self.first(values))
        return added


class Expression:
    """The trained network for use: crops in, numbers out."""

    def __init__(self, net: ExpressionNet) -> None:
        self._net = net.train(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for module in self._net.modules():
            if isinstance(module, Convolution):
                module.fuse()

    @classmethod
    def load(cls, weights: Path) -> Self:
        """The network with ``weights``. Raises AssetError where they are missing or of another
        network."""
        net = ExpressionNet()
        try:
            net.load_state_dict(load(weights.read_bytes()))
        except (OSError, SafetensorError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise AssetError(f"expression weights {weights}: {reason}") from None
        return cls(net)

    def embed(self, crops: Image) -> Floats:
        """Embedding (n, EXPRESSION_SIZE) of ``crops`` (n, 48, 48), uint8: the mean of those of the
        crop and its mirror image, which names FER2013's validation pictures better (.662, .656)."""
        if not len(crops):
            return np.zeros((0, EXPRESSION_SIZE), np.float32)
        with torch.inference_mode():
            seen = standardised(crops)
            embedding, _ = self._net(torch.cat([seen, seen.flip(3)]))
        return np.asarray(embedding.view(2, len(crops), EXPRESSION_SIZE).mean(dim=0).numpy())

    def classified(self, embedding: Floats) -> Floats:
        """Logits (n, 7) of EXPRESSIONS for an ``embedding`` (n, EXPRESSION_SIZE)."""
        with torch.inference_mode():
            return np.asarray(self._net.classify(torch.from_numpy(embedding)).numpy())


def standardised(crops: Image) -> Tensor:
    """``crops`` (n, side, side), uint8, as (n, 1, side, side) of mean 0 and deviation 1 each, so
    that light and contrast of the whole crop do not count."""
    levels = torch.from_numpy(np.ascontiguousarray(crops)).to(torch.float32).unsqueeze(1)
    deviation, mean = torch.std_mean(levels, dim=(1, 2, 3), keepdim=True, correction=0)
    return (levels - mean) / deviation.clamp(min=FLAT)
