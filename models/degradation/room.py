"""Kinds of audio damage of rooms and lines: echo, reverberation, a narrow band."""

from collections import deque

import numpy as np

from models.degradation.blocks import OneBlockLate
from models.degradation.effect import BLOCK, Recipe, Sound
from streamer.packets import SAMPLE_RATE, Floats

ECHO_BLOCKS = 12
"""Blocks after which the echo comes back: 240 ms, there and back on a long line."""

ECHO_RETURN = 0.5
"""Share of an echo that goes round once more."""


class Echo:
    """The speaker's own voice comes back after 240 ms, at 480 ms half of it, and so on: the first
    echo is 30 dB down at severity 0+ and as loud as the voice at 1."""

    def __init__(self, recipe: Recipe) -> None:
        self._gain = np.float32(10 ** (1.5 * recipe.severity - 1.5))
        self._line = deque([np.zeros(BLOCK, np.float32)] * ECHO_BLOCKS, maxlen=ECHO_BLOCKS)
        self._back = OneBlockLate(self._return)

    def __call__(self, samples: Floats, sound: Sound) -> Floats:
        heard = samples + self._back(samples, sound.first) * self._gain
        return np.asarray(np.clip(heard, -1, 1), np.float32)

    def _return(self, block: Floats, _: int) -> Floats:
        # The line's first block is the echo of the block that comes next, so it is heard anew.
        self._line.append(block + self._line[0] * np.float32(ECHO_RETURN))
        return self._line[0]


class Reverberation:
    """A room: white noise that decays by 60 dB in 0.3 s (severity 0+) to 1.2 s (1), beginning
    20 ms after the direct sound, 20 dB weaker than that (0+) to 10 dB stronger (1). The power of
    both together stays.

    The decay follows Polack (1988). It is convolved in partitions of one block (Gardner, 1995);
    as it begins a block late, there is no latency.
    """

    def __init__(self, recipe: Recipe) -> None:
        seconds = 0.3 + 0.9 * recipe.severity
        ratio = 10 ** (1.5 * recipe.severity - 1)  # of amplitudes: -20 to +10 dB
        count = round(seconds * SAMPLE_RATE / BLOCK)
        times = np.arange(count * BLOCK) / SAMPLE_RATE
        decay = recipe.generator.standard_normal(len(times)) * 10 ** (-3 * times / seconds)
        decay *= ratio / np.sqrt(np.sum(decay**2))
        parts = np.fft.rfft(decay.reshape(count, BLOCK), 2 * BLOCK)
        self._direct = np.float32(1 / np.sqrt(1 + ratio**2))
        # Twice, newest block first, so that any turn of the ring is one slice.
        self._parts = np.tile(parts[::-1], (2, 1)).astype(np.complex64)
        self._heard = np.zeros((count, BLOCK + 1), np.complex64)
        self._before = np.zeros(BLOCK, np.float32)
        self._turn = 0
        self._tail = OneBlockLate(self._reflect)

    def __call__(self, samples: Floats, sound: Sound) -> Floats:
        heard = (samples + self._tail(samples, sound.first)) * self._direct
        return np.asarray(np.clip(heard, -1, 1), np.float32)

    def _reflect(self, block: Floats, _: int) -> Floats:
        count = len(self._heard)
        self._heard[self._turn] = np.fft.rfft(np.concatenate([self._before, block]))
        start = count - 1 - self._turn
        spectrum = (self._parts[start : start + count] * self._heard).sum(axis=0)
        self._turn = (self._turn + 1) % count
        self._before = block
        return np.asarray(np.fft.irfft(spectrum)[BLOCK:], np.float32)


class BandLimit:
    """A narrow line: what lies between 150 and 7700 Hz (severity 0+), 300 and 3400 Hz (0.5, the
    telephone's band), 600 and 1500 Hz (1) passes a Butterworth filter of order 4."""

    def __init__(self, recipe: Recipe) -> None:
        from scipy.signal import butter  # type: ignore[import-untyped]  # slow to import

        low = 150 * 4**recipe.severity
        high = 3400 * (3400 / 1500) ** (1 - 2 * recipe.severity)
        self._sections = butter(4, (low, high), "bandpass", fs=SAMPLE_RATE, output="sos")
        self._state = np.zeros((len(self._sections), 2))

    def __call__(self, samples: Floats, _: Sound) -> Floats:
        from scipy.signal import sosfilt

        passed, self._state = sosfilt(self._sections, samples.astype(np.float64), zi=self._state)
        return np.asarray(np.clip(passed, -1, 1), np.float32)
