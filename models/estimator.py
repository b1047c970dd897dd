"""One window in, one estimate out: words to features, the network, reliability, abstention."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from models.features.voice_reader import Reader
from models.qamoe import Prediction, QAMoE
from models.reliability import absent_stream, combine, words_evidence
from models.voice_memory import VoiceMemory
from streamer.arrays import checked
from streamer.packets import (
    STREAMS,
    Estimate,
    Evidence,
    Floats,
    Stream,
    StreamReliability,
    StreamWindow,
    Window,
)

NONE_SILENCED: Mapping[Stream, str] = MappingProxyType({})


class Encoder(Protocol):
    """Turns words into features (tokens, dims)."""

    def encode(self, words: list[str]) -> Floats: ...


class Estimator:
    """QA-MoE with what surrounds it.

    A stream takes part where its measured evidence is above 0, as far as its published reliability
    goes; where no stream's reaches ``floor`` the estimate abstains, and says why.
    """

    def __init__(self, network: QAMoE, words: Encoder, voice: Reader, floor: float) -> None:
        self._network = network.eval()
        self._words = words
        self._floor = floor
        self._device = next(network.parameters()).device
        self._voice = VoiceMemory(voice)
        self._encoded: tuple[tuple[str, ...], Floats] = ((), np.zeros((0, 1), np.float32))

    def estimate(self, window: Window, silenced: Mapping[Stream, str] = NONE_SILENCED) -> Estimate:
        """The network's answer for ``window``; see streamer.packets.Estimate for its ranges.
        The streams in ``silenced`` count as absent, for the reason given.

        Raises ValueError where a stream's arrays have other shapes than the network's.
        """
        streams = dict(window.streams)
        if "audio" in streams:
            streams["audio"] = self._voice.read(window)
            streams["text"] = self._text(window, streams["audio"])
        streams |= {
            stream: absent_stream(why) for stream, why in silenced.items() if stream in streams
        }
        taking_part = {
            stream: part
            for stream, part in streams.items()
            if part.evidence.score > 0 and part.mask.any()
        }
        if not taking_part:
            return _abstain(streams, {}, {})
        prediction = self._predict(taking_part)
        model = {stream: prediction.reliability[stream].item() for stream in taking_part}
        routing = {
            stream: tuple(prediction.routing[stream][0].tolist())
            for stream in STREAMS
            if stream in taking_part
        }
        reliability = _reliability(streams, model)
        if max(part.value for part in reliability.values()) < self._floor:
            return _abstain(streams, model, routing)
        negative, neutral, positive = prediction.class_logits.softmax(-1)[0].tolist()
        return Estimate(
            value=prediction.value.item(),
            deviation=(prediction.log_variance / 2).exp().item(),
            classes=(negative, neutral, positive),
            reason=None,
            reliability=reliability,
            routing=routing,
        )

    def _text(self, window: Window, audio: StreamWindow) -> StreamWindow:
        said = tuple(word.text for word in window.words)
        if said != self._encoded[0]:
            self._encoded = (said, self._words.encode(list(said)))
        features = self._encoded[1]
        return StreamWindow(
            features, np.ones(len(features), np.bool_), self._heard_well(window, audio)
        )

    def _heard_well(self, window: Window, audio: StreamWindow) -> Evidence:
        # Where the sound is late its words are not: they were held against its voice activity.
        share = audio.evidence.measures.get("speech_share", float(bool(window.words)))
        return words_evidence(window, share, audio.mask)

    @torch.inference_mode()
    def _predict(self, streams: Mapping[Stream, StreamWindow]) -> Prediction:
        features = {
            stream: torch.tensor(
                checked(f"{stream} features", part.features, ("steps", "size")), device=self._device
            )[None]
            for stream, part in streams.items()
        }
        masks = {
            stream: torch.tensor(part.mask, device=self._device)[None]
            for stream, part in streams.items()
        }

        def published(stream: Stream, own: Tensor) -> Tensor:
            return own.new_tensor([combine(stream, own.item(), streams[stream].evidence)])

        prediction: Prediction = self._network(features, masks, trust=published)
        return prediction


def _reliability(
    streams: Mapping[Stream, StreamWindow], model: Mapping[Stream, float]
) -> dict[Stream, StreamReliability]:
    return {
        stream: StreamReliability(
            value=combine(stream, model.get(stream, 0.0), streams[stream].evidence),
            model=model.get(stream, 0.0),
            evidence=streams[stream].evidence.score,
            reason=streams[stream].evidence.reason,
        )
        for stream in STREAMS
        if stream in streams
    }


def _abstain(
    streams: Mapping[Stream, StreamWindow],
    model: Mapping[Stream, float],
    routing: dict[Stream, tuple[float, ...]],
) -> Estimate:
    reliability = _reliability(streams, model)
    why = "; ".join(
        f"{stream}: {part.reason or 'unreliable'}" for stream, part in reliability.items()
    )
    return Estimate(None, None, None, f"nothing is reliable ({why})", reliability, routing)
