"""Kinds of audio damage that need no memory: level, overdrive, added sound, lost buffers."""

from collections.abc import Callable

import numpy as np

from models.degradation.background import (
    LENGTH,
    babble,
    mixed_recordings,
    one_recording,
    speech_shaped_noise,
)
from models.degradation.effect import Recipe, Sound, SoundEffect, SoundKind
from models.degradation.losses import independent
from streamer.packets import SAMPLE_RATE, Floats

SLOT = SAMPLE_RATE // 10
"""Samples that are lost together: buffers go missing in bursts, of 100 ms here."""

STEPS = 2**15
"""Steps from 0 to full scale of a converter with 16 bits."""


def plain(change: Callable[[Floats, float], Floats]) -> SoundKind:
    """A kind of damage from a function of samples and severity."""

    def kind(recipe: Recipe) -> SoundEffect:
        return lambda samples, _: change(samples, recipe.severity)

    return kind


def mute(samples: Floats, severity: float) -> Floats:
    """Turns the sound down by 60 dB times ``severity``: zeros at 1."""
    return samples * np.float32(10 ** (-3 * severity) if severity < 1 else 0)


def quiet(samples: Floats, severity: float) -> Floats:
    """A speaker far off or a gain set too low: down by 48 dB times ``severity`` before the
    converter, which rounds to 16 bits."""
    down = samples * np.float32(10 ** (-2.4 * severity))
    return np.asarray(np.round(down * STEPS) / STEPS, np.float32)


def clip(samples: Floats, severity: float) -> Floats:
    """Overdrives by 40 dB times ``severity`` and cuts off at full scale."""
    driven: Floats = np.clip(samples * np.float32(10 ** (2 * severity)), -1, 1)
    return driven


class Noise:
    """Adds noise, 30 dB under the running level at severity 0+, 10 dB over it at 1: the recipe's
    recording, else stationary speech-shaped noise."""

    def __init__(self, recipe: Recipe) -> None:
        self._gain = np.float32(10 ** ((40 * recipe.severity - 30) / 20))
        self._added = self._sound(recipe)

    def __call__(self, samples: Floats, sound: Sound) -> Floats:
        added = self._added[sound.positions % LENGTH] * sound.level
        noisy: Floats = np.clip(samples + added * self._gain, -1, 1)
        return noisy

    def _sound(self, recipe: Recipe) -> Floats:
        if recipe.file is not None:
            return one_recording(recipe.file, recipe.generator)
        return speech_shaped_noise(LENGTH, recipe.generator)


class Babble(Noise):
    """Adds other voices at the same ratios: the recipe's recordings, else synthetic babble."""

    def _sound(self, recipe: Recipe) -> Floats:
        if recipe.file is not None:
            return mixed_recordings(recipe.file, recipe.generator)
        return babble(LENGTH, recipe.generator)


class Gap:
    """Loses a share of ``severity`` of all buffers before they are seen, 100 ms at a time: NaN."""

    def __init__(self, recipe: Recipe) -> None:
        self._lost = independent(recipe.severity, recipe.generator)

    def __call__(self, samples: Floats, sound: Sound) -> Floats:
        lost = self._lost[sound.positions // SLOT % len(self._lost)]
        return np.where(lost, np.float32(np.nan), samples)
