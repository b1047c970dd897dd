"""Voice features: the Whisper encoder's own output, which the transcriber computes anyway."""

from typing import TYPE_CHECKING

import numpy as np

from models.features.steps import STEP_SECONDS, step_count
from streamer.arrays import as_sound
from streamer.packets import SAMPLE_RATE, Flags, Floats

if TYPE_CHECKING:
    from ctranslate2 import StorageView
    from faster_whisper import WhisperModel

PADDING_SECONDS = 5.0
"""Silence after the samples. Without it Whisper's decoder falls into repetition loops, and with it
instead of padding to 30 s a window costs a third."""

HIDDEN_RATE = 50
"""Encoder frames per second."""

HIDDEN_SIZE = 384
"""Width of tiny.en's encoder."""

SPEECH_THRESHOLD = 0.5
"""Mean voice activity probability from which a step counts as speech."""


def encode(model: "WhisperModel", samples: Floats) -> "StorageView":
    """Encoder output of ``samples`` (n,), 16 kHz, up to about 10 s, and the silence after them.

    Missing samples (NaN) are heard as silence. The transcriber decodes the very same output.
    Raises ValueError as ``as_sound`` does.
    """
    padding = round(PADDING_SECONDS * SAMPLE_RATE)
    heard = np.pad(np.nan_to_num(as_sound(samples), nan=0.0), (0, padding))
    return model.encode(model.feature_extractor(heard, padding=0))


def hidden_states(encoded: "StorageView", seconds: float) -> Floats:
    """Encoder states (frames, 384) of the first ``seconds``, 50 a second: without the padding."""
    if encoded.device != "cpu":
        from ctranslate2 import Device

        encoded = encoded.to_device(Device.cpu)
    states: Floats = np.asarray(encoded, dtype=np.float32)[0]
    return states[: round(seconds * HIDDEN_RATE)]


def voice_steps(hidden: Floats, speech: Floats, length_seconds: float) -> tuple[Floats, Flags]:
    """The last ``length_seconds`` as means over steps of 0.2 s.

    ``hidden`` is (frames, 384) at 50 Hz; ``speech`` are voice activity probabilities spread evenly
    over the same time. Returns features (steps, 384) and mask (steps,), true where the step's
    mean probability is at least 0.5. What is shorter than asked for is padded on the left with
    masked zeros.
    """
    per_step = round(STEP_SECONDS * HIDDEN_RATE)
    steps = step_count(length_seconds)
    whole = min(len(hidden) // per_step, steps)
    features = np.zeros((steps, hidden.shape[1]), np.float32)
    mask = np.zeros(steps, np.bool_)
    if whole and len(speech):
        at = np.arange(len(hidden)) * len(speech) // len(hidden)
        last = slice(len(hidden) - whole * per_step, len(hidden))
        pooled = hidden[last].reshape(whole, per_step, -1).mean(axis=1)
        speaking = speech[at][last].reshape(whole, per_step).mean(axis=1) >= SPEECH_THRESHOLD
        features[steps - whole :] = pooled
        mask[steps - whole :] = speaking
    return features, mask
