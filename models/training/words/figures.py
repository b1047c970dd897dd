"""The figures of the tuned word encoder, alone: ``python -m models.training.words.figures``."""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.checkpoint_files import SHIPPED, TUNED
from models.features.words import WordTokens
from models.training.measures import Values, correlation, figure, resampled, share
from models.training.tables import cached_models
from models.training.words.fit import Material
from models.training.words.reader import SentimentReader
from models.training.words.reading import read
from models.training.words.texts import Text, batches, mosei, mosi
from models.training.words.weights import load_reader

ERROR_RATES = (0.15, 0.3)
TIMED_WINDOWS = 40


def words_figures(
    data: Path,
    minilm: Path,
    weights: Path,
    error_rates: Sequence[float] = ERROR_RATES,
    every: int = 1,
) -> dict[str, Any]:
    """How well the readout in ``weights`` reads MOSEI's test texts, clean and with a transcriber's
    errors, and MOSI's: each figure with its 95 % interval over videos, and texts and videos.

    All texts are in lower case and without punctuation, as they are heard; for a quick look only
    ``every`` so many is read. Also the time of one window's encoding. Raises SourceError or
    AssetError where data or models are missing.
    """
    torch.set_num_threads(1)
    material = Material.load(data, minilm)
    reader = load_reader(minilm, weights)
    tokens, errors = material.tokens, material.errors
    valid, test, other = material.valid[::every], mosei(data, "test")[::every], mosi(data)[::every]
    figures: dict[str, Any] = {
        "mosei_valid": _row(read(reader, tokens, valid), valid),
        "mosei_test": _row(read(reader, tokens, test), test),
        "mosi_all": _row(read(reader, tokens, other), other),
    }
    for rate in error_rates:
        name = f"mosei_test_errors_{round(rate * 100):02d}"
        figures[name] = _row(read(reader, tokens, test, errors, rate), test)
    return {**figures, "milliseconds_per_window": milliseconds(reader, tokens, test)}


def milliseconds(reader: SentimentReader, tokens: WordTokens, texts: Sequence[Text]) -> float:
    """Median time to encode one text, one thread."""
    taken = []
    with torch.inference_mode():
        for text in texts[:TIMED_WINDOWS]:
            begun = time.perf_counter()
            batch = next(batches([text], [text.content], tokens, 1))
            reader(batch)
            taken.append(1000 * (time.perf_counter() - begun))
    return float(np.median(taken))


def _row(values: Values, texts: Sequence[Text]) -> dict[str, Any]:
    wanted = np.array([text.value for text in texts])
    videos = [text.video for text in texts]
    weights = resampled(videos)
    right = (values > 0) == (wanted > 0)
    return {
        "texts": len(texts),
        "videos": len(set(videos)),
        "pearson": figure(correlation(values, wanted, weights)),
        "acc2_nonzero": figure(share(right, wanted != 0, weights)),
    }


def main() -> None:
    """Prints the figures as JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--minilm", type=Path, default=cached_models().minilm)
    parser.add_argument("--weights", type=Path, default=SHIPPED / TUNED["text"])
    options = parser.parse_args()
    print(json.dumps(words_figures(options.data, options.minilm, options.weights), indent=1))


if __name__ == "__main__":
    main()
