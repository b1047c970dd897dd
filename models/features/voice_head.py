"""The voice head: normalised voice steps to emotions, and these to sentiment.

Emotions are what it is trained on, as they keep apart what one class mixes: anger and sadness are
both negative and sound nothing alike. Their probabilities add up to those of the three classes.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from models.features.prosody import PROSODY_SIZE
from models.features.voice import HIDDEN_SIZE
from models.features.voice_history import VoicePrior
from streamer.errors import AssetError

EMOTIONS = ("anger", "disgust", "fear", "sadness", "neutral", "calm", "happiness")
"""In the order of the head's answers."""

CLASS_OF_EMOTION = (0, 0, 0, 0, 1, 1, 2)
"""0 negative, 1 neutral, 2 positive."""


@dataclass(frozen=True)
class HeadConfig:
    """``width`` and ``prosody_width`` of the two projections, ``hidden`` units before the answer;
    ``input_dropout`` is of Whisper's dimensions."""

    width: int = 48
    prosody_width: int = 24
    hidden: int = 64
    dropout: float = 0.3
    input_dropout: float = 0.2


class VoiceHead(nn.Module):
    """Projection of each step, a short temporal convolution, then mean, deviation and attention
    over the steps of speech. Other steps have no influence."""

    def __init__(self, config: HeadConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width + config.prosody_width
        self.of_whisper = nn.Linear(HIDDEN_SIZE, config.width)
        self.of_prosody = nn.Linear(PROSODY_SIZE, config.prosody_width)
        self.mix = nn.Conv1d(width, width, kernel_size=3, padding=1, groups=width)
        self.norm = nn.LayerNorm(width)
        self.score = nn.Linear(width, 1)
        self.whisper_dropout = nn.Dropout(config.input_dropout)
        self.dropout = nn.Dropout(config.dropout)
        self.hidden = nn.Linear(3 * width + 2 * PROSODY_SIZE, config.hidden)
        self.answer = nn.Linear(config.hidden, len(EMOTIONS))

    def forward(self, steps: Tensor, mask: Tensor) -> Tensor:
        """``steps`` (batch, steps, VOICE_SIZE) normalised and ``mask`` (batch, steps) of speech,
        to logits of the emotions (batch, 7)."""
        here, prosody = mask[..., None].to(steps.dtype), steps[..., HIDDEN_SIZE:]
        states = self.states(steps, mask)
        scores = self.score(states).squeeze(2).masked_fill(~mask, torch.finfo(states.dtype).min)
        attended = torch.bmm(scores.softmax(dim=1)[:, None], states).squeeze(1)
        pooled = [*_statistics(states, here), *_statistics(prosody, here), attended]
        hidden = functional.gelu(self.hidden(self.dropout(torch.cat(pooled, dim=1))))
        answer: Tensor = self.answer(self.dropout(hidden))
        return answer

    def states(self, steps: Tensor, mask: Tensor) -> Tensor:
        """What each step tells, (batch, steps, width + prosody_width); zero without speech."""
        here = mask[..., None].to(steps.dtype)
        whisper, prosody = steps[..., :HIDDEN_SIZE], steps[..., HIDDEN_SIZE:]
        parts = [self.of_whisper(self.whisper_dropout(whisper)), self.of_prosody(prosody)]
        states = functional.gelu(torch.cat(parts, dim=2)) * here
        mixed: Tensor = self.norm(states + self.mix(states.transpose(1, 2)).transpose(1, 2)) * here
        return mixed


class VoiceHeads(nn.Module):
    """Heads from several seeds whose probabilities are averaged."""

    def __init__(self, heads: list[VoiceHead]) -> None:
        super().__init__()
        self.config = heads[0].config
        self.heads = nn.ModuleList(heads)

    def forward(self, steps: Tensor, mask: Tensor) -> Tensor:
        """As a head's, to probabilities of negative, neutral and positive (batch, 3)."""
        emotions = torch.stack([head(steps, mask).softmax(dim=1) for head in self.heads]).mean(0)
        classes = functional.one_hot(torch.tensor(CLASS_OF_EMOTION), 3).to(emotions)
        return emotions @ classes

    def states(self, steps: Tensor, mask: Tensor) -> Tensor:
        """Those of all heads side by side."""
        heads = cast(Iterable[VoiceHead], self.heads)
        return torch.cat([head.states(steps, mask) for head in heads], dim=2)


def _statistics(states: Tensor, here: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation (batch, size) over the steps of speech."""
    count = here.sum(dim=1).clamp_min(1)
    mean = (states * here).sum(dim=1) / count
    variance = ((states - mean[:, None]).square() * here).sum(dim=1) / count
    return mean, (variance + 1e-4).sqrt()


def save_heads(file: Path, heads: VoiceHeads, prior: VoicePrior) -> None:
    """Writes ``heads`` and the ``prior`` that their input is normalised by."""
    file.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        "prior.mean": torch.from_numpy(prior.mean),
        "prior.variance": torch.from_numpy(prior.variance),
        **{name: weights.contiguous() for name, weights in heads.state_dict().items()},
    }
    config = asdict(heads.config)
    notes = {"heads": str(len(heads.heads)), **{key: str(value) for key, value in config.items()}}
    save_file(tensors, file, notes)


def load_heads(file: Path) -> tuple[VoiceHeads, VoicePrior]:
    """The heads in ``file``, ready for inference, and their prior.

    Raises AssetError where the file is missing or broken.
    """
    try:
        with safe_open(file, "pt") as archive:
            notes = archive.metadata()
            tensors = {name: archive.get_tensor(name) for name in archive.keys()}  # noqa: SIM118
        prior = VoicePrior(
            *(np.asarray(tensors.pop(f"prior.{name}"), np.float32) for name in ("mean", "variance"))
        )
        count = int(notes.pop("heads"))
        kinds = {name: type(value) for name, value in asdict(HeadConfig()).items()}
        config = HeadConfig(**{name: kinds[name](value) for name, value in notes.items()})
        heads = VoiceHeads([VoiceHead(config) for _ in range(count)])
        heads.load_state_dict(tensors)
    except Exception as error:  # the file may be broken in any way
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise AssetError(f"voice head {file}: {reason}") from None
    heads.requires_grad_(False)
    heads.train(False)
    return heads, prior
