"""Measures of sound, from frames of 20 ms at 16 kHz."""

import math

import numpy as np
import numpy.typing as npt

from streamer.packets import SAMPLE_RATE, Flags, Floats

FRAME = SAMPLE_RATE // 50
"""Samples of one frame of 20 ms, over which loudness is taken."""

PERIODS = (320, 480, 512, 1024)
"""Samples after which a stuck buffer comes again: 20 (or 10), 30, 32 (or 16) and 64 ms."""

NEAR = 4
"""Frames within which a voice falls, 80 ms: longer than a closing mouth takes, shorter than rooms
that ring."""

ECHOES = (640, 4800)
"""Samples at half the rate by which an echo is late: 80 to 600 ms. Sooner the voice's own pitch
looks like one."""

BURST = 25
"""Frames up to which silence within speech is a loss: 0.5 s. Longer, it may be a gated pause."""

_SAME = 1e-4  # of a frame's range: resampling rounds
_LOUD = 10 ** (-25 / 10)  # of the mean power of speech
_AUDIBLE = 10 ** (-70 / 10)  # of the loudest frequency
_LEAST_DECIBELS = -120.0

_Powers = npt.NDArray[np.floating]


def repeated(frames: Floats) -> Flags:
    """Which of ``frames`` (n, FRAME) are those of one of PERIODS before again (n,)."""
    sound = frames.ravel()
    limit = _SAME * np.ptp(frames, axis=1)
    again = np.zeros(len(frames), np.bool_)
    for period in PERIODS:
        change = np.full(len(sound), np.inf, np.float32)
        np.subtract(sound[period:], sound[:-period], out=change[period:])
        np.abs(change, out=change)
        again |= change.reshape(frames.shape).max(axis=1) <= limit
    return again


def lost(power: _Powers, live: Flags, present: Flags, loudness: float) -> Flags:
    """Which frames (n,) are of a burst of digital silence that borders on a loud one.

    ``power``, ``live`` and ``present`` (n,) are the frames'; speech has ``loudness``. Between
    words, noise gates and pauses begin and end softly, losses do not.
    """
    loud = np.pad(live & (power > _LOUD * loudness), 1)
    edges = np.diff(np.pad(present & ~live, 1).astype(np.int8))
    result = np.zeros(len(power), np.bool_)
    starts, ends = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)
    for start, end in zip(starts, ends, strict=True):
        whole = start > 0 and end < len(power)  # else it may be far longer than it looks
        if whole and end - start <= BURST and (loud[start] or loud[end + 1]):
            result[start:end] = True
    return result


def bandwidth(frames: Floats) -> float:
    """Highest frequency in Hz at which the loudest twentieth of ``frames`` (n, FRAME), n at least
    1, is within 70 dB of the loudest frequency: fricatives reach up to 8 kHz."""
    spectra = _spectrum(frames * _HANN)
    rank = int(0.95 * (len(frames) - 1))
    loudest = np.partition(spectra, rank, axis=0)[rank]
    level = np.convolve(loudest, np.ones(3) / 3, "same")
    audible = np.flatnonzero(level > _AUDIBLE * level.max())
    return float(audible[-1]) * SAMPLE_RATE / FRAME if len(audible) else 0.0


def echo(sound: Floats) -> float:
    """Level in dB of the strongest echo of ``sound`` (n,), relative to the sound itself.

    An echo of amplitude g after d samples adds g / 2 to the real cepstrum at d (Bogert, Healy and
    Tukey, 1963); noise and voices add little at one place.
    """
    if len(sound) < 4 * ECHOES[1]:
        return _LEAST_DECIBELS
    even = sound[: len(sound) // 2 * 2]
    halved = even[::2] + even[1::2]
    power = _spectrum(halved)
    cepstrum = np.fft.irfft(0.5 * np.log(power + 1e-6 * power.mean() + 1e-20))
    return decibels(float(np.square(2 * cepstrum[slice(*ECHOES)]).max()))


def decay(power: _Powers, live: Flags) -> float:
    """By how many dB the voice falls within 80 ms where it falls fastest (98th percentile), from
    the louder part of the frames. ``power`` and ``live`` (n,) are the frames'. A voice ends at
    once, a room rings on (after Ratnam et al., 2003, who estimate a room from such stretches)."""
    level = 10 * np.log10(power + 1e-12)
    loud = live & (level >= np.percentile(level[live], 60))
    use = loud[:-NEAR] & live[NEAR:]
    fall = (level[:-NEAR] - level[NEAR:])[use]
    return float(np.percentile(fall, 98)) if len(fall) > NEAR else math.inf


def decibels(power: float) -> float:
    """``power`` in dB, at least -120."""
    return 10 * math.log10(power) if power > 10 ** (_LEAST_DECIBELS / 10) else _LEAST_DECIBELS


def _spectrum(sound: Floats) -> _Powers:
    """Powers (..., n / 2 + 1) of the frequencies of ``sound`` (..., n). Squares are cheaper than
    absolute values."""
    values = np.fft.rfft(sound)
    return np.asarray(np.square(values.real) + np.square(values.imag))


_HANN = np.hanning(FRAME).astype(np.float32)
