"""Evidence of sound: what is missing, how loud and how clean the voice is."""

from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from models.reliability.scores import Ramp, Ramps, absent, fitted, judge, lesser, tail
from models.reliability.sound import FRAME, bandwidth, decay, decibels, echo, lost, repeated
from streamer.arrays import as_sound, checked
from streamer.packets import SAMPLE_RATE, Evidence, Flags, Floats

SPEECH = 0.5
"""Voice activity probability from which a frame counts as speech."""

RECENT = SAMPLE_RATE
"""Samples of what is also judged alone, the last second: damage shows before it fills a window."""

_DIGITAL_SILENCE = 2 / 2**15  # peak to peak: dither of a muted 16-bit device, no room sounds so
_MASKING = 8.0  # dB of speech over noise under which a voice's fall ends in the noise
_PEAK_SHARE = 0.99  # of the largest sample: clipped ones crowd there
_ENOUGH_SPEECH = 0.3  # of a second, to judge a voice by

REASONS = {
    "missing_share": "no sound from the microphone",
    "repeated_share": "sound is stuck",
    "lost_share": "sound breaks off",
    "level_db": "too quiet",
    "snr_db": "noise",
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
    # A second of speech in a window of four is enough for voice features.
    "speech_share": Ramp(0.0, 0.2, "no speech"),
}

AUDIO: Ramps = MappingProxyType({**RULES, **fitted("audio", REASONS)})
RECENT_AUDIO: Ramps = fitted("recent_audio", REASONS)
"""What a window, and what its last second is judged by."""


def audio_evidence(samples: Floats, speech: Floats) -> Evidence:
    """Evidence of a window of sound.

    ``samples`` (n,) at 16 kHz in [-1, 1], NaN or infinite where missing; ``speech`` (s,) voice
    activity probabilities that cover the same time evenly. Raises ValueError for other arrays.
    """
    samples, speech = as_sound(samples), checked("speech", speech, ("s",))
    if len(samples) < FRAME or not len(speech) or not np.isfinite(samples).any():
        return absent("no sound from the microphone")
    window = judge(sound_measures(samples, speech), AUDIO)
    size = max(1, len(speech) * RECENT // len(samples))
    recent = sound_measures(samples[-RECENT:], speech[-size:])
    return lesser(window, judge(recent, RECENT_AUDIO))


def sound_measures(samples: Floats, speech: Floats) -> dict[str, float]:
    """What is measured on ``samples`` (n,), n at least a frame, and ``speech``, as above; those of
    the voice are left out where there is too little of it."""
    count = len(samples) // FRAME
    heard = np.isfinite(samples)
    present: Flags = heard[: count * FRAME].reshape(count, FRAME).min(axis=1)
    sound = np.clip(np.where(heard, samples, 0), -1, 1)
    frames = sound[: count * FRAME].reshape(count, FRAME)
    live = present & (np.ptp(frames, axis=1) > _DIGITAL_SILENCE)
    spoken = np.nan_to_num(speech)[np.arange(count) * len(speech) // count] >= SPEECH
    measures = {
        "missing_share": 1 - float(heard.mean()),
        "missing_tail_s": tail(~present) * FRAME / SAMPLE_RATE,
        "silent_share": 1 - float(live.sum() / max(1, present.sum())),
        "silent_tail_s": tail(~live) * FRAME / SAMPLE_RATE,
        "repeated_share": float((repeated(frames) & live).mean()),
        "speech_share": float((spoken & live).mean()),
    }
    if (spoken & live).sum() * FRAME / SAMPLE_RATE >= _ENOUGH_SPEECH:
        power = frames.var(axis=1)
        loudness = float(power[spoken & live].mean())
        noise = _noise_power(power, live)
        snr = decibels(max(loudness - noise, 0) / noise)
        peak = float(np.abs(sound).max())
        measures |= {
            "lost_share": float(lost(power, live, present, loudness).mean()),
            "level_db": decibels(loudness),
            "snr_db": snr,
            "pause_db": _pauses(power, live, spoken, loudness),
            "clipping_share": float((np.abs(sound) >= _PEAK_SHARE * peak).mean()),
            "bandwidth_hz": bandwidth(frames[live]),
            "echo_db": echo(sound),
            "decay_db": decay(power, live) + max(0.0, _MASKING - snr),
        }
    return measures


def _noise_power(power: npt.NDArray[np.floating], live: Flags) -> float:
    """Mean of each second's quiet frames: also continuous speech falls to the noise between
    syllables. By the second, so that noise that has just set in counts at once."""
    seconds = max(1, round(len(power) * FRAME / SAMPLE_RATE))
    parts = zip(np.array_split(power, seconds), np.array_split(live, seconds), strict=True)
    floors = [np.percentile(part[use], 5) for part, use in parts if use.any()]
    return max(float(np.mean(floors)), 1e-12)


def _pauses(power: npt.NDArray[np.floating], live: Flags, spoken: Flags, loudness: float) -> float:
    """dB by which speech is above the louder tenth of what is heard in pauses, 0.1 s and more from
    any speech: barking and dishes, between which the noise floor is low. At most 60."""
    near = np.convolve(spoken, np.ones(11), "same") > 0
    pauses = power[live & ~near]
    if len(pauses) < 5:
        return 60.0
    return min(60.0, decibels(loudness / max(float(np.percentile(pauses, 90)), 1e-12)))
