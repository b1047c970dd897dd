"""Normalisation of the voice features by what the session has heard of the voice so far.

A voice's own mean and deviation tell more about the speaker, the room and the language than about
the mood, so steps count relative to them. Nothing of the future is needed: a session starts with
the training data's statistics, which weigh as much as ``PRIOR_STEPS`` steps of speech, and every
step of speech that has been heard moves them towards the speaker's own.
"""

from dataclasses import dataclass

import numpy as np

from streamer.packets import Flags, Floats

PRIOR_STEPS = 50.0
"""Steps of speech that the training data's statistics count for: 10 s."""

MEMORY_STEPS = 3000.0
"""Steps of speech, ten minutes, after which the oldest begin to fade."""

LARGEST = 6.0
"""Deviations at which a normalised feature is cut off."""

SMALLEST_VARIANCE = 1e-6

NO_FEATURE = 1e6
"""No feature comes near it. A step that holds such a number, or none, is not remembered: it would
spoil every later window of the session."""


@dataclass(frozen=True)
class VoicePrior:
    """The training data's mean over speakers and mean variance within one, (VOICE_SIZE,) each."""

    mean: Floats
    variance: Floats


@dataclass(frozen=True)
class Heard:
    """Sums over steps of speech: ``count`` (...), ``total`` and ``squares`` (..., VOICE_SIZE)."""

    count: Floats
    total: Floats
    squares: Floats

    @staticmethod
    def of(steps: Floats, speech: Flags) -> "Heard":
        """Of ``steps`` (..., steps, VOICE_SIZE) where ``speech`` (..., steps) holds."""
        speech = speech & (np.abs(steps).max(axis=-1, initial=0) < NO_FEATURE)
        counted = np.where(speech[..., None], steps.astype(np.float32), np.float32(0))
        count = speech.sum(axis=-1).astype(np.float32)
        return Heard(count, counted.sum(axis=-2), np.square(counted).sum(axis=-2))


def blended(prior: VoicePrior, heard: Heard) -> tuple[Floats, Floats]:
    """Mean and deviation (..., VOICE_SIZE) of the prior and what was ``heard`` together."""
    count = (PRIOR_STEPS + heard.count)[..., None]
    mean = (PRIOR_STEPS * prior.mean + heard.total) / count
    squares = (PRIOR_STEPS * (prior.variance + np.square(prior.mean)) + heard.squares) / count
    deviation = np.sqrt(np.maximum(squares - np.square(mean), SMALLEST_VARIANCE))
    return mean.astype(np.float32), deviation.astype(np.float32)


def normalised(steps: Floats, mean: Floats, deviation: Floats) -> Floats:
    """``steps`` in deviations from the mean, within +-LARGEST, 0 where there is no number; all
    broadcast."""
    relative = np.nan_to_num((steps - mean) / deviation, copy=False)
    result: Floats = np.clip(relative, -LARGEST, LARGEST)
    return result.astype(np.float32, copy=False)


class VoiceHistory:
    """What one session has heard of one voice; one instance per session."""

    def __init__(self, prior: VoicePrior) -> None:
        self._prior = prior
        nothing = np.zeros_like(prior.mean)
        self._heard = Heard(np.zeros((), np.float32), nothing, nothing)

    @property
    def steps_heard(self) -> float:
        """Steps of speech that count, at most MEMORY_STEPS."""
        return float(self._heard.count)

    def hear(self, steps: Floats, speech: Flags) -> None:
        """Takes in ``steps`` (n, VOICE_SIZE) as computed, where ``speech`` (n,) holds. Each step
        of a session is to be heard once, when it leaves the window: as in training, a window is
        normalised by what came before it."""
        new, old = Heard.of(steps, speech), self._heard
        count = old.count + new.count
        kept = np.float32(min(1.0, MEMORY_STEPS / max(float(count), 1.0)))
        self._heard = Heard(
            count * kept, (old.total + new.total) * kept, (old.squares + new.squares) * kept
        )

    def normalise(self, steps: Floats) -> Floats:
        """``steps`` (..., VOICE_SIZE) relative to the voice as heard so far."""
        return normalised(steps, *blended(self._prior, self._heard))
