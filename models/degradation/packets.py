"""Kinds of audio damage of networks and buffers: lost packets, concealed or not, a stuck buffer."""

import numpy as np

from models.degradation.audio import SLOT
from models.degradation.blocks import OneBlockLate
from models.degradation.effect import BLOCK, Recipe, Sound
from models.degradation.losses import gilbert_elliott, independent
from streamer.packets import Floats

HISTORY = 3 * BLOCK
"""Samples in which the pitch is sought: 60 ms."""

SHORTEST, LONGEST = 40, 320
"""Samples of a period of the pitch: 400 to 50 Hz."""

HOLD, FADE = BLOCK // 2, 5 * BLOCK // 2
"""Samples for which a loss is concealed in full, and in which it then fades: 10 and 50 ms."""


class PacketLoss:
    """Loses packets of 20 ms in bursts, a share of ``severity`` of all: zeros in their place."""

    def __init__(self, recipe: Recipe) -> None:
        self._lost = gilbert_elliott(recipe.severity, recipe.generator)

    def __call__(self, samples: Floats, sound: Sound) -> Floats:
        lost = self._lost[sound.positions // BLOCK % len(self._lost)]
        return np.where(lost, self._instead(samples, sound), samples)

    def _instead(self, samples: Floats, sound: Sound) -> Floats:
        del sound
        return np.zeros_like(samples)


class ConcealedLoss(PacketLoss):
    """The same losses, concealed as ITU-T G.711 Appendix I does it in outline: the last period of
    the pitch is repeated, in full for 10 ms, fading to silence 60 ms into the burst."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        self._played = np.zeros(HISTORY, np.float32)
        self._period = np.zeros(1, np.float32)
        self._made = np.zeros(BLOCK, np.float32)
        self._length = 0  # samples of this burst that are made so far
        self._start = 0
        self._conceal = OneBlockLate(self._continue)

    def _instead(self, samples: Floats, sound: Sound) -> Floats:
        self._start = sound.start
        return self._conceal(samples, sound.first)

    def _continue(self, block: Floats, number: int) -> Floats:
        """What is played in place of the packet after packet ``number``, should it be lost."""
        was_lost, is_lost = self._is_lost(number), self._is_lost(number + 1)
        self._played = np.concatenate([self._played[BLOCK:], self._made if was_lost else block])
        if not is_lost:
            return block
        if not was_lost:
            self._period = self._played[-_pitch(self._played) :]
            self._length = 0
        at = np.arange(self._length, self._length + BLOCK)
        fade = np.clip(1 - (at - HOLD) / FADE, 0, 1).astype(np.float32)
        self._made = self._period[at % len(self._period)] * fade
        self._length += BLOCK
        return self._made

    def _is_lost(self, number: int) -> bool:
        heard = (number + 1) * BLOCK > self._start
        return heard and bool(self._lost[number % len(self._lost)])


class Stuck:
    """Plays the last buffer of 20 ms again and again, for a share of ``severity`` of the time, 100
    ms at a time."""

    def __init__(self, recipe: Recipe) -> None:
        self._lost = independent(recipe.severity, recipe.generator)
        self._buffer: Floats | None = None
        self._start = 0
        self._repeat = OneBlockLate(self._hold)

    def __call__(self, samples: Floats, sound: Sound) -> Floats:
        lost = self._lost[sound.positions // SLOT % len(self._lost)]
        self._start = sound.start
        return np.where(lost, self._repeat(samples, sound.first), samples)

    def _hold(self, block: Floats, number: int) -> Floats:
        lost = self._lost[number * BLOCK // SLOT % len(self._lost)]
        if self._buffer is None or not lost or (number + 1) * BLOCK <= self._start:
            self._buffer = block
        return self._buffer


def _pitch(sound: Floats) -> int:
    """The period of ``sound`` (HISTORY,) in samples: where its last third is most like what came
    before, by normalised cross-correlation."""
    end = sound[-BLOCK:].astype(np.float64)
    before = sound[-BLOCK - LONGEST : -SHORTEST].astype(np.float64)
    windows = np.lib.stride_tricks.sliding_window_view(before, BLOCK)
    likeness = windows @ end / np.sqrt(np.square(windows).sum(axis=1) + 1e-9)
    return int(LONGEST - likeness.argmax())
