"""Sound that is added to the speaker's: noise, the babble of others, or recordings of either."""

import math
from functools import lru_cache
from pathlib import Path

import av
import numpy as np

from streamer.errors import SettingError, SourceError
from streamer.media import decoded
from streamer.packets import SAMPLE_RATE, Floats

LENGTH = 2**18
"""Samples after which added sound repeats: 16 s."""

TALKERS = 5
"""Voices in babble: too many to follow one, too few to be stationary."""

SYLLABLES = 4.0
"""Hz up to which the loudness of speech goes up and down."""

SUFFIXES = (".flac", ".m4a", ".mp3", ".mp4", ".mpg", ".ogg", ".opus", ".wav")


def speech_shaped_noise(length: int, generator: np.random.Generator) -> Floats:
    """Noise (length,) of root mean square 1 with the long-term spectrum of speech at 16 kHz: flat
    from 100 to 500 Hz, then falling by 9 dB an octave (Byrne et al., 1994). It can be looped, as
    its end runs on into its beginning."""
    frequencies = np.fft.rfftfreq(length, 1 / SAMPLE_RATE)
    shape = np.where(frequencies < 100, 0, 1 / np.sqrt(1 + (frequencies / 500) ** 3))
    spectrum = np.fft.rfft(generator.standard_normal(length)) * shape
    return _normal(np.fft.irfft(spectrum, length))


def babble(length: int, generator: np.random.Generator) -> Floats:
    """TALKERS voices (length,), each speech-shaped noise in the rhythm of syllables, of root mean
    square 1. It can be looped. After the idea of ICRA noise (Dreschler et al., 2001)."""
    voices = np.zeros(length)
    noise = speech_shaped_noise(length, generator)
    beats = math.ceil(SYLLABLES * length / SAMPLE_RATE)
    for _ in range(TALKERS):
        slow = generator.standard_normal((beats, 2)) @ np.array([1, 1j])
        loudness = np.square(np.fft.irfft(slow, length))
        voices += np.roll(noise, generator.integers(length)) * (loudness / loudness.mean())
    return _normal(voices)


def one_recording(path: Path, generator: np.random.Generator) -> Floats:
    """The sound file ``path``, or one out of the folder ``path``, looped to (LENGTH,), of root mean
    square 1. Raises SettingError as ``sound_files`` does."""
    files = sound_files(path)
    return _looped(files[generator.integers(len(files))], generator)


def mixed_recordings(path: Path, generator: np.random.Generator) -> Floats:
    """TALKERS files out of the folder ``path``, all of them where there are fewer, equally loud and
    mixed: (LENGTH,), of root mean square 1. A single file is mixed with itself at other times."""
    files = sound_files(path)
    chosen = generator.permutation(np.resize(np.arange(len(files)), max(TALKERS, len(files))))
    return _normal(sum(_looped(files[index], generator) for index in chosen[:TALKERS]))


def sound_files(path: Path) -> list[Path]:
    """``path`` itself, or the sound files in the folder ``path``, by name.

    Raises SettingError where there are none.
    """
    files = [path] if path.is_file() else sorted(f for f in path.glob("*") if f.suffix in SUFFIXES)
    if not files:
        raise SettingError(f"damage file {path}: must be a sound file or a folder of some")
    return files


@lru_cache(maxsize=16)
def _decoded(file: Path) -> Floats:
    try:
        samples = decoded(str(file))
    except (SourceError, ValueError, av.FFmpegError) as error:
        raise SettingError(f"damage file {file}: {error}") from None
    return np.asarray(np.nan_to_num(samples[:LENGTH]), np.float32)


def _looped(file: Path, generator: np.random.Generator) -> Floats:
    samples = np.resize(_decoded(file), LENGTH)
    return _normal(np.roll(samples, generator.integers(LENGTH)))


def _normal(samples: np.ndarray[tuple[int], np.dtype[np.float64]] | Floats | int) -> Floats:
    power = np.mean(np.square(samples, dtype=np.float64))
    return np.asarray(samples / np.sqrt(power + 1e-12), np.float32)
