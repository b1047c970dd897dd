"""What the fusion network gets to know of a voice: the trained heads' states, and prosody."""

from pathlib import Path
from typing import Protocol, Self

import numpy as np
import torch

from models.features.voice import HIDDEN_SIZE
from models.features.voice_head import VoiceHeads, load_heads
from models.features.voice_history import VoicePrior
from streamer.packets import Flags, Floats


class Reader(Protocol):
    """Turns voice steps, normalised by a history that begins with ``prior``, into what the network
    is given: (batch, steps, size) and a mask (batch, steps) of speech to (batch, steps, states)."""

    @property
    def prior(self) -> VoicePrior: ...

    def read(self, normalised: Floats, mask: Flags) -> Floats: ...


class VoiceReader:
    """The heads' states of each step, and its normalised prosody beside them."""

    def __init__(self, heads: VoiceHeads, prior: VoicePrior) -> None:
        self._heads = heads
        self.prior = prior

    @classmethod
    def load(cls, file: Path) -> Self:
        """With the heads in ``file``. Raises AssetError where it is missing or broken."""
        return cls(*load_heads(file))

    @torch.inference_mode()
    def read(self, normalised: Floats, mask: Flags) -> Floats:
        """As Reader.read, for steps of VOICE_SIZE; steps without speech are zero."""
        states = self._heads.states(torch.from_numpy(normalised), torch.from_numpy(mask))
        prosody = normalised[..., HIDDEN_SIZE:] * mask[..., None]
        return np.concatenate([states.numpy(), prosody], axis=2)
