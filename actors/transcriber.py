"""The transcriber: sound in, voice features and words out, from one encoding per hop."""

from typing import Any

import numpy as np
from faster_whisper import WhisperModel

from actors.channel import Channel, channel_to
from models.degradation import WordsDamage
from models.features.steps import step_count
from models.features.voice import encode, hidden_states
from models.features.voice_features import VOICE_SIZE, voice_features
from models.reliability import audio_evidence
from models.transcription import Recognizer, StreamingTranscriber
from streamer.assets import Assets
from streamer.errors import AssetError
from streamer.packets import SAMPLE_RATE, AudioHop, Flags, Floats, VoiceFrames, Words
from streamer.settings import Settings

STOP_TIMEOUT = 2.0


class Transcriber:
    """Sends two packets for every hop: first the voice, then, once decoded, the words.

    The voice goes out before decoding begins, so that words never hold it up.
    Raises AssetError where the model is missing or cannot be read.
    """

    def __init__(self, settings: Settings, output: Any) -> None:
        """``output`` takes the packets: a function, or a method of a Ray actor."""
        self._channel: Channel[VoiceFrames | Words] = channel_to(
            output, settings.paced, "transcriber to analyzer"
        )
        self._damage = WordsDamage(
            settings.damage, np.random.default_rng(0), settings.window.hop_ns
        )
        self._window = settings.window.length
        self._threshold = settings.transcriber.speech_threshold
        self._model = load_whisper(settings)
        self._stream = StreamingTranscriber(
            Recognizer(self._model),
            window=settings.window.length,
            buffer=settings.transcriber.buffer,
            threshold=self._threshold,
        )

    def open(self) -> str:
        """Warm up: the first pass of each kernel is several times slower than the rest."""
        encoded = encode(self._model, np.zeros(SAMPLE_RATE, np.float32))
        Recognizer(self._model).hear(encoded, 1.0, 0)
        return "Whisper tiny.en"

    def push(self, hop: AudioHop) -> None:
        """Take in the sound of the next hop."""
        stream = self._stream
        stream.extend(hop)
        encoded = None
        features, mask = _silence(self._window)
        if (stream.speech > self._threshold).any():
            encoded = encode(self._model, stream.samples)
            hidden = hidden_states(encoded, stream.seconds)
            features, mask = voice_features(hidden, stream.samples, stream.speech, self._window)
        samples = round(self._window * SAMPLE_RATE)
        speech = len(stream.speech) * samples // max(len(stream.samples), 1)
        evidence = audio_evidence(stream.samples[-samples:], stream.speech[-speech:])
        present = float(np.isfinite(hop.samples).mean())
        self._channel.put(
            VoiceFrames(hop.hop, features, mask, evidence, present, hop.dropped, hop.ended)
        )
        self._channel.put(self._damage.apply(stream.update(encoded, hop)))

    def stats(self) -> dict[str, float]:
        """Packets dropped or failed on their way to the analyzer.

        Raises PipelineError where one was not delivered.
        """
        self._channel.check()
        return {"dropped": self._channel.dropped, "failed": self._channel.failed}

    def stop(self) -> None:
        """Deliver what waits, for a few seconds at most."""
        self._channel.close(STOP_TIMEOUT)


def load_whisper(settings: Settings) -> WhisperModel:
    """The Whisper model of the settings, int8, on the processor, one thread.

    Raises AssetError where it is missing or cannot be read.
    """
    folder = Assets(settings.assets).path("whisper-tiny.en")
    try:
        return WhisperModel(
            str(folder), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True
        )
    except (RuntimeError, ValueError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise AssetError(f"speech model in {folder}: {reason}") from None


def _silence(seconds: float) -> tuple[Floats, Flags]:
    steps = step_count(seconds)
    return np.zeros((steps, VOICE_SIZE), np.float32), np.zeros(steps, np.bool_)
