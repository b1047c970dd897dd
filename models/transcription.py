"""Speech to words while the speaker is still speaking.

Whisper hears the last few seconds again with every hop. A word counts as final once two
hypotheses in a row agree on it (local agreement, Macháček et al. 2023, arXiv 2307.14743), and
what is final is never taken back. The encoder output is computed once per hop by
``models.features.voice.encode`` and serves both the words and the voice features.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ctranslate2 import StorageView
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_compression_ratio, merge_punctuations

from models.features.voice import PADDING_SECONDS
from streamer.packets import SAMPLE_RATE, SECOND, AudioHop, Floats, Word, Words

BEAM_SIZE = 2
"""With one beam the decoder often stops early on a cut-off sentence, and words come late."""

TOKENS_PER_SECOND = 10
"""More than anybody speaks: a longer hypothesis is a repetition loop and is cut there."""

COMPRESSION_LIMIT = 2.4
NO_SPEECH_LIMIT = 0.6
"""Whisper's own limits for a failed or silent segment (Radford et al. 2022, section 4.5)."""

LOG_PROBABILITY_LIMIT = -0.75
"""Whisper's own is -1.0: what it invents in sneezes and chainsaws lies between the two, with 2 % of
the hypotheses of clean speech."""

DOUBTED_LOG_PROBABILITY = -0.4
"""Limit where Whisper also thinks that nobody speaks."""

SPOKEN_SECONDS = 0.06
"""A word is believed only where its time holds at least this much speech."""

UNHEARD_SECONDS = 0.04
"""Words shorter than this at the end of a hypothesis were foretold, not heard."""

UNSETTLED_SECONDS = 0.2
"""A word that ends closer to the end of the sound may still be going on."""

PATIENCE_SECONDS = 1.5
"""A word this old is taken as it is now heard, agreed on or not: late words are of little use."""

TRAILING_SILENCE_SECONDS = 0.4
"""After this much silence nothing that was said is still to be completed."""

PREPENDED = "\"'“¿([{-"
APPENDED = "\"'.。,，!！?？:：”)]}、"  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What one pass over the buffer heard, with Whisper's own quality figures."""

    words: tuple[Word, ...] = ()
    no_speech: float = 0.0
    log_probability: float = 0.0
    compression: float = 0.0

    @property
    def failed(self) -> bool:
        return (
            self.compression > COMPRESSION_LIMIT
            or self.log_probability < LOG_PROBABILITY_LIMIT
            or (self.no_speech > NO_SPEECH_LIMIT and self.log_probability < DOUBTED_LOG_PROBABILITY)
        )


class Recognizer:
    """One pass of Whisper's decoder over an encoder output."""

    def __init__(self, model: WhisperModel) -> None:
        self._model = model
        self._tokenizer = Tokenizer(
            model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language="en"
        )

    def hear(self, encoded: StorageView, seconds: float, start: int) -> Hypothesis:
        """Words of ``seconds`` of sound that began at ``start`` (ns) and was encoded with the
        padding of ``models.features.voice.encode``."""
        prompt = [*self._tokenizer.sot_sequence, self._tokenizer.no_timestamps]
        limit = len(prompt) + int(TOKENS_PER_SECOND * seconds) + 10
        result = self._model.model.generate(
            encoded,
            [prompt],
            beam_size=BEAM_SIZE,
            max_length=limit,
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        tokens = [token for token in result.sequences_ids[0] if token < self._tokenizer.eot]
        text = self._tokenizer.decode(tokens).strip()
        if not text:
            return Hypothesis(no_speech=float(result.no_speech_prob))
        return Hypothesis(
            words=self._times(encoded, tokens, seconds, start),
            no_speech=float(result.no_speech_prob),
            log_probability=float(result.scores[0]),
            compression=float(get_compression_ratio(text)),
        )

    def _times(
        self, encoded: StorageView, tokens: list[int], seconds: float, start: int
    ) -> tuple[Word, ...]:
        mel_frames = round((seconds + PADDING_SECONDS) * 100)
        alignment = self._model.find_alignment(self._tokenizer, [tokens], encoded, mel_frames)[0]
        merge_punctuations(alignment, PREPENDED, APPENDED)
        return tuple(
            Word(
                text=word["word"].strip(),
                start=start + round(min(word["start"], seconds) * SECOND),
                end=start + round(min(word["end"], seconds) * SECOND),
                probability=float(word["probability"]),
            )
            for word in alignment
            if word["word"].strip()
        )


class StreamingTranscriber:
    """Hops of audio in, final words out: ``extend``, encode ``samples``, then ``update``."""

    def __init__(
        self, recognizer: Recognizer, *, window: float, buffer: float, threshold: float
    ) -> None:
        self._recognizer = recognizer
        self._window = round(window * SAMPLE_RATE)
        self.brief = False
        """Keep no more than the window: for as long as nobody asks for words."""
        self._longest = max(round(buffer * SAMPLE_RATE), self._window)
        self._threshold = threshold
        self.samples: Floats = np.zeros(0, np.float32)
        self.speech: Floats = np.zeros(0, np.float32)
        self._end = 0
        self._finals: list[Word] = []
        self._final_until = 0
        self._announced = 0
        self._pending: tuple[Word, ...] = ()

    @property
    def start(self) -> int:
        """Capture time of the first sample in the buffer, ns."""
        return self._end - len(self.samples) * SECOND // SAMPLE_RATE

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE

    @property
    def _buffer(self) -> int:
        return self._window if self.brief else self._longest

    def extend(self, hop: AudioHop) -> None:
        """Append the audio of ``hop`` and forget what has become too old.

        Hops that never came are missing samples. Nothing is known of what was before the first one.
        """
        start = hop.hop * len(hop.samples) * SECOND // SAMPLE_RATE
        if not len(self.samples):
            self._end = self._final_until = self._announced = start
        missing = max(start - self._end, 0) * SAMPLE_RATE // SECOND
        lost = min(round(missing / len(hop.samples)), -(-self._buffer // len(hop.samples)))
        gap = np.full(lost * len(hop.samples), np.nan, np.float32)
        silence = np.zeros(lost * len(hop.speech), np.float32)
        self.samples = np.concatenate([self.samples, gap, hop.samples])
        self.speech = np.concatenate([self.speech, silence, hop.speech])
        self._end = start + len(hop.samples) * SECOND // SAMPLE_RATE
        if len(self.samples) > self._buffer:
            self._trim()

    def update(self, encoded: StorageView | None, hop: AudioHop) -> Words:
        """The words that ``hop`` made final, from the encoding of ``samples``.

        ``encoded`` may be None where ``needs_words`` is false.
        """
        heard = Hypothesis()
        rejected = 0
        if encoded is not None and self.needs_words:
            heard = self._recognizer.hear(encoded, self.seconds, self.start)
            candidates = () if heard.failed else self._unheard(heard.words)
            believed = tuple(word for word in candidates if self._spoken(word))
            rejected = len(heard.words if heard.failed else candidates) - len(believed)
        else:
            believed = ()
        agreed = len(believed) if hop.ended else self._agreed(believed)
        final, self._pending = believed[:agreed], believed[agreed:]
        self._advance(final)
        return Words(
            hop=hop.hop,
            words=final,
            final_until=self._watermark(hop.ended),
            no_speech=heard.no_speech,
            log_probability=heard.log_probability,
            compression=heard.compression,
            rejected=rejected,
            ended=hop.ended,
        )

    @property
    def needs_words(self) -> bool:
        """Whether anybody spoke since the last final word."""
        return bool((self._speech_between(self._final_until, self._end) > self._threshold).any())

    def _unheard(self, words: Sequence[Word]) -> tuple[Word, ...]:
        """Those that follow the final ones; a word heard again at its border is left out."""
        heard = len(words)
        while heard and words[heard - 1].end - words[heard - 1].start < UNHEARD_SECONDS * SECOND:
            heard -= 1
        new = [word for word in words[:heard] if (word.start + word.end) // 2 > self._final_until]
        for count in range(min(3, len(new), len(self._finals)), 0, -1):
            near = new[0].start - self._final_until < SECOND // 2
            if near and _keys(new[:count]) == _keys(self._finals[-count:]):
                return tuple(new[count:])
        return tuple(new)

    def _agreed(self, words: Sequence[Word]) -> int:
        """How many leading ``words`` the hypothesis before had too, but for unsettled ones; at
        least those that have waited long enough."""
        settled = self._end - round(UNSETTLED_SECONDS * SECOND)
        overdue = self._end - round(PATIENCE_SECONDS * SECOND)
        agreed = 0
        for before, now in zip(_keys(self._pending), _keys(words), strict=False):
            if before != now or words[agreed].end > settled:
                break
            agreed += 1
        return max(agreed, sum(word.end <= overdue for word in words))

    def _spoken(self, word: Word) -> bool:
        margin = SECOND // 10
        speech = self._speech_between(word.start - margin, word.end + margin)
        return float((speech > self._threshold).sum()) * self._step >= SPOKEN_SECONDS * SECOND

    def _speech_between(self, start: int, end: int) -> Floats:
        first = max(int((start - self.start) // self._step), 0)
        last = max(int(-((end - self.start) // -self._step)), 0)
        return self.speech[first:last]

    @property
    def _step(self) -> float:
        """Length of one voice activity step, ns."""
        return len(self.samples) * SECOND / SAMPLE_RATE / len(self.speech)

    def _advance(self, final: tuple[Word, ...]) -> None:
        self._finals = [*self._finals, *final][-8:]
        if final:
            self._final_until = max(self._final_until, final[-1].end)
        silence = self._end - round(TRAILING_SILENCE_SECONDS * SECOND)
        quiet = not (self._speech_between(silence, self._end) > self._threshold).any()
        if not self._pending and quiet:
            self._final_until = max(self._final_until, silence)

    def _watermark(self, ended: bool) -> int:
        """Up to where nothing more is to come: the pause before the next word counts, too."""
        if ended:
            return self._end
        first = self._pending[0].start if self._pending else 0
        self._announced = max(self._announced, self._final_until, first)
        return self._announced

    def _trim(self) -> None:
        """Cut behind a final word, but keep a window's length, and at most the buffer's."""
        keep = self._end - self._window * SECOND // SAMPLE_RATE
        oldest = self._end - self._buffer * SECOND // SAMPLE_RATE
        ends = [word.end for word in self._finals if oldest <= word.end <= keep]
        cut = max(ends, default=oldest)
        steps = int((cut - self.start) // self._step)
        self.samples = self.samples[steps * len(self.samples) // len(self.speech) :]
        self.speech = self.speech[steps:]


def _key(word: Word) -> str:
    return "".join(character for character in word.text.lower() if character.isalnum())


def _keys(words: Sequence[Word]) -> list[str]:
    return [_key(word) for word in words]
