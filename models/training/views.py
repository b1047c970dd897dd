"""The views of each stream: how clean and damaged features come out of the raw material."""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import av
import cv2
import numpy as np

from models.features.face_reader import FaceReader
from models.features.prosody import prosody_steps
from models.features.voice import encode, hidden_states, voice_steps
from models.features.words import WordsEncoder
from models.training.corpora import Example, face_pictures
from models.training.extraction import Sequences, ViewExtractor
from models.voice_activity import STEP, VoiceActivity
from streamer.errors import SourceError
from streamer.packets import SAMPLE_RATE, Floats, Image

CLIP_SECONDS = 4.0
"""The end of a clip that becomes a sequence: the default window."""

WORD_DROP_LEVELS = (0.0, 0.25, 0.5, 0.75)
"""Share of words that are taken out of a text before it is encoded."""

GAIN_DECIBELS = (-24.0, 6.0)
"""Range of the recording level in the voice view "gain"."""

SNR_DECIBELS = (-5.0, 15.0)
"""Range of the ratio of speech to added noise in the voice view "noise"."""

FACE_SIDE, FACE_BORDER = 192, 64
"""A 48 px face is enlarged and framed so that the landmarker, made for pictures, finds it."""


SoundDamage = Callable[[Floats, np.random.Generator], Floats]
"""What is done to the samples of a clip."""


def words(folder: Path, tuned: Path, level: float) -> ViewExtractor:
    """Texts with each word dropped with probability ``level``, by the word model in ``folder``."""
    encoder = WordsEncoder(folder, tuned)

    def extract(examples: Sequence[Example], rng: np.random.Generator) -> Sequences:
        kept = [
            " ".join(word for word in example.content.split() if rng.random() >= level)
            for example in examples
        ]
        return [(states, np.ones(len(states), np.bool_)) for states in encoder.encode_texts(kept)]

    return extract


def voice(folder: Path, damage: SoundDamage) -> ViewExtractor:
    """Whisper's voice steps of sound files after ``damage``, by the model in ``folder``."""
    from faster_whisper import WhisperModel

    model = WhisperModel(
        str(folder), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True
    )

    def extract(examples: Sequence[Example], rng: np.random.Generator) -> Sequences:
        sequences = []
        for example in examples:
            samples = damage(decode(Path(example.content)), rng)
            hidden = hidden_states(encode(model, samples), len(samples) / SAMPLE_RATE)
            sequences.append(voice_steps(hidden, VoiceActivity()(samples), CLIP_SECONDS))
        return sequences

    return extract


def prosody(damage: SoundDamage) -> ViewExtractor:
    """Prosody of sound files after ``damage``: in a view of the same name, and so with the same
    random numbers, of the very same sound as ``voice``. The masks say nothing."""

    def extract(examples: Sequence[Example], rng: np.random.Generator) -> Sequences:
        steps = [
            prosody_steps(damage(decode(Path(example.content)), rng), CLIP_SECONDS)
            for example in examples
        ]
        return [(features, np.ones(len(features), np.bool_)) for features in steps]

    return extract


def as_recorded(samples: Floats, _: np.random.Generator) -> Floats:
    """No damage."""
    return samples


def gain(samples: Floats, rng: np.random.Generator) -> Floats:
    """Another level, and a start and end that cut into the sentence as a window does."""
    start, end = rng.integers(0, 1 + len(samples) // (5 * STEP), 2) * STEP
    level = 10 ** (rng.uniform(*GAIN_DECIBELS) / 20)
    heard = samples[start : len(samples) - end] * np.float32(level)
    clipped: Floats = np.clip(heard, -1, 1).astype(np.float32)
    return clipped


def environmental_noise(data: Path) -> SoundDamage:
    """Adds a piece of ESC-10's recordings in ``data``."""
    recordings = [decode(path) for path in sorted((data / "noise" / "esc10").glob("*.opus"))]
    if not recordings:
        raise SourceError(f"no noise in {data / 'noise' / 'esc10'}: ESC-10 belongs there")

    def add(samples: Floats, rng: np.random.Generator) -> Floats:
        noise = np.resize(recordings[rng.integers(len(recordings))], len(samples))
        noise = np.roll(noise, rng.integers(len(noise)))
        ratio = 10 ** (rng.uniform(*SNR_DECIBELS) / 20)
        scale = _rms(samples) / (_rms(noise) * ratio)
        heard = samples + noise * np.float32(scale)
        mixed: Floats = np.clip(heard, -1, 1).astype(np.float32)
        return mixed

    return add


def decode(path: Path, sample_rate: int = SAMPLE_RATE) -> Floats:
    """A sound file as mono samples in [-1, 1], cut to whole steps of voice activity and 10 s."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("flt", "mono", sample_rate)
        frames = [
            resampled.to_ndarray()[0]
            for frame in (*container.decode(audio=0), None)
            for resampled in resampler.resample(frame)
        ]
    samples = np.concatenate(frames)[-10 * sample_rate :]
    return samples[: len(samples) // STEP * STEP].astype(np.float32)


def face(
    task: Path, tuned: Path, data: Path, damage: Callable[[Image, np.random.Generator], Image]
) -> ViewExtractor:
    """FER2013's faces after ``damage``, one step each, masked where no face is found."""
    pictures = face_pictures(data)

    def extract(examples: Sequence[Example], rng: np.random.Generator) -> Sequences:
        with closing(FaceReader(task, tuned, "image")) as reader:
            faces = [
                reader.read(damage(framed(pictures[int(example.content)]), rng), 0)
                for example in examples
            ]
        return [(face.features[None], np.array([face.found])) for face in faces]

    return extract


def as_taken(image: Image, _: np.random.Generator) -> Image:
    """No damage."""
    return image


def spoiled(image: Image, rng: np.random.Generator) -> Image:
    """One of: out of focus, sensor noise, too dark, too bright, something before the face."""
    severity = rng.uniform(0.2, 1)
    kind = rng.choice(("focus", "noise", "dark", "bright", "cover"))
    light = image.astype(np.float64)
    if kind == "focus":
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), 12 * severity), np.float64)
    elif kind == "noise":
        light += rng.normal(0, 90 * severity, (*image.shape[:2], 1))
    elif kind == "dark":
        light = light * (1 - 0.9 * severity) + rng.normal(0, 4, image.shape)
    elif kind == "bright":
        light *= 1 + 3 * severity
    else:
        size = (rng.uniform(0.2, 0.5, 2) * FACE_SIDE).astype(int)
        top, left = (FACE_BORDER + rng.random(2) * (FACE_SIDE - size)).astype(int)
        light[top : top + size[0], left : left + size[1]] = rng.integers(256)
    return np.clip(light, 0, 255).astype(np.uint8)


def framed(picture: Image) -> Image:
    """A 48 px grey face, enlarged and framed so that the landmarker finds it."""
    enlarged = cv2.resize(picture, (FACE_SIDE, FACE_SIDE), interpolation=cv2.INTER_CUBIC)
    border = (FACE_BORDER,) * 4
    bordered = cv2.copyMakeBorder(enlarged, *border, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.cvtColor(bordered, cv2.COLOR_GRAY2BGR), np.uint8)


def _rms(samples: Floats) -> float:
    return float(np.sqrt(np.mean(np.square(samples)) + 1e-12))
