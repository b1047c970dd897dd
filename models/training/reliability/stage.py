"""What a rehearsed session needs of models, and the network that trusts every stream."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from faster_whisper import WhisperModel
from torch import Tensor

from models import checkpoint
from models.checkpoint_files import checkpoint_folder, tuned_weights
from models.estimator import NONE_SILENCED, Estimator
from models.features.voice_reader import VoiceReader
from models.features.words import WordsEncoder
from models.hearing import load_whisper
from models.qamoe import Prediction, QAMoE, Trust
from streamer.assets import Assets
from streamer.packets import Estimate, Evidence, Stream, StreamWindow, Window
from streamer.settings import DamageSettings, Settings


def fully(_: Stream, own: Tensor) -> Tensor:
    """Trusts a stream that is there, whatever its ``own`` r (B,), which is 0 where it is not."""
    return (own > 0).to(own.dtype)


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
        answer = super().forward(features, masks, trust=fully)
        self.latest = answer.means
        return answer


class Credulous(Estimator):
    """An estimator for which every stream that is there shows no sign of damage."""

    def estimate(self, window: Window, silenced: Mapping[Stream, str] = NONE_SILENCED) -> Estimate:
        """As Estimator.estimate."""
        streams = {
            stream: replace(part, evidence=_unblemished(part.evidence))
            for stream, part in window.streams.items()
        }
        return super().estimate(replace(window, streams=streams), silenced)

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
    def load(settings: Settings) -> "Stage":
        """Those of the settings. Raises AssetError where one is missing."""
        return Stage(
            settings,
            load_whisper(settings),
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
