"""Evidence of sound: what is missing, how loud and how clean the voice is."""

from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Self

import numpy as np

from models.reliability.scores import Ramp, Ramps, absent, fitted, judge, lesser, tail
from models.reliability.sound import (
    FRAME,
    Powers,
    band_levels,
    band_snr,
    bandwidth,
    decay,
    decibels,
    echo,
    lost,
    quantile,
    repeated,
    spectra_of,
    voiced,
)
from streamer.arrays import as_sound, checked
from streamer.packets import SAMPLE_RATE, Evidence, Flags, Floats

SPEECH = 0.5
"""Voice activity probability from which a frame counts as speech."""

RECENT = SAMPLE_RATE // FRAME
"""Frames of what is also judged alone, the last second: damage shows before it fills a window."""

_DIGITAL_SILENCE = 2 / 2**15  # peak to peak: dither of a muted 16-bit device, no room sounds so
_MASKING = 20.0  # dB of speech over noise under which a voice's fall ends in the noise
_PEAK_SHARE = 0.99  # of the largest sample: clipped ones crowd there
_ENOUGH_SPEECH = 0.3  # of a second, to judge a voice by

REASONS = {
    "missing_share": "no sound from the microphone",
    "repeated_share": "sound is stuck",
    "lost_share": "sound breaks off",
    "level_db": "too quiet",
    "snr_db": "noise",
    "band_snr_db": "noise",
    "pause_db": "noise",
    "clipping_share": "overdriven microphone",
    "bandwidth_hz": "narrow band",
    "echo_db": "echo",
    "decay_db": "reverberant room",
}
RULES = {
    "missing_tail_s": Ramp(0.7, 0.2, "no sound from the microphone"),
    # Noise gates put digital silence between phrases: long pauses of it are no fault.
    "silent_share": Ramp(1.0, 0.6, "silent or muted microphone"),
    "silent_tail_s": Ramp(0.7, 0.2, "silent or muted microphone"),
    "repeated_tail_s": Ramp(0.7, 0.2, "sound is stuck"),
    # A second of speech in a window of four is enough for voice features.
    "speech_share": Ramp(0.0, 0.2, "no speech"),
}
RECENT_RULES = {
    # Between clips of acted whispering and shouting lie 30 dB. Damage that lasts falls no further,
    # so that there is nothing to fit it to.
    "level_fall_db": Ramp(45.0, 25.0, "too quiet"),
}
RECENT_GOOD = {"band_snr_db": 15.0}
"""Up to where a measure of the last second says nothing, set by hand: in a second without a breath
some bands are never heard at rest, and people at home take fewer than the actors of the fit."""

AUDIO: Ramps = MappingProxyType({**RULES, **fitted("audio", REASONS)})
RECENT_AUDIO: Ramps = MappingProxyType({**RECENT_RULES, **fitted("recent_audio", REASONS)})
"""What a window, and what its last second is judged by."""


def audio_evidence(samples: Floats, speech: Floats) -> Evidence:
    """Evidence of a window of sound.

    ``samples`` (n,) at 16 kHz in [-1, 1], NaN or infinite where missing; ``speech`` (s,) voice
    activity probabilities that cover the same time evenly. Raises ValueError for other arrays.
    """
    samples, speech = as_sound(samples), checked("speech", speech, ("s",))
    if len(samples) < FRAME or not len(speech) or not np.isfinite(samples).any():
        return absent("no sound from the microphone")
    sound = Sound.of(samples, speech)
    window = judge(sound_measures(sound), AUDIO)
    return lesser(window, judge(recent_measures(sound), RECENT_AUDIO))


@dataclass(frozen=True)
class Sound:
    """n frames of sound: ``frames`` (n, FRAME), 0 where samples never came; ``missing`` (n,), the
    share of those in [0, 1]; whether each is ``live``, whole and more than digital silence, and
    ``spoken`` (n,); its ``power`` (n,), and ``spectra`` (n, FRAME / 2 + 1)."""

    frames: Floats
    missing: Floats
    live: Flags
    spoken: Flags
    power: Powers
    spectra: Powers

    @classmethod
    def of(cls, samples: Floats, speech: Floats) -> Self:
        """Of ``samples`` (n,), n at least FRAME, and ``speech``, as in audio_evidence."""
        count = len(samples) // FRAME
        heard = np.isfinite(samples[: count * FRAME]).reshape(count, FRAME)
        whole = samples[: count * FRAME].reshape(count, FRAME)
        frames = np.clip(whole, -1, 1)
        frames[~heard] = 0
        live = heard.all(axis=1) & (np.ptp(frames, axis=1) > _DIGITAL_SILENCE)
        spoken = np.nan_to_num(speech)[np.arange(count) * len(speech) // count] >= SPEECH
        return cls(
            frames,
            1 - heard.mean(axis=1, dtype=np.float32),
            live,
            spoken & live,
            frames.var(axis=1),
            spectra_of(frames),
        )

    def part(self, use: slice) -> Self:
        """The frames in ``use``."""
        parts = {field.name: getattr(self, field.name)[use] for field in fields(self)}
        return replace(self, **parts)


def sound_measures(sound: Sound) -> dict[str, float]:
    """What is measured on ``sound``; those of the voice are left out where there is too little of
    it."""
    present = sound.missing == 0
    stuck = repeated(sound.frames) & sound.live
    measures = {
        "missing_share": float(sound.missing.mean()),
        "missing_tail_s": tail(~present) * FRAME / SAMPLE_RATE,
        "silent_share": 1 - float(sound.live.sum() / max(1, present.sum())),
        "silent_tail_s": tail(~sound.live) * FRAME / SAMPLE_RATE,
        "repeated_share": float(stuck.mean()),
        "repeated_tail_s": tail(stuck) * FRAME / SAMPLE_RATE,
        "speech_share": float(sound.spoken.mean()),
    }
    if _enough(sound.spoken):
        loudness = float(sound.power[sound.spoken].mean())
        noise = _noise_power(sound.power, sound.live)
        snr = decibels(max(loudness - noise, 0) / noise)
        levels = band_levels(sound.spectra)
        size = np.abs(sound.frames)
        measures |= {
            "lost_share": float(lost(sound.power, sound.live, present, loudness).mean()),
            "level_db": decibels(loudness),
            "snr_db": snr,
            "band_snr_db": band_snr(levels, sound.live, sound.spoken),
            "pause_db": _pauses(sound, loudness),
            "clipping_share": float((size >= _PEAK_SHARE * size.max()).mean()),
            "bandwidth_hz": bandwidth(sound.spectra[sound.live]),
            "echo_db": echo(sound.frames.ravel()),
            "decay_db": decay(levels, sound.live) + max(0.0, _MASKING - snr),
        }
    return measures


def recent_measures(sound: Sound) -> dict[str, float]:
    """The same of the last second of ``sound``, and by how much its voice has fallen. Voice
    activity, which has a memory, does not hear a voice that has just become faint or narrow: where
    it hears too little, a pitch is enough."""
    recent, before = sound.part(slice(-RECENT, None)), sound.part(slice(None, -RECENT))
    if not _enough(recent.spoken):
        pitched = voiced(recent.frames, recent.power, recent.live)
        recent = replace(recent, spoken=recent.spoken | pitched)
    measures = sound_measures(recent)
    if _enough(recent.spoken) and _enough(before.spoken):
        fall = before.power[before.spoken].mean() / recent.power[recent.spoken].mean()
        measures["level_fall_db"] = decibels(float(fall))
    return measures


def _enough(spoken: Flags) -> bool:
    return float(spoken.sum() * FRAME / SAMPLE_RATE) >= _ENOUGH_SPEECH


def _noise_power(power: Powers, live: Flags) -> float:
    """Mean of each second's quiet frames: also continuous speech falls to the noise between
    syllables. By the second, so that noise that has just set in counts at once."""
    seconds = max(1, round(len(power) * FRAME / SAMPLE_RATE))
    parts = zip(np.array_split(power, seconds), np.array_split(live, seconds), strict=True)
    floors = [float(quantile(part[use], 0.05)) for part, use in parts if use.any()]
    return max(float(np.mean(floors)), 1e-12)


def _pauses(sound: Sound, loudness: float) -> float:
    """dB by which speech is above the louder tenth of what is heard in pauses, 0.1 s and more from
    any speech: barking and dishes, between which the noise floor is low. At most 60."""
    near = np.convolve(sound.spoken, np.ones(11), "same")[: len(sound.spoken)] > 0
    pauses = sound.power[sound.live & ~near]
    if len(pauses) < 5:
        return 60.0
    return min(60.0, decibels(loudness / max(float(quantile(pauses, 0.9)), 1e-12)))
