"""Class-matched pairs of texts, voices and faces from different people.

No corpus holds the words, the voice and the face of one labelled moment. So each sample takes one
example of every stream, all of the same class: negative, neutral or positive. What a network
learns from it about agreement between streams is an assumption, not an observation.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.features.voice_history import normalised
from models.features.voice_reader import Reader
from models.training.corpora import Example, Split
from models.training.extraction import Rows
from models.training.histories import Histories, History
from models.training.stills import Movement
from models.training.tables import Corpus, word_view
from models.training.views import WORD_DROP_LEVELS
from streamer.packets import STREAMS, Floats, Stream

TOKENS = 32
"""Tokens of a text that training sees, the last ones: what is said in a window is hardly longer."""


@dataclass(frozen=True)
class Sequences:
    """``features`` (B, steps, size) float32 and ``mask`` (B, steps) of one stream."""

    features: Tensor
    mask: Tensor


@dataclass(frozen=True)
class Pairs:
    """``rows`` gives the example of each stream, ``values`` (n, streams) their sentiment values,
    ``labels`` (n,) the class they share."""

    rows: dict[Stream, Rows]
    values: npt.NDArray[np.float32]
    labels: Rows

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, part: slice | Rows) -> "Pairs":
        rows = {stream: of_stream[part] for stream, of_stream in self.rows.items()}
        return Pairs(rows, self.values[part], self.labels[part])


def draw_pairs(
    corpora: Mapping[Stream, Corpus], split: Split, count: int, rng: np.random.Generator
) -> Pairs:
    """``count`` pairs of ``split``, the classes equally often, and within a class the corpora of a
    stream equally often, so that the largest does not drown the others."""
    labels = rng.integers(0, 3, count)
    rows: dict[Stream, Rows] = {}
    for stream in STREAMS:
        groups = _groups(corpora[stream], split)
        rows[stream] = np.zeros(count, np.int64)
        for label in range(3):
            wanted = np.flatnonzero(labels == label)
            of_label = [group for (_, its), group in sorted(groups.items()) if its == label]
            choice = rng.integers(0, len(of_label), len(wanted))
            for i, group in enumerate(of_label):
                places = wanted[choice == i]
                rows[stream][places] = rng.choice(group, len(places))
    values = [_values(corpora[stream].examples)[rows[stream]] for stream in STREAMS]
    return Pairs(rows, np.stack(values, axis=1), labels)


def targets(values: Tensor, present: Tensor) -> Tensor:
    """What the network should say, (n,), where ``present`` (n, streams) streams are left.

    Words have a label of their own, voices and faces only that of their class. So the words' label
    counts where there are words, else the mean of what is present; the words' again where nothing
    is left, which makes the prior the mean over all.
    """
    others = present[:, 1:].to(values.dtype)
    mean = (values[:, 1:] * others).sum(dim=1) / others.sum(dim=1).clamp_min(1)
    return torch.where(present[:, 0] | ~present.any(dim=1), values[:, 0], mean)


class Material:
    """Turns rows into sequences, clean or damaged in the raw signal."""

    def __init__(self, corpora: Mapping[Stream, Corpus], voice: Reader) -> None:
        self.corpora = corpora
        audio = corpora["audio"]
        self.histories = Histories(audio.examples, audio.views["clean"], voice.prior)
        self._voice = voice

    def words(
        self, rows: Rows, level: float, rng: np.random.Generator, limit: int = TOKENS
    ) -> Sequences:
        """Texts with words dropped with probability ``level``.

        Between two levels that were encoded each text takes the one or the other, in such shares
        that the mean is ``level``. Of a longer text the last ``limit`` tokens are taken.
        """
        grid = (*WORD_DROP_LEVELS, 1.0)
        upper = int(np.searchsorted(grid, level).clip(1, len(grid) - 1))
        share = (level - grid[upper - 1]) / (grid[upper] - grid[upper - 1])
        chosen = np.where(rng.random(len(rows)) < share, upper, upper - 1)
        views = [self.corpora["text"].views[word_view(level)] for level in WORD_DROP_LEVELS]
        none = (np.zeros((0, views[0].features.shape[1]), np.float16), np.zeros(0, np.bool_))
        texts = [
            views[view][row] if view < len(views) else none
            for view, row in zip(chosen, rows, strict=True)
        ]
        return padded([(features[-limit:], mask[-limit:]) for features, mask in texts])

    def voices(
        self,
        rows: Rows,
        views: npt.NDArray[np.str_],
        history: History,
        longest: Rows | None = None,
    ) -> Sequences:
        """Voice clips, each in its own view, held against its own ``history``; of each the last
        ``longest`` steps of speech at most, None: all."""
        tables = self.corpora["audio"].views
        raw = padded([tables[view][row] for view, row in zip(views, rows, strict=True)])
        if longest is not None:
            raw = Sequences(raw.features, _last(raw.mask, torch.from_numpy(longest)))
        relative = normalised(
            raw.features.numpy(), history.mean[:, None], history.deviation[:, None]
        )
        return Sequences(torch.from_numpy(self._voice.read(relative, raw.mask.numpy())), raw.mask)

    def clean_steps(self, stream: Stream, count: int) -> Floats:
        """What the network is given of ``count`` examples of the training split, (steps, size)."""
        rng = np.random.default_rng(0)
        examples = self.corpora[stream].examples
        rows = rng.permutation([i for i, e in enumerate(examples) if e.split == "train"])[:count]
        if stream == "audio":
            views = np.full(len(rows), "clean")
            voices = self.voices(rows, views, self.histories.draw(rows, rng))
            steps: Floats = voices.features[voices.mask].numpy()
            return steps
        table = self.corpora[stream].views["clean"]
        clean = [table[int(row)] for row in rows]
        return np.concatenate([features[mask] for features, mask in clean]).astype(np.float32)

    def faces(self, rows: Rows, views: npt.NDArray[np.str_], movement: Movement) -> Sequences:
        """Stills, each in its own view, as sequences in which the face moves a little."""
        tables = self.corpora["vision"].views
        stills = [tables[view][row] for view, row in zip(views, rows, strict=True)]
        features = np.concatenate([features for features, _ in stills]).astype(np.float32)
        found = np.concatenate([mask for _, mask in stills])
        moved, mask = movement.of(features, found)
        return Sequences(torch.from_numpy(moved), torch.from_numpy(mask))


def _last(mask: Tensor, longest: Tensor) -> Tensor:
    """Of each row's true steps (n, steps) the last ``longest`` (n,)."""
    from_end = mask.flip(1).cumsum(dim=1).flip(1)
    kept: Tensor = mask & (from_end <= longest[:, None])
    return kept


def batches(pairs: Pairs, size: int) -> Iterator[Pairs]:
    """``pairs`` in order, ``size`` at a time."""
    for start in range(0, len(pairs), size):
        yield pairs[start : start + size]


def _groups(corpus: Corpus, split: Split) -> dict[tuple[str, int], Rows]:
    groups: dict[tuple[str, int], list[int]] = {}
    usable = _usable(corpus)
    for row, example in enumerate(corpus.examples):
        if example.split == split and usable[row]:
            groups.setdefault((example.corpus, example.label), []).append(row)
    return {key: np.array(rows, np.int64) for key, rows in groups.items()}


def _usable(corpus: Corpus) -> npt.NDArray[np.bool_]:
    """Whether the clean view of an example shows anything: words, speech, a face."""
    clean = corpus.views["clean"]
    counted = np.concatenate([[0], np.cumsum(clean.mask)])
    return counted[clean.offsets[1:]] > counted[clean.offsets[:-1]]


def _values(examples: Sequence[Example]) -> npt.NDArray[np.float32]:
    return np.array([example.value for example in examples], np.float32)


def padded(sequences: list[tuple[npt.NDArray[np.float16], npt.NDArray[np.bool_]]]) -> Sequences:
    """``sequences`` of features (steps, size) and masks (steps,), the shorter ones filled up."""
    longest = max(1, *(len(mask) for _, mask in sequences))
    size = sequences[0][0].shape[1]
    features = np.zeros((len(sequences), longest, size), np.float32)
    masks = np.zeros((len(sequences), longest), np.bool_)
    for i, (values, mask) in enumerate(sequences):
        features[i, : len(mask)] = values
        masks[i, : len(mask)] = mask
    return Sequences(torch.from_numpy(features), torch.from_numpy(masks))
