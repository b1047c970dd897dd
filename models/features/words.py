"""Word features: the token states of MiniLM-L6 over the text as spoken."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from models.features.minilm import load_minilm, tune
from streamer.errors import AssetError
from streamer.packets import Floats

TOKEN_LIMIT = 64
"""Tokens of one window at most; of a longer text the last ones are kept."""

TOKEN_SIZE = 384
"""Width of MiniLM-L6."""


def spoken(text: str) -> str:
    """``text`` as a transcriber hears it: lower case, without punctuation but apostrophes.

    >>> spoken("I DON'T know -- really?")
    "i don't know really"
    """
    lowered = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return " ".join(re.sub(r"[^\w\s']|_", " ", lowered).split())


class WordTokens:
    """MiniLM's word pieces of the text as spoken, from ``folder``/tokenizer.json.

    Raises AssetError where the file is missing or is no tokenizer.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # the library raises this class itself
            raise AssetError(f"word model in {folder}: {_one_line(error)}") from None
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._begin = self._tokenizer.token_to_id("[CLS]")
        self._end = self._tokenizer.token_to_id("[SEP]")

    def rows(self, texts: Sequence[str]) -> list[list[int]]:
        """Token numbers of each text, at most the last 64, without [CLS] and [SEP]."""
        encodings = self._tokenizer.encode_batch(
            [spoken(text) for text in texts], add_special_tokens=False
        )
        return [encoding.ids[-TOKEN_LIMIT:] for encoding in encodings]

    def padded(self, rows: Sequence[list[int]]) -> tuple[Tensor, Tensor]:
        """``rows`` between [CLS] and [SEP], zeros behind: (rows, length), and lengths (rows,)."""
        lengths = torch.tensor([len(row) + 2 for row in rows])
        tokens = torch.zeros((len(rows), int(lengths.max())), dtype=torch.long)
        for i, row in enumerate(rows):
            tokens[i, : len(row) + 2] = torch.tensor([self._begin, *row, self._end])
        return tokens, lengths


class WordsEncoder:
    """MiniLM-L6 from a local ``folder`` with model.safetensors and tokenizer.json, ``tuned`` with
    the weights of that file or as published.

    Raises AssetError where a file is missing or is not the model, or the tuned weights were made
    from another one.
    """

    def __init__(self, folder: Path, tuned: Path | None = None) -> None:
        self._tokens = WordTokens(folder)
        try:
            model = load_minilm(folder)
        except Exception as error:  # two libraries, each with exceptions of its own
            raise AssetError(f"word model in {folder}: {_one_line(error)}") from None
        self._model = tune(model, tuned) if tuned else model

    def encode(self, words: Sequence[str]) -> Floats:
        """Token states (tokens, 384) of ``words`` in a row; (0, 384) where nothing is said."""
        return self.encode_texts([" ".join(words)])[0]

    def encode_texts(self, texts: Sequence[str], batch: int = 32) -> list[Floats]:
        """Token states (tokens, 384) of each text, at most 64 tokens, without [CLS] and [SEP]."""
        rows = self._tokens.rows(texts)
        states = [np.zeros((0, TOKEN_SIZE), np.float32)] * len(rows)
        said = sorted((i for i, row in enumerate(rows) if row), key=lambda i: len(rows[i]))
        for start in range(0, len(said), batch):
            group = said[start : start + batch]
            for i, state in zip(group, self._states([rows[i] for i in group]), strict=True):
                states[i] = state
        return states

    def _states(self, rows: list[list[int]]) -> list[Floats]:
        tokens, lengths = self._tokens.padded(rows)
        with torch.inference_mode():
            output = self._model(tokens, torch.arange(tokens.shape[1]) < lengths[:, None])
        return [
            output[i, 1 : len(row) + 1].numpy().astype(np.float32) for i, row in enumerate(rows)
        ]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
