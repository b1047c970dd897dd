"""How well values are read from texts, with 95 % bootstrap intervals over videos."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch

from models.features.words import WordTokens
from models.training.words.reader import SentimentReader
from models.training.words.texts import Text, batches
from models.training.words.transcriber_errors import TranscriberErrors

Array = npt.NDArray[np.float64]
Measure = Callable[[Array, Array], float]

ERROR_SEED = 15
RESAMPLES = 1000
BATCH = 32


def pearson(values: Array, wanted: Array) -> float:
    """Correlation of ``values`` (n,) with ``wanted`` (n,)."""
    return float(np.corrcoef(values, wanted)[0, 1])


def sign_accuracy(values: Array, wanted: Array) -> float:
    """Share of right signs where ``wanted`` is not zero: "Acc-2 non-zero"."""
    signed = wanted != 0
    return float(((values > 0) == (wanted > 0))[signed].mean())


def read(reader: SentimentReader, tokens: WordTokens, texts: Sequence[Text],
         errors: TranscriberErrors | None = None, rate: float = 0.0) -> Array:  # fmt: skip
    """Values (n,) of ``texts``, spoken clearly or with transcriber ``errors`` at ``rate``.

    A text of which no word is left has the value of the sentence of no words, 0.
    """
    rng = np.random.default_rng(ERROR_SEED)
    contents = [errors(text.content, rate, rng) if errors else text.content for text in texts]
    order = sorted(range(len(texts)), key=lambda i: len(contents[i]))
    found = []
    reader.train(False)
    with torch.inference_mode():
        for batch in batches(
            [texts[i] for i in order], [contents[i] for i in order], tokens, BATCH
        ):
            said = (batch.tokens[:, 1] != 0).float()
            found.append(reader(batch).value * said)
    values = np.empty(len(texts))
    values[order] = torch.cat(found).double().numpy()
    return values


def interval(
    measure: Measure, values: Array, wanted: Array, videos: Sequence[str]
) -> tuple[float, float]:
    """95 % of ``measure`` when the videos are drawn again with repetition."""
    rng = np.random.default_rng(ERROR_SEED)
    names, video = np.unique(videos, return_inverse=True)
    rows = np.split(np.argsort(video, kind="stable"), np.cumsum(np.bincount(video))[:-1])
    found = []
    for _ in range(RESAMPLES):
        drawn = np.concatenate([rows[i] for i in rng.integers(len(names), size=len(names))])
        found.append(measure(values[drawn], wanted[drawn]))
    low, high = np.quantile(found, (0.025, 0.975))
    return float(low), float(high)
