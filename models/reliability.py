"""Measured evidence of how far each stream can be trusted, without learning.

Every measure has a ramp that turns it into a score in [0, 1]; a stream's score is the least of
them, and its reason names that measure. docs/reliability.md lists the measures with their units.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from streamer.packets import FACE_MEASURES, SAMPLE_RATE, SECOND, Evidence, Flags, Floats, Word

FRAME = SAMPLE_RATE // 50
"""Samples of one frame of 20 ms, over which loudness is taken."""

SPEECH = 0.5
"""Voice activity probability from which a frame counts as speech."""

LOW = 0.5
"""Score below which a reason is given."""

_DIGITAL_SILENCE = 2 / 2**15  # peak to peak: dither of a muted 16-bit device, no room sounds so
_PEAK_SHARE = 0.99  # of the largest sample: clipped ones crowd there
_LEAST_DECIBELS = -120.0


@dataclass(frozen=True, slots=True)
class Ramp:
    """0 up to ``bad``, 1 from ``good`` on, straight in between; ``bad`` may lie on either side."""

    bad: float
    good: float
    reason: str

    def __call__(self, value: float) -> float:
        if math.isnan(value):
            return 0.0
        return min(1.0, max(0.0, (value - self.bad) / (self.good - self.bad)))


# Where two scores are equally bad the first is named, so causes stand before their effects.
AUDIO: Mapping[str, Ramp] = MappingProxyType(
    {
        # Recognisers bridge a lost packet or two; from half on words are gone.
        "missing_share": Ramp(0.5, 0.02, "no sound from the microphone"),
        "missing_tail_s": Ramp(1.5, 0.5, "no sound from the microphone"),
        # Noise gates put digital silence between phrases: long pauses of it are no fault.
        "silent_share": Ramp(1.0, 0.6, "silent or muted microphone"),
        "silent_tail_s": Ramp(1.5, 0.5, "silent or muted microphone"),
        # A second of speech in a window of four is enough for voice features.
        "speech_share": Ramp(0.0, 0.2, "no speech"),
        # The quietest clean recording measured lies at -55 dBFS, below -65 the 16 bits run out.
        "level_db": Ramp(-65.0, -50.0, "too quiet"),
        # Clean recordings measure 15 dB and more, white noise as loud as the speech 2 dB.
        "snr_db": Ramp(0.0, 15.0, "noise"),
        # Clean speech spends under 0.1 % of its samples at the peak.
        "clipping_share": Ramp(0.05, 0.002, "overdriven microphone"),
    }
)

WORDS: Mapping[str, Ramp] = MappingProxyType(
    {
        # Words without a voice are invented.
        "speech_share": Ramp(0.0, 0.15, "no speech"),
        "word_count": Ramp(0.0, 1.0, "no words"),
        # A window of 4 s: words that are 2 s behind cover half of it.
        "age_s": Ramp(6.0, 2.5, "words are late"),
        # Whisper rejects above 0.6, but only together with a low log-probability.
        "no_speech_probability": Ramp(0.95, 0.6, "probably no speech"),
        # Whisper's own limit is -1.0.
        "log_probability": Ramp(-1.4, -0.6, "uncertain words"),
        "word_probability": Ramp(0.2, 0.6, "uncertain words"),
        # Whisper's own limit is 2.4, where a text is mostly the same phrase again and again.
        "compression_ratio": Ramp(2.4, 2.0, "words repeat"),
        "repetition": Ramp(0.8, 0.4, "words repeat"),
    }
)

FACE: Mapping[str, Ramp] = MappingProxyType(
    {
        # Five pictures a second still follow an expression.
        "picture_share": Ramp(0.0, 0.5, "no pictures from the camera"),
        "picture_tail_s": Ramp(1.5, 0.5, "no pictures from the camera"),
        "face_share": Ramp(0.2, 0.8, "no face"),
        "no_face_tail": Ramp(0.4, 0.1, "no face"),
        "unchanged_share": Ramp(0.9, 0.5, "picture frozen"),
        "unchanged_tail": Ramp(0.4, 0.1, "picture frozen"),
        # MediaPipe's face mesh sees a crop of 192 px; enlarged three times little is left.
        "face_size_px": Ramp(24.0, 64.0, "face too small"),
        # The softest clean recording measures 83, the same blurred by 3 % of the face under 10.
        "sharpness": Ramp(5.0, 40.0, "blurred"),
        # Mean luma of the face: dark skin in good light lies well above 40.
        "luma_low": Ramp(12.0, 36.0, "too dark"),
        "luma_high": Ramp(245.0, 220.0, "too bright"),
        # Half of the face is hidden from 45 degrees on.
        "yaw_deg": Ramp(60.0, 35.0, "face turned away"),
        "pitch_deg": Ramp(50.0, 30.0, "face turned away"),
    }
)


def absent(reason: str) -> Evidence:
    """Evidence of a stream that is not there."""
    return Evidence(0.0, reason, {})


def combine(model: float, evidence: Evidence) -> float:
    """Published reliability in [0, 1]: the network's own times the measured one.

    Rises with both, and is 0 where either is 0 or not a number.
    """
    value = model * evidence.score
    return 0.0 if math.isnan(value) else min(1.0, max(0.0, value))


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
        "missing_tail_s": _tail(~present) * FRAME / SAMPLE_RATE,
        "silent_share": 1 - float(live.sum() / max(1, present.sum())),
        "silent_tail_s": _tail(~live) * FRAME / SAMPLE_RATE,
        "speech_share": float((spoken & live).mean()),
    }
    if (spoken & live).any():
        power = frames.var(axis=1)
        loudness = float(power[spoken & live].mean())
        noise = _noise_power(power, live)
        peak = float(np.abs(sound).max())
        measures |= {
            "level_db": _decibels(loudness),
            "snr_db": _decibels(max(loudness - noise, 0) / noise),
            "clipping_share": float((np.abs(sound) >= _PEAK_SHARE * peak).mean()),
        }
    return _judge(measures, AUDIO)


def words_evidence(
    words: Sequence[Word],
    age_ns: int,
    no_speech: float,
    log_probability: float,
    compression: float,
    speech_share: float,
) -> Evidence:
    """Evidence of the words of a window.

    ``age_ns`` is the time between the window's end and the moment up to which words are final;
    ``no_speech`` in [0, 1], ``log_probability`` (mean of a token, natural) and ``compression``
    are Whisper's figures; ``speech_share`` in [0, 1] is the share of the window with a voice.
    """
    measures = {"speech_share": speech_share, "word_count": float(len(words))}
    if words:
        measures |= {
            "age_s": age_ns / SECOND,
            "no_speech_probability": no_speech,
            "log_probability": log_probability,
            "word_probability": float(np.mean([word.probability for word in words])),
            "compression_ratio": compression,
            "repetition": _repetition([word.text.strip(" .,!?").lower() for word in words]),
        }
    return _judge(measures, WORDS)


def face_evidence(
    measures: Floats, found: Flags, expected_frames: float, tail_seconds: float = 0.0
) -> Evidence:
    """Evidence of a window of pictures.

    ``measures`` (n, len(FACE_MEASURES)) and ``found`` (n,) are the pictures in the order they were
    taken; ``expected_frames`` is how many a camera without fault delivers in a window, and
    ``tail_seconds`` the time from the last picture to the window's end.
    """
    if not len(found) or not expected_frames > 0:
        return absent("no pictures from the camera")
    columns = dict(zip(FACE_MEASURES, np.asarray(measures, np.float64).T, strict=True))
    unchanged = columns["unchanged"] > 0
    values = {
        "picture_share": min(1.0, len(found) / expected_frames),
        "picture_tail_s": tail_seconds,
        "face_share": float(found.mean()),
        "no_face_tail": min(1.0, _tail(~found) / expected_frames),
        "unchanged_share": float(unchanged.mean()),
        "unchanged_tail": min(1.0, _tail(unchanged) / expected_frames),
    }
    if found.any():
        # The worse quartile: a quarter of a bad window shows, a few odd pictures do not.
        values |= {
            "face_size_px": float(np.percentile(columns["face_size"][found], 25)),
            "sharpness": float(np.percentile(_evenly_lit(columns)[found], 25)),
            "luma_low": float(np.percentile(columns["brightness"][found], 25)),
            "luma_high": float(np.percentile(columns["brightness"][found], 75)),
            "yaw_deg": float(np.percentile(np.abs(columns["yaw"][found]), 75)),
            "pitch_deg": float(np.percentile(np.abs(columns["pitch"][found]), 75)),
        }
    return _judge(values, FACE)


def _judge(measures: Mapping[str, float], ramps: Mapping[str, Ramp]) -> Evidence:
    scores = {name: ramp(measures[name]) for name, ramp in ramps.items() if name in measures}
    worst = min(scores, key=lambda name: scores[name])
    score = scores[worst]
    finite = {name: float(value) for name, value in measures.items() if math.isfinite(value)}
    return Evidence(score, ramps[worst].reason if score < LOW else None, finite)


def _evenly_lit(columns: Mapping[str, npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    """Sharpness as it would be at a mean luma of 128: contrast grows with light, so that a dark
    face would be called blurred."""
    return columns["sharpness"] * (128 / np.maximum(columns["brightness"], 1)) ** 2


def _noise_power(power: npt.NDArray[np.floating], live: Flags) -> float:
    """Mean of each second's quiet frames: also continuous speech falls to the noise between
    syllables. By the second, so that noise that has just set in counts at once."""
    seconds = max(1, round(len(power) * FRAME / SAMPLE_RATE))
    parts = zip(np.array_split(power, seconds), np.array_split(live, seconds), strict=True)
    floors = [np.percentile(part[use], 5) for part, use in parts if use.any()]
    return max(float(np.mean(floors)), 1e-12)


def _decibels(power: float) -> float:
    return 10 * math.log10(power) if power > 10 ** (_LEAST_DECIBELS / 10) else _LEAST_DECIBELS


def _tail(flags: Flags) -> int:
    """How many at the end are true without a break."""
    false = np.flatnonzero(~flags)
    return len(flags) - 1 - int(false[-1]) if len(false) else len(flags)


def _repetition(words: Sequence[str]) -> float:
    """Share of the words that repeat the phrase of one to four words just before them."""
    repeated: set[int] = set()
    for length in range(1, 5):
        for at in range(length, len(words) - length + 1):
            if words[at : at + length] == words[at - length : at]:
                repeated.update(range(at, at + length))
    return len(repeated) / len(words)
