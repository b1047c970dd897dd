"""Damage done to raw signals on purpose, in stretches of session time.

Severity runs from 0, which leaves the signal as it is, to 1. What happens to a sample or a picture
depends on its capture time, the seed and what came before it, never on how the signal is cut.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np

from streamer.errors import SettingError
from streamer.packets import SAMPLE_RATE, SECOND, Flags, Floats, Image, Stream, Times
from streamer.settings import DamageSettings

AUDIO_SLOT = SAMPLE_RATE // 10
"""Samples that are lost together: buffers go missing in bursts, of 100 ms here."""

VIDEO_SLOT = SECOND // 5
"""Nanoseconds in which pictures are lost or frozen together."""

LEVEL_FRAME = SAMPLE_RATE // 50
"""Samples over which the running level is taken."""

LEVEL_MEMORY = 150
"""Frames of sound after which the running level has forgotten: 3 s."""

NOMINAL_POWER = 10 ** (-26 / 10)
"""-26 dBFS, the nominal speech level of ITU-T P.56: the running level before any sound came."""

SOUND_POWER = 10 ** (-60 / 10)
"""-60 dBFS: quieter frames are pauses and leave the running level alone."""

_NOISE_LENGTH = 2**18  # samples: the noise repeats after 16 s
_DRAWS = 2**12  # slots after which the pattern of losses repeats: minutes
_SKIN = (120, 150, 200)  # BGR


@dataclass(frozen=True, slots=True)
class Sound:
    """What the kinds of audio damage are made from; every array has one entry per sample.

    ``noise`` is scaled to the running level of the undamaged sound, ``lost`` is true with a
    probability equal to ``severity``.
    """

    severity: float
    noise: Floats
    lost: Flags


@dataclass(frozen=True, slots=True)
class Sight:
    """What the kinds of vision damage are made from: ``lost`` is true with a probability equal to
    ``severity``, ``last`` is the picture that was shown before this one, if there was any."""

    severity: float
    lost: bool
    last: Image | None


def mute(samples: Floats, sound: Sound) -> Floats:
    """Fades the sound by ``1 - severity``: zeros at 1."""
    return samples * np.float32(1 - sound.severity)


def noise(samples: Floats, sound: Sound) -> Floats:
    """Adds stationary speech-shaped noise, 30 dB under the running level at severity 0+, 10 dB
    over it at 1."""
    decibels = 40 * sound.severity - 30
    noisy: Floats = np.clip(samples + sound.noise * np.float32(10 ** (decibels / 20)), -1, 1)
    return noisy


def gap(samples: Floats, sound: Sound) -> Floats:
    """Loses a share of ``severity`` of all buffers, in bursts."""
    return np.where(sound.lost, np.float32(np.nan), samples)


def clip(samples: Floats, sound: Sound) -> Floats:
    """Overdrives by up to 40 dB and cuts off at full scale."""
    driven: Floats = np.clip(samples * np.float32(10 ** (2 * sound.severity)), -1, 1)
    return driven


def cover(image: Image, sight: Sight) -> Image:
    """A hand before the lens: an opaque ellipse in the middle, whose half-axes are ``severity``
    times 71 % of the picture's, so that 0.5 hides two fifths of it and 1 everything."""
    height, width = image.shape[:2]
    reach = sight.severity * math.sqrt(0.5)
    axes = (math.ceil(reach * width), math.ceil(reach * height))
    covered = image.copy()
    cv2.ellipse(covered, (width // 2, height // 2), axes, 0, 0, 360, _SKIN, cv2.FILLED)
    return covered


def dark(image: Image, sight: Sight) -> Image:
    """Takes the light away: black at 1."""
    return np.asarray(cv2.convertScaleAbs(image, alpha=1 - sight.severity), np.uint8)


def blur(image: Image, sight: Sight) -> Image:
    """Out of focus: a Gaussian whose deviation is ``severity`` times 4 % of the height."""
    deviation = max(0.04 * sight.severity * image.shape[0], 1e-3)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), deviation), np.uint8)


def freeze(image: Image, sight: Sight) -> Image:
    """Shows the last picture again, for a share of ``severity`` of the time."""
    return sight.last if sight.lost and sight.last is not None else image


def lose(image: Image, sight: Sight) -> Image | None:
    """Loses a share of ``severity`` of all pictures, in bursts."""
    return None if sight.lost else image


AUDIO_KINDS: Mapping[str, Callable[[Floats, Sound], Floats]] = MappingProxyType(
    {"mute": mute, "noise": noise, "gap": gap, "clip": clip}
)
VISION_KINDS: Mapping[str, Callable[[Image, Sight], Image | None]] = MappingProxyType(
    {"cover": cover, "dark": dark, "blur": blur, "freeze": freeze, "gap": lose}
)
KINDS: Mapping[Stream, Mapping[str, Callable[..., object]]] = MappingProxyType(
    {"audio": AUDIO_KINDS, "vision": VISION_KINDS}
)
"""What can be asked for, by stream and name."""


def check(damages: Sequence[DamageSettings]) -> None:
    """Raises SettingError where a kind of damage does not exist or a stretch has no length."""
    for index, damage in enumerate(damages):
        allowed = KINDS[damage.stream]
        if damage.kind not in allowed:
            raise SettingError(
                f"setting damage.{index}.kind = {damage.kind!r}: "
                f"{damage.stream} damage must be one of {', '.join(allowed)}"
            )
        if damage.end <= damage.start:
            raise SettingError(
                f"setting damage.{index}.end = {damage.end}: must be after start {damage.start}"
            )


class AudioDamage:
    """Damages one microphone's sound. ``damages`` of other streams are left out.

    Raises SettingError as ``check`` does.
    """

    def __init__(self, damages: Sequence[DamageSettings], generator: np.random.Generator) -> None:
        check(damages)
        self._damages = [d for d in damages if d.stream == "audio" and d.severity > 0]
        self._noise = speech_shaped_noise(_NOISE_LENGTH, generator)
        self._draws = generator.random(_DRAWS)
        self._level = RunningLevel()

    def apply(self, samples: Floats, captured_at: int) -> Floats:
        """``samples`` (n,) at 16 kHz whose first was captured at ``captured_at`` ns, damaged.

        Pieces are to be given in the order of their capture, so that the level can be followed.
        """
        if not self._damages:
            return samples
        first = round(captured_at * SAMPLE_RATE / SECOND)
        positions = np.arange(first, first + len(samples))
        level = self._level.follow(samples, first)
        for damage in self._damages:
            inside = _inside(positions, damage)
            if inside.any():
                sound = self._sound(damage.severity, positions[inside], level[inside])
                samples = samples.copy()
                samples[inside] = AUDIO_KINDS[damage.kind](samples[inside], sound)
        return samples

    def _sound(self, severity: float, positions: Times, level: Floats) -> Sound:
        return Sound(
            severity=severity,
            noise=self._noise[positions % _NOISE_LENGTH] * level,
            lost=self._draws[positions // AUDIO_SLOT % _DRAWS] < severity,
        )


class VideoDamage:
    """Damages one camera's pictures. ``damages`` of other streams are left out.

    Raises SettingError as ``check`` does.
    """

    def __init__(self, damages: Sequence[DamageSettings], generator: np.random.Generator) -> None:
        check(damages)
        self._damages = [d for d in damages if d.stream == "vision" and d.severity > 0]
        self._draws = generator.random(_DRAWS)
        self._last: list[Image | None] = [None] * len(self._damages)

    def apply(self, image: Image, captured_at: int) -> Image | None:
        """``image`` (height, width, 3), BGR, damaged; None where it is lost."""
        lost = float(self._draws[captured_at // VIDEO_SLOT % _DRAWS])
        for index, damage in enumerate(self._damages):
            if damage.start * SECOND <= captured_at < damage.end * SECOND:
                sight = Sight(damage.severity, lost < damage.severity, self._last[index])
                shown = VISION_KINDS[damage.kind](image, sight)
                if shown is None:
                    return None
                image = shown
            self._last[index] = image
        return image


class RunningLevel:
    """Root mean square of the sound so far: the plain mean of the first frames, then one in which
    frames weigh less the older they are. Pauses do not count."""

    def __init__(self) -> None:
        self._power = NOMINAL_POWER
        self._heard = 0
        self._frame = np.zeros(0, np.float32)

    def follow(self, samples: Floats, first: int) -> Floats:
        """The level (n,) before each of ``samples`` (n,), the first of which has the position
        ``first``. Frames lie on fixed positions, so the cut of the signal makes no difference."""
        level = np.empty(len(samples), np.float32)
        at = 0
        while at < len(samples):
            room = LEVEL_FRAME - (first + at) % LEVEL_FRAME
            part = samples[at : at + room]
            level[at : at + room] = math.sqrt(self._power)
            self._frame = np.append(self._frame, part)
            if len(part) == room:
                self._learn(np.nan_to_num(self._frame, posinf=0, neginf=0))
                self._frame = np.zeros(0, np.float32)
            at += room
        return level

    def _learn(self, frame: Floats) -> None:
        power = float(np.mean(np.square(frame, dtype=np.float64)))
        if power > SOUND_POWER:
            self._heard = min(self._heard + 1, LEVEL_MEMORY)
            self._power += (power - self._power) / self._heard


def speech_shaped_noise(length: int, generator: np.random.Generator) -> Floats:
    """Noise (length,) of root mean square 1 with the long-term spectrum of speech at 16 kHz: flat
    from 100 to 500 Hz, then falling by 9 dB an octave (Byrne et al., 1994). It can be looped, as
    its end runs on into its beginning."""
    frequencies = np.fft.rfftfreq(length, 1 / SAMPLE_RATE)
    shape = np.where(frequencies < 100, 0, 1 / np.sqrt(1 + (frequencies / 500) ** 3))
    spectrum = np.fft.rfft(generator.standard_normal(length)) * shape
    shaped = np.fft.irfft(spectrum, length)
    return np.asarray(shaped / np.sqrt(np.mean(shaped**2)), np.float32)


def _inside(positions: Times, damage: DamageSettings) -> Flags:
    start, end = round(damage.start * SAMPLE_RATE), round(damage.end * SAMPLE_RATE)
    return (positions >= start) & (positions < end)
