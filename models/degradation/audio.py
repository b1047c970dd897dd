"""Simple kinds of audio damage: level, overdrive, added sound, lost buffers."""

import numpy as np

from models.degradation.background import (
    LENGTH,
    babble,
    mixed_recordings,
    one_recording,
    speech_shaped_noise,
)
from models.degradation.effect import Recipe, Sound
from models.degradation.losses import independent
from streamer.packets import SAMPLE_RATE, Floats

SLOT = SAMPLE_RATE // 10
"""Samples that are lost together: buffers go missing in bursts, of 100 ms here."""

FAINTEST = np.float32(10 ** (-92 / 20))
"""-92 dBFS, a few steps of 16 bits: what is left of a voice at the end of the scale."""

SOFTEST = np.float32(10 ** (-60 / 20))
"""-60 dBFS: a softer level is a pause, not a voice."""

STEPS = 2**15
"""Steps from 0 to full scale of a converter with 16 bits."""


class Relative:
    """A change of level relative to what the speaker's was when the stretch began, so that a loud
    and a soft voice lose as much."""

    def __init__(self, recipe: Recipe) -> None:
        self._severity = recipe.severity
        self._level: np.float32 | None = None

    def __call__(self, samples: Floats, sound: Sound) -> Floats:
        start = sound.start - sound.first
        if self._level is None and start < len(samples):
            self._level = np.float32(max(sound.level[max(start, 0)], SOFTEST))
        return samples if self._level is None else self._change(samples, self._level)

    def _change(self, samples: Floats, level: np.float32) -> Floats:
        raise NotImplementedError


class Quiet(Relative):
    """A speaker far off or a gain set too low, before the converter, which rounds to 16 bits: from
    the level there was, in even steps of dB, down to FAINTEST; half way at 0.5."""

    def _change(self, samples: Floats, level: np.float32) -> Floats:
        down = samples * (FAINTEST / level) ** np.float32(self._severity)
        return np.asarray(np.round(down * STEPS) / STEPS, np.float32)


class Mute(Relative):
    """Fades as Quiet does, without a converter; zeros at 1."""

    def _change(self, samples: Floats, level: np.float32) -> Floats:
        if self._severity == 1:
            return np.zeros_like(samples)
        faded: Floats = samples * (FAINTEST / level) ** np.float32(self._severity)
        return faded


class Clip(Relative):
    """A stage before the converter is overdriven: it cuts off 12 dB over the level there was at
    severity 0+, at the level itself at 0.5, 12 dB under it at 1."""

    def _change(self, samples: Floats, level: np.float32) -> Floats:
        limit = level * np.float32(10 ** ((12 - 24 * self._severity) / 20))
        return np.clip(samples, -limit, limit)


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
