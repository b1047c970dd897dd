"""Prosody: how something is said, from the samples alone, on the same grid as the voice features.

Every 20 ms the last 40 ms are analysed; no frame sees what comes after it, and a step sees only
its own frames and the step before it. Pitch and harmonicity come from the autocorrelation after
Boersma (1993), "Accurate short-term analysis of the fundamental frequency and the
harmonics-to-noise ratio of a sampled sound"; alpha ratio and Hammarberg index are those of eGeMAPS
(Eyben et al. 2016).
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from models.features.steps import STEP_SECONDS, step_count
from streamer.arrays import as_sound
from streamer.packets import SAMPLE_RATE, Flags, Floats

Kind = TypeVar("Kind", bound=np.generic)

HOP = SAMPLE_RATE // 50
WINDOW = 2 * HOP
TRANSFORM = 4 * HOP
"""Samples from frame to frame, in a frame, and in its spectrum, padded so that the autocorrelation
does not wrap round."""

FRAMES_PER_STEP = round(STEP_SECONDS * SAMPLE_RATE / HOP)

PITCH_RANGE = (70.0, 500.0)
"""Hz; the lowest has nearly three periods in a window."""

REFERENCE_PITCH = 150.0
"""Hz that pitch counts octaves from; the value where no voiced frame has been heard yet."""

VOICED = 0.5
"""Autocorrelation at the pitch period from which a frame is voiced."""

OCTAVE_COST = 0.05
"""Autocorrelation that a period must gain for each octave it lies lower: against subharmonics."""

POWER_FLOOR = 1e-10
"""Power of digital silence: -100 dB below a full-scale square wave."""

BAND_EDGES = (100, 250, 400, 600, 850, 1150, 1500, 2000, 2600, 3400, 4500, 6000, 7800)
"""Hz, near the Bark scale."""

COLUMNS = (
    "pitch", "pitch_spread", "pitch_change", "voiced", "level", "level_change", "level_spread",
    "harmonicity", "alpha_ratio", "hammarberg", "centroid", "flux",
    *(f"band_{low}" for low in BAND_EDGES[:-1]),
)  # fmt: skip
"""pitch in octaves, voiced a share, centroid in octaves above 1 kHz, flux a distance in [0, 1], all
others in dB; bands relative to their mean. ``_change`` is since the step before, ``_spread`` the
standard deviation in the step. Only ``level`` depends on the recording level."""

PROSODY_SIZE = len(COLUMNS)


@dataclass(frozen=True)
class Frames:
    """Per frame (n,): ``known`` where no sample is missing, pitch in octaves, autocorrelation
    ``strength`` at its period in [0, 1], level in dB, and the spectral columns (n, columns)."""

    known: Flags
    pitch: Floats
    strength: Floats
    level: Floats
    spectral: Floats


def prosody_steps(samples: Floats, length_seconds: float) -> Floats:
    """The last ``length_seconds`` of ``samples`` (n,), 16 kHz, in [-1, 1]: (steps, PROSODY_SIZE).

    Steps are aligned like those of ``voice_steps``. What is missing (NaN) or before the first
    sample counts as silence in a step without any known frame, and is left out of all others.
    Raises ValueError as ``as_sound`` does.
    """
    samples = as_sound(samples)
    steps = step_count(length_seconds)
    result = np.tile(_silent_step(), (steps, 1))
    whole = min(len(samples) // (HOP * FRAMES_PER_STEP), steps)
    if whole:
        usable = len(samples) // HOP * HOP
        heard = samples[:usable][-(whole * FRAMES_PER_STEP + 1) * HOP :]
        frames = analysed(heard, whole * FRAMES_PER_STEP)
        known = _by_step(frames.known).any(axis=1)
        result[steps - whole :][known] = _pooled(frames)[known]
    return result


def analysed(samples: Floats, count: int) -> Frames:
    """The last ``count`` frames of ``samples``."""
    padded = np.pad(samples.astype(np.float32), (max(0, (count + 1) * HOP - len(samples)), 0))
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][-count:]
    known: Flags = np.all(np.isfinite(windows), axis=1)
    heard = np.where(known[:, None], windows, np.float32(0))
    heard = heard - heard.mean(axis=1, keepdims=True)
    shape, correlation = _taper()
    power = np.abs(np.fft.rfft(heard * shape, TRANSFORM)).astype(np.float32) ** 2
    pitch, strength = _pitch(power, correlation)
    level = _decibels(np.mean(heard**2, axis=1))
    return Frames(known, pitch, strength, level, _spectral(power / np.sum(shape**2)))


def _pitch(power: Floats, window_correlation: Floats) -> tuple[Floats, Floats]:
    """Octaves above the reference and strength of the best period, (frames,) each."""
    correlation = np.fft.irfft(power).astype(np.float32)
    first = int(SAMPLE_RATE / PITCH_RANGE[1])
    last = int(SAMPLE_RATE / PITCH_RANGE[0]) + 1
    lags = np.arange(first - 1, last + 2)
    # A floor below 16-bit rounding noise: silence is then nowhere periodic.
    energy = correlation[:, :1] + np.float32(POWER_FLOOR * WINDOW)
    ratio = correlation[:, lags] / energy / window_correlation[lags]
    inner = ratio[:, 1:-1]
    peak = (inner >= ratio[:, :-2]) & (inner > ratio[:, 2:])
    cost = OCTAVE_COST * np.log2(lags[1:-1] / first).astype(np.float32)
    best = np.argmax(np.where(peak, inner - cost, -np.inf), axis=1)
    at = np.arange(len(ratio))
    before, here, after = (ratio[at, best + shift] for shift in (0, 1, 2))
    curve = np.minimum(before - 2 * here + after, -1e-9)
    offset = np.clip(0.5 * (before - after) / curve, -0.5, 0.5)
    period = lags[best + 1] + offset
    strength = np.where(peak.any(axis=1), here, 0).clip(0, 0.9999)
    octaves = np.log2(SAMPLE_RATE / period / REFERENCE_PITCH)
    return octaves.astype(np.float32), strength.astype(np.float32)


def _spectral(power: Floats) -> Floats:
    """Alpha ratio, Hammarberg index, centroid, flux, then the bands, (frames, 4 + bands)."""
    frequency = np.fft.rfftfreq(TRANSFORM, 1 / SAMPLE_RATE)
    power = power + np.float32(POWER_FLOOR)

    def between(low: float, high: float) -> Floats:
        return power[:, (frequency >= low) & (frequency < high)]

    alpha = _decibels(between(50, 1000).sum(axis=1)) - _decibels(between(1000, 5000).sum(axis=1))
    hammarberg = _decibels(between(50, 2000).max(axis=1)) - _decibels(
        between(2000, 5000).max(axis=1)
    )
    heard = between(50, 8000)
    audible = frequency[(frequency >= 50) & (frequency < 8000)].astype(np.float32)
    centroid = np.log2(heard @ audible / heard.sum(axis=1) / 1000)
    bands = np.stack(
        [between(*edges).mean(axis=1) for edges in pairwise(BAND_EDGES)],
        axis=1,
    )
    shares = np.sqrt(bands / bands.sum(axis=1, keepdims=True))
    flux = np.zeros(len(power), np.float32)
    flux[1:] = 1 - np.sum(shares[1:] * shares[:-1], axis=1)
    relative = _decibels(bands)
    relative = relative - relative.mean(axis=1, keepdims=True)
    summary = np.stack([alpha, hammarberg, centroid, flux], axis=1)
    return np.concatenate([summary, relative], axis=1).astype(np.float32)


def _pooled(frames: Frames) -> Floats:
    """Frames to steps, (steps, PROSODY_SIZE)."""
    known, strength = _by_step(frames.known), _by_step(frames.strength)
    level = _by_step(frames.level)
    counted = np.maximum(known.sum(axis=1), 1)
    voiced = known & (strength >= VOICED)
    pitch, pitch_spread = _voiced_pitch(_by_step(frames.pitch), voiced)
    # The loud frames of a step tell most about its colour.
    weight = np.where(known, 10 ** (level / 20), 0)[..., None]
    weight = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-20)
    spectral = (_by_step(frames.spectral) * weight).sum(axis=1)
    harmonicity = _decibels(strength / (1 - strength), floor=0.01)
    step_level = _decibels((known * 10 ** (level / 10)).sum(axis=1) / counted)
    mean_level = (known * level).sum(axis=1) / counted
    spread = np.sqrt((known * (level - mean_level[:, None]) ** 2).sum(axis=1) / counted)
    columns = (
        pitch, pitch_spread, _change(pitch, known), voiced.sum(axis=1) / counted,
        step_level, _change(step_level, known), spread,
        (harmonicity * weight[..., 0]).sum(axis=1),
    )  # fmt: skip
    return np.concatenate([np.stack(columns, axis=1), spectral], axis=1).astype(np.float32)


def _voiced_pitch(pitch: Floats, voiced: Flags) -> tuple[Floats, Floats]:
    """Median and standard deviation over the voiced frames of each step, (steps,) each. A step
    without any keeps the pitch of the last one that has some, and has no spread."""
    median, spread = np.zeros(len(pitch), np.float32), np.zeros(len(pitch), np.float32)
    latest = np.float32(0)
    for step, (octaves, here) in enumerate(zip(pitch, voiced, strict=True)):
        if here.any():
            latest = np.median(octaves[here])
            spread[step] = octaves[here].std()
        median[step] = latest
    return median, spread


def _change(values: Floats, known: Flags) -> Floats:
    """Difference to the last step before that has a known frame, (steps,); 0 where none has."""
    here = known.any(axis=1)
    change = np.zeros(len(values), np.float32)
    change[here] = np.diff(values[here], prepend=values[here][:1])
    return change


def _by_step(frames: npt.NDArray[Kind]) -> npt.NDArray[Kind]:
    """(frames, ...) as (steps, FRAMES_PER_STEP, ...)."""
    return frames.reshape(-1, FRAMES_PER_STEP, *frames.shape[1:])


def _decibels(power: Floats, floor: float = POWER_FLOOR) -> Floats:
    return (10 * np.log10(np.maximum(power, floor))).astype(np.float32)


@cache
def _taper() -> tuple[Floats, Floats]:
    """The window's shape (WINDOW,), and its own autocorrelation with 1 at lag 0."""
    shape = np.hanning(WINDOW + 2)[1:-1].astype(np.float32)
    correlation = np.fft.irfft(np.abs(np.fft.rfft(shape, TRANSFORM)) ** 2)
    return shape, (correlation / correlation[0]).astype(np.float32)


@cache
def _silent_step() -> Floats:
    """What a step of digital silence gives, (PROSODY_SIZE,)."""
    silence = np.zeros((FRAMES_PER_STEP + 1) * HOP, np.float32)
    step: Floats = _pooled(analysed(silence, FRAMES_PER_STEP))[0]
    return step
