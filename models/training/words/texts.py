"""The texts the word encoder is tuned and judged on."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.features.words import WordTokens
from models.training import corpora
from models.training.corpora import Split
from streamer.errors import SourceError

SORTED_TOGETHER = 40
"""Batches whose texts are sorted by length together, so that little is padded."""


@dataclass(frozen=True, slots=True)
class Text:
    """``video`` is the recording it comes from. ``value`` is in [-3, 3], NaN where only the
    ``label`` is known: 0 negative, 1 neutral, 2 positive, and -1 where only the value is."""

    video: str
    content: str
    value: float
    label: int


@dataclass(frozen=True)
class TextBatch:
    """``tokens`` (B, L) with [CLS] and [SEP]; ``mask`` (B, L) what is a token, ``inner`` (B, L)
    what is a token of the text; ``values`` (B,) and ``labels`` (B,) as in Text."""

    tokens: Tensor
    mask: Tensor
    inner: Tensor
    values: Tensor
    labels: Tensor


def mosei(data: Path, split: Split) -> list[Text]:
    """CMU-MOSEI's texts with values."""
    return [
        Text(example.person, example.content, example.value * 3, -1)
        for example in corpora.texts(data)
        if example.split == split
    ]


def meld(data: Path, split: Split) -> list[Text]:
    """MELD's utterances with classes; a dialogue stands for the video.

    Raises SourceError where a file is missing.
    """
    return [
        Text(example.person, example.content, float("nan"), 1 + round(example.value))
        for example in corpora.dialogues(data)
        if example.split == split
    ]


def mosi(data: Path) -> list[Text]:
    """All 2,199 utterances of CMU-MOSI with values; nothing is trained on them.

    Raises SourceError where the file is missing.
    """
    path = data / "benchmarks" / "mosi.npz"
    if not path.is_file():
        raise SourceError(f"data set file {path}: there is no such file")
    with np.load(path, allow_pickle=False) as archive:
        ids, contents, values = (archive[key] for key in ("ids", "transcript", "label"))
    return [
        Text(str(name).rpartition("_")[0], str(content), float(value), -1)
        for name, content, value in zip(ids, contents, values, strict=True)
    ]


def batches(
    texts: Sequence[Text],
    contents: Sequence[str],
    tokens: WordTokens,
    size: int,
    rng: np.random.Generator | None = None,
) -> Iterator[TextBatch]:
    """``texts`` with ``contents`` in their place, ``size`` at a time: shuffled by ``rng``, those of
    similar length together; without ``rng`` in their order. A text without tokens has one [PAD]."""
    rows = tokens.rows(contents)
    for group in _groups([len(row) for row in rows], size, rng):
        yield _batch([texts[i] for i in group], [rows[i] for i in group], tokens)


def _groups(
    lengths: Sequence[int], size: int, rng: np.random.Generator | None
) -> Iterable[Sequence[int]]:
    count = len(lengths)
    if rng is None:
        return [range(start, min(start + size, count)) for start in range(0, count, size)]
    order = rng.permutation(count)
    together = size * SORTED_TOGETHER
    chunks = [order[start : start + together] for start in range(0, count, together)]
    by_length = [chunk[np.argsort(np.take(lengths, chunk), kind="stable")] for chunk in chunks]
    groups = [
        chunk[start : start + size].tolist()
        for chunk in by_length
        for start in range(0, len(chunk), size)
    ]
    return [groups[i] for i in rng.permutation(len(groups))]


def _batch(texts: Sequence[Text], rows: Sequence[list[int]], tokens: WordTokens) -> TextBatch:
    padded, lengths = tokens.padded([row or [0] for row in rows])
    places = torch.arange(padded.shape[1])
    return TextBatch(
        padded,
        places < lengths[:, None],
        (places > 0) & (places < lengths[:, None] - 1),
        torch.tensor([text.value for text in texts]),
        torch.tensor([text.label for text in texts]),
    )
