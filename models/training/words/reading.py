"""The values that a reader gives to texts, as spoken or with a transcriber's errors."""

from collections.abc import Sequence

import numpy as np
import torch

from models.features.words import WordTokens
from models.training.measures import Values
from models.training.words.reader import SentimentReader
from models.training.words.texts import Text, batches
from models.training.words.transcriber_errors import TranscriberErrors

ERROR_SEED = 15
BATCH = 32


def read(reader: SentimentReader, tokens: WordTokens, texts: Sequence[Text],
         errors: TranscriberErrors | None = None, rate: float = 0.0) -> Values:  # fmt: skip
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
