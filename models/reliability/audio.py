"""Evidence of sound: what is missing, how loud and how clean the voice is."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from models.reliability.scores import Ramp, absent, judge, tail
from models.reliability.sound import FRAME, bandwidth, decay, decibels, echo, lost, repeated
from streamer.packets import SAMPLE_RATE, Evidence, Flags, Floats

SPEECH = 0.5
"""Voice activity probability from which a frame counts as speech."""

_DIGITAL_SILENCE = 2 / 2**15  # peak to peak: dither of a muted 16-bit device, no room sounds so
_MASKING = 8.0  # dB of speech over noise under which a voice's fall ends in the noise
_PEAK_SHARE = 0.99  # of the largest sample: clipped ones crowd there

AUDIO: Mapping[str, Ramp] = MappingProxyType(
    {
        # Recognisers bridge a lost packet or two; from half on words are gone.
        "missing_share": Ramp(0.5, 0.02, "no sound from the microphone"),
        "missing_tail_s": Ramp(1.5, 0.5, "no sound from the microphone"),
        # Noise gates put digital silence between phrases: long pauses of it are no fault.
        "silent_share": Ramp(1.0, 0.6, "silent or muted microphone"),
        "silent_tail_s": Ramp(1.5, 0.5, "silent or muted microphone"),
        # A buffer that plays again and again: no sound outside repeats itself to the last bit.
        "repeated_share": Ramp(0.5, 0.02, "sound is stuck"),
        # Clean speech never breaks off within a frame; a lost packet or two are bridged.
        "lost_share": Ramp(0.5, 0.02, "sound breaks off"),
        # A second of speech in a window of four is enough for voice features.
        "speech_share": Ramp(0.0, 0.2, "no speech"),
        # The quietest clean recording measured lies at -55 dBFS, below -65 the 16 bits run out.
        "level_db": Ramp(-65.0, -50.0, "too quiet"),
        # Clean recordings measure 12 dB and more, white noise as loud as the speech 2 dB.
        "snr_db": Ramp(0.0, 14.0, "noise"),
        # Clean speech spends under 0.1 % of its samples at the peak.
        "clipping_share": Ramp(0.05, 0.002, "overdriven microphone"),
        # Clean recordings reach 7.5 kHz, one of 1961 6.6; telephones and coders end at 4.
        "bandwidth_hz": Ramp(3600.0, 7200.0, "narrow band"),
        # Clean recordings measure up to -22 dB, by chance.
        "echo_db": Ramp(-3.0, -24.0, "echo"),
        # Clean speech falls by 12 dB and more, in a room that rings for a second by half of it.
        "decay_db": Ramp(5.0, 12.5, "reverberant room"),
    }
)


def audio_evidence(samples: Floats, speech: Floats) -> Evidence:
    """Evidence of a window of sound.

    ``samples`` (n,) at 16 kHz in [-1, 1], NaN or infinite where missing; ``speech`` (s,) voice
    activity probabilities that cover the same time evenly.
    """
    heard = np.isfinite(samples)
    count = len(samples) // FRAME
    if not heard.any() or not count or not len(speech):
        return absent("no sound from the microphone")
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
    if (spoken & live).any():
        power = frames.var(axis=1)
        loudness = float(power[spoken & live].mean())
        noise = _noise_power(power, live)
        snr = decibels(max(loudness - noise, 0) / noise)
        peak = float(np.abs(sound).max())
        measures |= {
            "lost_share": float(lost(power, live, present, loudness).mean()),
            "level_db": decibels(loudness),
            "snr_db": snr,
            "clipping_share": float((np.abs(sound) >= _PEAK_SHARE * peak).mean()),
            "bandwidth_hz": bandwidth(frames[live]),
            "echo_db": echo(sound),
            "decay_db": decay(power, live) + max(0.0, _MASKING - snr),
        }
    return judge(measures, AUDIO)


def _noise_power(power: npt.NDArray[np.floating], live: Flags) -> float:
    """Mean of each second's quiet frames: also continuous speech falls to the noise between
    syllables. By the second, so that noise that has just set in counts at once."""
    seconds = max(1, round(len(power) * FRAME / SAMPLE_RATE))
    parts = zip(np.array_split(power, seconds), np.array_split(live, seconds), strict=True)
    floors = [np.percentile(part[use], 5) for part, use in parts if use.any()]
    return max(float(np.mean(floors)), 1e-12)
