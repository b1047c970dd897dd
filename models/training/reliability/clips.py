"""Labelled clips of people, each stream's raw signal damaged and read as a live session."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel

from models.checkpoint_files import tuned_weights
from models.degradation import AudioDamage, VideoDamage, WordsDamage
from models.features.face import Face
from models.features.face_reader import FaceReader
from models.features.voice import encode, hidden_states
from models.features.voice_features import voice_features
from models.features.voice_history import VoiceHistory
from models.features.voice_reader import Reader
from models.features.words import WordsEncoder
from models.qamoe import CLASSES
from models.reliability import audio_evidence, face_evidence, words_evidence
from models.training import corpora, views
from models.training.corpora import Example, Split
from models.training.reliability.people import noises
from models.training.reliability.rows import KINDS, case_damage
from models.training.reliability.stage import Stage
from models.voice_activity import VoiceActivity
from models.watching import face_landmarker
from streamer.errors import SourceError
from streamer.packets import (
    SAMPLE_RATE,
    SECOND,
    Evidence,
    Flags,
    Floats,
    Stream,
    Window,
    Word,
    Words,
)
from streamer.settings import DamageSettings

PAST = 3
"""Other clips of a speaker that a session has heard before."""

WINDOW = 4.0
STEPS = 20
WORD = SECOND // 3
"""Time of each word of a text, ns."""

CONFIDENCE, LOG_PROBABILITY, NO_SPEECH, COMPRESSION = 0.96, -0.2, 0.1, 1.2
"""Whisper's figures for clean speech, which texts have not got."""

MOVING = frozenset({"freeze", "gap", "frame_rate"})
"""Kinds of damage that a still cannot have."""

HARD = 0.8
"""Evidence of an undamaged still above which it is used: FER2013's 48 pixels are often blurred."""


@dataclass(frozen=True)
class Clip:
    """One stream of one example: ``features`` (steps, size), ``mask`` (steps,), evidence, and the
    label as ``value`` in [-1, 1]."""

    features: Floats
    mask: Flags
    evidence: Evidence
    value: float


@dataclass(frozen=True)
class Readers:
    """What clips are read by, as live. ``face`` opens a reader for single pictures; ``hop`` is in
    ns."""

    whisper: WhisperModel
    voice: Reader
    words: WordsEncoder
    face: Callable[[], FaceReader]
    hop: int

    @staticmethod
    def of(stage: Stage) -> "Readers":
        """Those of the live line."""
        landmarker, weights = (
            face_landmarker(stage.settings),
            tuned_weights(stage.settings, "vision"),
        )
        return Readers(
            stage.whisper,
            stage.voice,
            stage.words,
            lambda: FaceReader(landmarker, weights, "image"),
            stage.settings.window.hop_ns,
        )


class Clips:
    """``counts`` examples of one split of each stream, the classes equally often. A voice is held
    against other clips of its speaker: any, or only those among its examples (``own_past``), which
    are heard anyway.

    Raises SourceError where a corpus is not in ``data``, or not with examples of every class.
    """

    def __init__(
        self,
        data: Path,
        counts: Mapping[Stream, int],
        readers: Readers,
        rng: np.random.Generator,
        split: Split,
        *,
        own_past: bool = False,
    ) -> None:
        self._readers = readers
        self._noise = noises(data, "report" if split == "test" else "fit")
        self._pictures = corpora.face_pictures(data)
        speech = corpora.voices(data)
        self._examples: dict[Stream, list[Example]] = {
            "text": _drawn(corpora.texts(data), split, counts["text"], rng),
            "audio": _drawn(speech, split, counts["audio"], rng),
            "vision": self._sharp(corpora.faces(data), split, counts["vision"], rng),
        }
        for stream, examples in self._examples.items():
            if len({example.label for example in examples}) < len(CLASSES):
                raise SourceError(f"{stream} of {data}: must hold {split} examples of every class")
        self._speech = self._examples["audio"] if own_past else speech
        self._kept: dict[str, tuple[Floats, Flags]] = {}
        self._pasts = [self._past(example, rng) for example in self._examples["audio"]]
        self._clean: dict[Stream, list[Clip]] = {}

    @property
    def labels(self) -> dict[Stream, list[int]]:
        """The class of each clip."""
        return {m: [example.label for example in of] for m, of in self._examples.items()}

    def clean(self, stream: Stream) -> Sequence[Clip]:
        if stream not in self._clean:
            self._clean[stream] = self.read(stream, [None] * len(self._examples[stream]))
        return self._clean[stream]

    def damaged(self, stream: Stream, kind: str, severity: float) -> Sequence[Clip]:
        """All clips of ``stream`` with one kind of damage throughout."""
        return self.read(stream, [(kind, severity)] * len(self._examples[stream]))

    def read(self, stream: Stream, cases: Sequence[tuple[str, float] | None]) -> list[Clip]:
        """All clips of ``stream``, each with its own kind and severity of damage throughout; None:
        as it is."""
        damages = [self._damages(stream, number, case) for number, case in enumerate(cases)]
        if stream == "vision":
            return self._faces(damages)
        read = self._voice if stream == "audio" else self._text
        return [read(number, of_clip) for number, of_clip in enumerate(damages)]

    def _damages(
        self, stream: Stream, number: int, case: tuple[str, float] | None
    ) -> list[DamageSettings]:
        if case is None:
            return []
        kind, severity = case
        file = self._noise[7 * number % len(self._noise)] if kind == "surroundings" else None
        return [case_damage(stream, kind, severity, file)]

    def _voice(self, number: int, damages: list[DamageSettings]) -> Clip:
        example = self._examples["audio"][number]
        rng = np.random.default_rng(number)
        samples = AudioDamage(damages, rng).apply(views.decode(Path(example.content)), 0)
        steps, mask, speech = self._heard(samples)
        relative = self._pasts[number].normalise(steps)
        features = self._readers.voice.read(relative[None], mask[None])[0]
        count = round(WINDOW * SAMPLE_RATE)
        of_window = speech[-(len(speech) * count // max(len(samples), count)) :]
        evidence = audio_evidence(samples[-count:], of_window)
        return Clip(features, mask, evidence, example.value)

    def _heard(self, samples: Floats) -> tuple[Floats, Flags, Floats]:
        speech = VoiceActivity()(samples)
        hidden = hidden_states(encode(self._readers.whisper, samples), len(samples) / SAMPLE_RATE)
        return *voice_features(hidden, samples, speech, WINDOW), speech

    def _undamaged(self, path: str) -> tuple[Floats, Flags]:
        if path not in self._kept:
            self._kept[path] = self._heard(views.decode(Path(path)))[:2]
        return self._kept[path]

    def _past(self, example: Example, rng: np.random.Generator) -> VoiceHistory:
        """What a session knows of the speaker."""
        others = [e for e in self._speech if e.person == example.person and e != example]
        history = VoiceHistory(self._readers.voice.prior)
        for index in rng.permutation(len(others))[:PAST]:
            steps, mask = self._undamaged(others[index].content)
            history.hear(steps, mask)
        return history

    def _text(self, number: int, damages: list[DamageSettings]) -> Clip:
        example = self._examples["text"][number]
        said = tuple(
            Word(word, place * WORD, (place + 1) * WORD, CONFIDENCE)
            for place, word in enumerate(example.content.split()[-12:])
        )
        end = max(1, len(said)) * WORD
        hop = self._readers.hop
        heard = Words(end // hop, said, end, NO_SPEECH, LOG_PROBABILITY, COMPRESSION, ended=True)
        heard = WordsDamage(damages, np.random.default_rng(number), hop).apply(heard)
        spoken = np.ones(max(1, end * 5 // SECOND), np.bool_)
        window = Window(0, 0, end, 0, heard.words, 0, heard, {})
        evidence = words_evidence(window, 1.0, spoken)
        features = self._readers.words.encode([word.text for word in heard.words])
        return Clip(features, np.ones(len(features), np.bool_), evidence, example.value)

    def _faces(self, damages: Sequence[list[DamageSettings]]) -> list[Clip]:
        clips = []
        with closing(self._readers.face()) as reader:
            for number, (example, of_clip) in enumerate(
                zip(self._examples["vision"], damages, strict=True)
            ):
                picture = views.framed(self._pictures[int(example.content)])
                own = VideoDamage(of_clip, np.random.default_rng(number))
                at = number * SECOND
                place = reader.read(picture, at).landmarks if own.seeks_face else None
                shown = own.apply(picture, 0, place)
                if shown is not None:
                    clips.append(_still(reader.read(shown, at + SECOND // 2), example.value))
        return clips

    def _sharp(
        self, examples: Sequence[Example], split: Split, count: int, rng: np.random.Generator
    ) -> list[Example]:
        """Of three times as many stills those that look undamaged to the evidence."""
        drawn = _drawn(examples, split, 3 * count, rng)
        self._examples = {"vision": drawn}
        clips = self._faces([[]] * len(drawn))
        clear = [e for e, clip in zip(drawn, clips, strict=True) if clip.evidence.score > HARD]
        return _drawn(clear, split, count, rng)


def kinds_of_clips() -> Iterator[tuple[Stream, str]]:
    """All kinds of damage that a clip can have, each with its stream."""
    for stream, kinds in KINDS.items():
        for kind in kinds:
            if stream != "vision" or kind not in MOVING:
                yield stream, kind


def _still(face: Face, value: float) -> Clip:
    """A face that stays as it is for a window, at the live rate."""
    count = 15 * round(WINDOW)
    measures = np.repeat(face.measures[None], count, axis=0)
    found = np.full(count, face.found)
    ages = (np.arange(count, 0, -1) / 15).astype(np.float32)
    evidence = face_evidence(measures, found, ages, WINDOW, 15)
    features = np.repeat(face.features[None], STEPS, axis=0).astype(np.float32)
    return Clip(features, np.full(STEPS, face.found), evidence, value)


def _drawn(
    examples: Sequence[Example], split: Split, count: int, rng: np.random.Generator
) -> list[Example]:
    found: list[Example] = []
    for label in range(3):
        of = [e for e in examples if e.split == split and e.label == label]
        found += [of[i] for i in rng.permutation(len(of))[: count // 3]]
    return found
