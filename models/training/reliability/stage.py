"""What a rehearsed session needs of models, and the network that trusts every stream."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from faster_whisper import WhisperModel
from torch import Tensor

from models import checkpoint
from models.checkpoint_files import checkpoint_folder, tuned_weights
from models.estimator import Estimator
from models.features.voice_reader import VoiceReader
from models.features.words import WordsEncoder
from models.qamoe import Prediction, QAMoE, Trust
from streamer.assets import Assets
from streamer.packets import Estimate, Evidence, Stream, StreamWindow, Window
from streamer.settings import DamageSettings, Settings


class Trusting(QAMoE):
    """``network``, but that it takes every stream that is there at its word, and remembers what it
    made of the last window: ``latest``, (1, width) by stream."""

    def __init__(self, network: QAMoE) -> None:
        super().__init__(network.config)
        self.load_state_dict(network.state_dict())
        self.latest: dict[Stream, Tensor] = {}

    def forward(
        self,
        features: Mapping[Stream, Tensor],
        masks: Mapping[Stream, Tensor],
        *,
        reliability: Mapping[Stream, Tensor] | None = None,
        trust: Trust | None = None,
    ) -> Prediction:
        """The answer as if each stream had r = 1, whatever is given, with the network's own r in
        ``reliability``."""
        del reliability, trust
        own = super().forward(features, masks)
        sure = {stream: torch.ones_like(r) for stream, r in own.reliability.items()}
        self.latest = own.means
        return replace(
            super().forward(features, masks, reliability=sure), reliability=own.reliability
        )


class Credulous(Estimator):
    """An estimator for which every stream that is there shows no sign of damage."""

    def estimate(self, window: Window) -> Estimate:
        """As Estimator.estimate."""
        streams = {
            stream: replace(part, evidence=_unblemished(part.evidence))
            for stream, part in window.streams.items()
        }
        return super().estimate(replace(window, streams=streams))

    def _heard_well(self, window: Window, audio: StreamWindow) -> Evidence:
        evidence = super()._heard_well(window, audio)
        return _unblemished(evidence) if window.words else evidence


def _unblemished(evidence: Evidence) -> Evidence:
    return Evidence(1.0, None, evidence.measures)


@dataclass(frozen=True)
class Stage:
    """What a session needs of models; made once for many."""

    settings: Settings
    whisper: WhisperModel
    network: QAMoE
    words: WordsEncoder
    voice: VoiceReader

    @staticmethod
    def of(settings: Settings, whisper: WhisperModel) -> "Stage":
        """Raises AssetError where a model is missing."""
        return Stage(
            settings,
            whisper,
            checkpoint.load(checkpoint_folder(settings)),
            WordsEncoder(
                Assets(settings.assets).path("minilm-l6"), tuned_weights(settings, "text")
            ),
            VoiceReader.load(tuned_weights(settings, "audio")),
        )

    def damaged(self, *damages: DamageSettings) -> Settings:
        """The settings with ``damages``."""
        return self.settings.model_copy(update={"damage": list(damages)})

    def estimator(self, network: QAMoE | None = None) -> Estimator:
        """The product's, or with another ``network``."""
        floor = self.settings.analyzer.reliability_floor
        return Estimator(network or self.network, self.words, self.voice, floor)

    def credulous(self) -> Estimator:
        """The same network without reliability: whatever is there is taken at its word."""
        return Credulous(Trusting(self.network), self.words, self.voice, 0.0)
