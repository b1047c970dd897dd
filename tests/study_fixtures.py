"""Small made-up data for the tests of the study's models."""

import numpy as np
import numpy.typing as npt

from models.study.data import Dataset, Split
from streamer.packets import STREAMS, Flags, Floats, Stream

SIZES: dict[Stream, int] = {"text": 12, "audio": 10, "vision": 8}
STEPS: dict[Stream, int] = {"text": 6, "audio": 5, "vision": 5}


def made_up(
    seed: int = 0, streams: tuple[Stream, ...] = STREAMS, steps: dict[Stream, int] = STEPS
) -> Dataset:
    """Features of few independent causes, of which the first is the label; 160 train, 48 valid and
    test samples each."""
    rng = np.random.default_rng(seed)
    mixing = {m: rng.standard_normal((4, SIZES[m])) for m in streams}
    train, valid, test = (_split(count, mixing, steps, rng) for count in (160, 48, 48))
    return Dataset("made-up", train, valid, test, scale=3.0)


def _split(
    count: int,
    mixing: dict[Stream, npt.NDArray[np.float64]],
    steps: dict[Stream, int],
    rng: np.random.Generator,
) -> Split:
    labels: Floats = rng.uniform(-1, 1, count).astype(np.float32)
    features: dict[Stream, Floats] = {}
    masks: dict[Stream, Flags] = {}
    for stream, weights in mixing.items():
        causes = rng.standard_normal((count, steps[stream], 4))
        causes[:, :, 0] = 2 * labels[:, None]
        noise = 0.1 * rng.standard_normal((count, steps[stream], SIZES[stream]))
        features[stream] = (causes @ weights + noise).astype(np.float32)
        masks[stream] = np.ones((count, steps[stream]), bool)
    return Split(features, masks, labels, np.array([str(i // 4) for i in range(count)]))
