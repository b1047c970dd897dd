"""Damage to one microphone's sound, in stretches of session time."""

from collections.abc import Sequence

import numpy as np

from models.degradation.effect import Recipe, Sound, SoundEffect
from models.degradation.level import RunningLevel
from models.degradation.table import AUDIO_KINDS, check, recipes
from streamer.arrays import as_sound
from streamer.packets import SAMPLE_RATE, SECOND, Floats
from streamer.settings import DamageSettings

LEAD = SAMPLE_RATE
"""Samples before a stretch that its damage hears, without being heard: rooms already ring, coders
are tuned in, and there is a last buffer to repeat."""


class AudioDamage:
    """Damages one microphone's sound. ``damages`` of other streams are left out.

    Raises SettingError as ``check`` does.
    """

    def __init__(self, damages: Sequence[DamageSettings], generator: np.random.Generator) -> None:
        check(damages)
        self._stretches = [
            _Stretch(damage, recipe) for damage, recipe in recipes(damages, "audio", generator)
        ]
        self._level = RunningLevel()

    def apply(self, samples: Floats, captured_at: int) -> Floats:
        """``samples`` (n,) at 16 kHz whose first was captured at ``captured_at`` ns, damaged (n,).

        Pieces are to be given in the order of their capture, without gaps between them: a missing
        sample is NaN, and stays NaN. Raises ValueError as ``as_sound`` does.
        """
        if not self._stretches:
            return samples
        samples = as_sound(samples)
        first = round(captured_at * SAMPLE_RATE / SECOND)
        level = self._level.follow(samples, first)
        for stretch in self._stretches:
            samples = stretch.apply(samples, first, level)
        return samples


class _Stretch:
    def __init__(self, damage: DamageSettings, recipe: Recipe) -> None:
        self._start = round(damage.start * SAMPLE_RATE)
        self._end = None if damage.end is None else round(damage.end * SAMPLE_RATE)
        self._effect: SoundEffect = AUDIO_KINDS[damage.kind](recipe)

    def apply(self, samples: Floats, first: int, level: Floats) -> Floats:
        start = max(self._start - LEAD - first, 0)
        end = len(samples) if self._end is None else min(self._end - first, len(samples))
        if start >= end:
            return samples
        heard = samples[start:end]
        missing = ~np.isfinite(heard)
        heard = np.where(missing, np.float32(0), heard)
        damaged = self._effect(heard, Sound(first + start, level[start:end], self._start))
        damaged = np.where(missing, np.float32(np.nan), damaged)
        audible = max(self._start - first, start)
        result = samples.copy()
        result[audible:end] = damaged[audible - start :]
        return result
