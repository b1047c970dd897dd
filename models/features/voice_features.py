"""Both kinds of voice features, Whisper's and prosody, on one grid."""

import numpy as np

from models.features.prosody import PROSODY_SIZE, prosody_steps
from models.features.voice import HIDDEN_SIZE, voice_steps
from streamer.packets import Flags, Floats

VOICE_SIZE = HIDDEN_SIZE + PROSODY_SIZE
"""Width of a voice step: Whisper's encoder, then prosody."""


def voice_features(
    hidden: Floats, samples: Floats, speech: Floats, length_seconds: float
) -> tuple[Floats, Flags]:
    """The last ``length_seconds`` as steps of 0.2 s: (steps, VOICE_SIZE) and a mask (steps,), true
    where there is speech. ``hidden`` and ``speech`` as in voice_steps, of the same ``samples``."""
    states, mask = voice_steps(hidden, speech, length_seconds)
    return np.concatenate([states, prosody_steps(samples, length_seconds)], axis=1), mask
