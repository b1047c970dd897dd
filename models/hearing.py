"""From sound to voice features and words, hop by hop, from one encoding per hop."""

import math
from collections.abc import Iterator

import numpy as np
from faster_whisper import WhisperModel

from models.degradation import WordsDamage
from models.features.steps import STEP_SECONDS, step_count
from models.features.voice import HIDDEN_RATE, encode, hidden_states
from models.features.voice_features import VOICE_SIZE, voice_features
from models.reliability import audio_evidence
from models.transcription import Recognizer, StreamingTranscriber
from streamer.assets import Assets
from streamer.errors import AssetError
from streamer.packets import SAMPLE_RATE, AudioHop, Flags, Floats, VoiceFrames, Words
from streamer.settings import Settings


class Hearing:
    """One microphone's sound, heard. Damage to words that the settings ask for is done here."""

    def __init__(self, settings: Settings, model: WhisperModel) -> None:
        self._damage = WordsDamage(
            settings.damage, np.random.default_rng(0), settings.window.hop_ns
        )
        self._window = settings.window.length
        self._threshold = settings.transcriber.speech_threshold
        self._model = model
        self._stream = StreamingTranscriber(
            Recognizer(model),
            window=settings.window.length,
            buffer=settings.transcriber.buffer,
            threshold=self._threshold,
        )
        self._hop = settings.window.hop
        self._hops, self._words = 1, True
        self._hidden: Floats | None = None
        self._unheard = 0

    def warm_up(self) -> None:
        """The first pass of each kernel is several times slower than the rest."""
        encoded = encode(self._model, np.zeros(SAMPLE_RATE, np.float32))
        Recognizer(self._model).hear(encoded, 1.0, 0)

    def ease(self, hops: int, words: bool) -> None:
        """From now on listen anew every so many hops, for words as well or for the voice alone."""
        self._hops, self._words = hops, words
        self._stream.brief = not words

    def skip(self, hop: AudioHop) -> None:
        """Only remember the sound of the next hop."""
        self._stream.extend(hop)
        self._unheard += 1

    def hear(self, hop: AudioHop, *, encode_voice: bool = True) -> Iterator[VoiceFrames | Words]:
        """Two packets for the sound of the next hop: the voice, and, once it was taken, the words.

        Decoding begins only then, so that words never hold the voice up. Where it is not the hop's
        turn, its voice is what was heard before, without the end, and there are no words. Without
        ``encode_voice`` the sound is judged but not listened to: there are neither features nor
        words.
        """
        stream = self._stream
        self.skip(hop)
        encoded = None
        features, mask = _silence(self._window)
        speaks = encode_voice and bool((stream.speech > self._threshold).any())
        if not speaks:
            self._hidden = None
        elif self._hidden is None or self._unheard >= self._hops or hop.ended:
            encoded = encode(self._model, stream.samples)
            self._hidden = hidden_states(encoded, stream.seconds)
            self._unheard = 0
        if self._hidden is not None:
            features, mask = self._voice(self._hidden)
        samples = round(self._window * SAMPLE_RATE)
        speech = len(stream.speech) * samples // max(len(stream.samples), 1)
        evidence = audio_evidence(stream.samples[-samples:], stream.speech[-speech:])
        present = float(np.isfinite(hop.samples).mean())
        yield VoiceFrames(
            hop.hop, features, mask, evidence, present, hop.dropped, hop.ended, hop.fault
        )
        has_turn = encoded is not None or not stream.needs_words
        if hop.ended or (self._words and has_turn):
            yield self._damage.apply(stream.update(encoded, hop))

    def _voice(self, hidden: Floats) -> tuple[Floats, Flags]:
        """Features and mask of the window from what was ``hidden`` in the sound heard last; the
        steps that it does not reach count as without speech."""
        stream = self._stream
        unheard = self._unheard * self._hop
        still = np.pad(hidden, ((0, round(unheard * HIDDEN_RATE)), (0, 0)))
        still = still[-round(stream.seconds * HIDDEN_RATE) :]
        features, mask = voice_features(still, stream.samples, stream.speech, self._window)
        mask[len(mask) - math.ceil(unheard / STEP_SECONDS) :] = False
        return features, mask


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
