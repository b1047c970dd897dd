"""Measures of sound, from frames of 20 ms at 16 kHz."""

import math

import numpy as np
import numpy.typing as npt
from scipy import fft  # type: ignore[import-untyped]

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

BANDS = (4, 12, 24, 48, 80)
"""Edges of the bands of a voice in steps of 50 Hz: 0.2, 0.6, 1.2, 2.4 and 4 kHz."""

PITCH = (20, 134)
"""Samples at half the rate, a period of 60 to 400 Hz."""

_PERIODIC = 0.8  # autocorrelation of a voice
_ABOVE_FLOOR = 10.0  # factor by which a voice is louder than what hums all the time
_SAME = 1e-4  # of a frame's range: resampling rounds
_FEW = 16  # every so many samples
_LOUD = 10 ** (-25 / 10)  # of the mean power of speech
_AUDIBLE = 10 ** (-70 / 10)  # of the loudest frequency
_LEAST_DECIBELS = -120.0

Powers = npt.NDArray[np.floating]


def repeated(frames: Floats) -> Flags:
    """Which of ``frames`` (n, FRAME) are those of one of PERIODS before again (n,)."""
    before = np.concatenate([np.full(PERIODS[-1], np.nan, np.float32), frames.ravel()])
    limit = _SAME * np.ptp(frames, axis=1)
    again = np.zeros(len(frames), np.bool_)
    for period in PERIODS:
        start = PERIODS[-1] - period
        earlier = before[start : start + frames.size].reshape(frames.shape)
        # A few samples rule most frames out.
        few = np.abs(frames[:, ::_FEW] - earlier[:, ::_FEW]).max(axis=1)
        maybe = np.flatnonzero(few <= limit)
        again[maybe] |= np.abs(frames[maybe] - earlier[maybe]).max(axis=1) <= limit[maybe]
    return again


def lost(power: Powers, live: Flags, present: Flags, loudness: float) -> Flags:
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


def spectra_of(frames: Floats) -> Powers:
    """Powers (n, FRAME / 2 + 1) of the frequencies of ``frames`` (n, FRAME), 50 Hz apart."""
    return _spectrum(frames * _HANN)


def voiced(frames: Floats, power: Powers, live: Flags) -> Flags:
    """Which of ``frames`` (n, FRAME) hold a voice, however faint: those that, with the one before,
    are periodic as a pitch is, and louder than what hums all the time. ``power`` and ``live`` (n,)
    are the frames'. The autocorrelation is divided by the taper's own (Boersma, 1993)."""
    found = np.zeros(len(frames), np.bool_)
    if live.any():
        halved = frames[:, ::2] + frames[:, 1::2]
        pairs = np.concatenate([halved[:-1], halved[1:]], axis=1)
        tapered = (pairs - pairs.mean(axis=1, keepdims=True)) * _HANN
        like = _autocorrelation(tapered)[:, : PITCH[1]]
        peak = (like[:, PITCH[0] :] / _HANN_LIKE[slice(*PITCH)]).max(axis=1)
        found[1:] = peak > _PERIODIC * like[:, 0]
        found &= live & (power > _ABOVE_FLOOR * quantile(power[live], 0.05))
    return found


def bandwidth(spectra: Powers) -> float:
    """Highest frequency in Hz at which the loudest twentieth of the frames with ``spectra``
    (n, FRAME / 2 + 1), n at least 1, is within 70 dB of the loudest frequency: fricatives reach up
    to 8 kHz."""
    rank = int(0.95 * (len(spectra) - 1))
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
    cepstrum = fft.irfft(0.5 * np.log(power + 1e-6 * power.mean() + 1e-20))
    return decibels(float(np.square(2 * cepstrum[slice(*ECHOES)]).max()))


def band_levels(spectra: Powers) -> Powers:
    """Levels (n, bands) in dB of ``spectra`` (n, FRAME / 2 + 1) in BANDS."""
    bands = np.add.reduceat(spectra[:, : BANDS[-1]], BANDS[:-1], axis=1)
    return np.asarray(10 * np.log10(bands + 1e-12))


def band_snr(levels: Powers, live: Flags, spoken: Flags) -> float:
    """By how many dB the voice is over the noise floor in the mean over the bands, of frames with
    ``levels`` (n, bands), which are ``live`` and of them ``spoken`` (n,), some at least: the mean
    power of the latter over the 5th percentile. Most of a voice lies in the lowest band; noise that
    spares it is missed where all bands are one."""
    voice = 10 * np.log10(np.mean(10 ** (levels[spoken] / 10), axis=0))
    return float(np.mean(voice - quantile(levels[live], 0.05)))


def decay(levels: Powers, live: Flags) -> float:
    """By how many dB the voice falls within 80 ms where it falls fastest (98th percentile), from
    the louder part of the frames, in the mean over the bands. ``levels`` (n, bands) and ``live``
    (n,) are the frames'. A voice ends at once, a room rings on (after Ratnam et al., 2003, who
    estimate a room from such stretches); in each band something is always ending."""
    return float(np.mean([_fall(band, live) for band in levels.T]))


def _fall(level: Powers, live: Flags) -> float:
    """As decay, in one band; infinite where there is too little."""
    loud = live & (level >= quantile(level[live], 0.6))
    use = loud[:-NEAR] & live[NEAR:]
    fall = (level[:-NEAR] - level[NEAR:])[use]
    return float(quantile(fall, 0.98)) if len(fall) > NEAR else math.inf


def quantile(values: Powers, share: float) -> Powers:
    """What ``share`` of ``values`` (n, ...), n at least 1, lie below, between two of them in
    proportion, as np.quantile does, which takes ten times as long for a few hundred."""
    ordered = np.sort(values, axis=0)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    found = ordered[below] + (place - below) * (ordered[above] - ordered[below])
    return np.asarray(found)


def decibels(power: float) -> float:
    """``power`` in dB, at least -120."""
    return 10 * math.log10(power) if power > 10 ** (_LEAST_DECIBELS / 10) else _LEAST_DECIBELS


def _spectrum(sound: Floats, length: int | None = None) -> Powers:
    """Powers (..., n / 2 + 1) of the frequencies of ``sound`` (..., n), filled up with zeros to
    ``length``. Squares are cheaper than absolute values."""
    values = fft.rfft(sound, length)
    return np.asarray(np.square(values.real) + np.square(values.imag))


def _autocorrelation(sound: Floats) -> Powers:
    """(n, FRAME) of ``sound`` (n, FRAME), for delays of up to 0.6 FRAME."""
    return np.asarray(fft.irfft(_spectrum(sound, 512))[:, :FRAME])


_HANN = np.hanning(FRAME).astype(np.float32)
_HANN_LIKE = _autocorrelation(_HANN[None])[0] / np.square(_HANN).sum()
