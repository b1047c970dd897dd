"""Sounds without words: recordings of noise, and silence, noise, hum, tones and music made here."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from models.degradation.background import babble, speech_shaped_noise
from streamer.errors import SettingError
from streamer.media import decoded
from streamer.packets import SAMPLE_RATE, Floats

HUMAN = ("baby_cry", "person_sneeze")
"""Classes of ESC-10 that a human voice makes."""

LEVELS: Mapping[str, float] = MappingProxyType({"as recorded": 0, "quiet": -20, "clipped": 12})
"""Gains in dB at which each recording is heard; what exceeds full scale is clipped."""

MADE_SECONDS = 10
"""Length of a sound made here: longer than the 8 s that the transcriber looks back."""

MADE_LEVELS = (-60, -45, -30, -15)
"""Root mean squares, in dB of full scale, at which each sound made here is heard."""


Strengths = npt.NDArray[np.float64]
"""Amplitudes of a note and its overtones."""


@dataclass(frozen=True, slots=True)
class Noise:
    """``samples`` (n,) at 16 kHz of one ``kind`` of sound. Sounds of one ``source`` are no
    independent samples: takes of one original recording, or one sound at several levels."""

    kind: str
    source: str
    level: str
    samples: Floats


def recorded(folder: Path, stride: int = 1) -> Iterator[Noise]:
    """Each ``stride``-th recording of ESC-10 (Piczak, 2015) at each of LEVELS.

    ``folder`` holds files named class_fold-original-take.opus; of each class the first and so on.
    Raises SettingError where it holds none.
    """
    files = sorted(folder.glob("*.opus"))
    if not files:
        raise SettingError(f"noise folder {folder}: must hold the recordings of ESC-10 (.opus)")
    by_class: dict[str, list[Path]] = {}
    for file in files:
        by_class.setdefault(file.stem.rpartition("_")[0], []).append(file)
    for kind, recordings in by_class.items():
        for file in recordings[::stride]:
            samples = read(file)
            for level, decibels in LEVELS.items():
                louder = np.clip(samples * 10 ** (decibels / 20), -1, 1).astype(np.float32)
                yield Noise(kind, file.stem.rpartition("-")[0], level, louder)


def made(seeds: int = 5) -> Iterator[Noise]:
    """Digital silence, then each other kind of MADE ``seeds`` times at each of MADE_LEVELS."""
    length = MADE_SECONDS * SAMPLE_RATE
    yield Noise("digital silence", "silence", "", np.zeros(length, np.float32))
    for kind, make in MADE.items():
        for seed in range(seeds):
            samples = make(length, np.random.default_rng(seed))
            samples = samples / np.sqrt(np.mean(np.square(samples)))
            for level in MADE_LEVELS:
                heard = np.clip(samples * 10 ** (level / 20), -1, 1).astype(np.float32)
                yield Noise(kind, f"{kind} {seed}", f"{level} dB", heard)


def read(file: Path) -> Floats:
    """The sound of ``file`` (n,) at 16 kHz."""
    return decoded(str(file))


def _white(length: int, generator: np.random.Generator) -> Floats:
    return generator.standard_normal(length).astype(np.float32)


def _pink(length: int, generator: np.random.Generator) -> Floats:
    """Noise whose power falls by 3 dB an octave, from 20 Hz on."""
    spectrum = np.fft.rfft(generator.standard_normal(length))
    frequencies = np.fft.rfftfreq(length, 1 / SAMPLE_RATE)
    pink = np.where(frequencies < 20, 0, spectrum / np.sqrt(np.maximum(frequencies, 20)))
    return np.fft.irfft(pink, length).astype(np.float32)


def _hum(length: int, generator: np.random.Generator) -> Floats:
    """Mains at 50 Hz with nine overtones of random strength."""
    return _note(length, 50.0, generator.uniform(0, 1, 10))


def _tone(length: int, generator: np.random.Generator) -> Floats:
    """One steady sine between 100 Hz and 4 kHz."""
    return _note(length, 100 * 40 ** generator.uniform(), np.ones(1))


def _chord(length: int, generator: np.random.Generator) -> Floats:
    """A steady major or minor triad with overtones."""
    third = generator.choice([3, 4])
    root = 110 * 2 ** (generator.integers(24) / 12)
    strengths = 1 / np.arange(1, 7)
    notes = [_note(length, root * 2 ** (step / 12), strengths) for step in (0, third, 7)]
    return np.asarray(np.sum(notes, axis=0), np.float32)


def _melody(length: int, generator: np.random.Generator) -> Floats:
    """Plucked notes of a pentatonic scale, 0.25 or 0.5 s each, over a bass note every second."""
    music = np.zeros(length, np.float32)
    strengths = 1 / np.arange(1, 7) ** 1.5
    root = 220 * 2 ** (generator.integers(12) / 12)
    at = 0
    while at < length:
        duration = int(generator.choice([SAMPLE_RATE // 4, SAMPLE_RATE // 2]))
        step = generator.choice([0, 2, 4, 7, 9, 12])
        _pluck(music, at, 2 * duration, root * 2 ** (step / 12), strengths)
        at += duration
    for at in range(0, length, SAMPLE_RATE):
        step = generator.choice([-24, -17, -15])
        _pluck(music, at, SAMPLE_RATE, root * 2 ** (step / 12), strengths)
    return music


def _pluck(music: Floats, at: int, length: int, hertz: float, strengths: Strengths) -> None:
    """Add a note that dies away within ``length`` samples to ``music``, from sample ``at`` on."""
    length = min(length, len(music) - at)
    fading = np.exp(-4 * np.arange(length) / SAMPLE_RATE) * np.minimum(1, np.arange(length) / 80)
    music[at : at + length] += _note(length, hertz, strengths) * fading.astype(np.float32)


def _note(length: int, hertz: float, strengths: Strengths) -> Floats:
    """A sine of ``hertz`` and its overtones below 8 kHz, of these amplitudes."""
    times = np.arange(length) / SAMPLE_RATE
    overtones = enumerate(strengths[: int(SAMPLE_RATE / 2 / hertz)], 1)
    waves = [strength * np.sin(2 * np.pi * hertz * n * times) for n, strength in overtones]
    return np.asarray(np.sum(waves, axis=0), np.float32)


MADE: Mapping[str, Callable[[int, np.random.Generator], Floats]] = MappingProxyType(
    {
        "white noise": _white,
        "pink noise": _pink,
        "speech-shaped noise": speech_shaped_noise,
        "babble": babble,
        "hum": _hum,
        "tone": _tone,
        "chord": _chord,
        "melody": _melody,
    }
)
"""Kinds of sound made here, beside digital silence: from a length and a generator to samples."""
