"""A small corpus of each stream in which the class can be read from the features."""

from collections.abc import Sequence

import numpy as np

from models.features.voice_history import VoicePrior
from models.training.corpora import SPLITS, Example
from models.training.extraction import FeatureTable
from models.training.pairing import Material
from models.training.tables import Corpus, word_view
from models.training.views import WORD_DROP_LEVELS
from streamer.packets import Flags, Floats, Stream

SIZES: dict[Stream, int] = {"text": 12, "audio": 10, "vision": 8}
PER_CLASS = 30


class PlainVoice:
    """Gives on what it is given."""

    def __init__(self, size: int = SIZES["audio"]) -> None:
        self.prior = VoicePrior(np.zeros(size, np.float32), np.ones(size, np.float32))

    def read(self, normalised: Floats, mask: Flags) -> Floats:
        return normalised * mask[..., None]


def material(seed: int = 0) -> Material:
    """The corpora below, ready to be drawn from."""
    return Material(corpora(seed), PlainVoice())


def corpora(seed: int = 0) -> dict[Stream, Corpus]:
    """Every split holds PER_CLASS examples of each class and stream, from people of its own."""
    rng = np.random.default_rng(seed)
    examples = [
        Example("corpus", f"{split}-{i}", split, 0.5 * sign, f"{split} {sign} {i}")
        for split in SPLITS
        for sign in (-1, 0, 1)
        for i in range(PER_CLASS)
    ]
    views = {
        "text": [word_view(level) for level in WORD_DROP_LEVELS],
        "audio": ["clean", "gain", "noise"],
        "vision": ["clean", "spoiled"],
    }
    return {
        stream: Corpus(examples, _views(examples, stream, views[stream], rng)) for stream in SIZES
    }


def _views(
    examples: Sequence[Example], stream: Stream, names: Sequence[str], rng: np.random.Generator
) -> dict[str, FeatureTable]:
    """The first view is clean, each further one is damaged more."""
    size = SIZES[stream]
    lengths = [1 if stream == "vision" else int(rng.integers(3, 9)) for _ in examples]
    clean = [
        rng.normal(scale=0.5, size=(length, size)) + 4 * example.value / np.sqrt(size)
        for example, length in zip(examples, lengths, strict=True)
    ]
    return {
        name: FeatureTable.of(
            [
                (
                    (steps + damage * rng.normal(size=steps.shape)).astype(np.float32),
                    np.ones(len(steps), np.bool_),
                )
                for steps in clean
            ]
        )
        for damage, name in enumerate(names)
    }
