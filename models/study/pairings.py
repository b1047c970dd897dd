"""Class-matched pairings of the live features as a data set of the study.

Words (MOSEI), voice (RAVDESS, nEMO, EMO-DB) and face (FER2013) come from different people and
share no more than their class; see models/training/pairing.py. Here, unlike in the field's small
corpora, every stream carries something on people that no extractor was trained on.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from rich.progress import Progress

from models.features.voice_reader import VoiceReader
from models.study.data import Dataset, Split
from models.training import corpora
from models.training.pairing import Material, Sequences, draw_pairs, targets
from models.training.stills import Movement
from models.training.tables import Corpus, cached_models, load_corpora, tuned_file
from streamer.packets import Floats, Stream

COUNTS: Mapping[corpora.Split, int] = {"train": 4000, "valid": 600, "test": 1000}
SEEDS: Mapping[corpora.Split, int] = {"train": 1, "valid": 2, "test": 3}
SCALE = 3.0
"""The words' labels are MOSEI's, -3 to 3, over 3; the emotions' values are on the same scale."""


def load_pairings(data: Path) -> Dataset:
    """The pairings; extracts the features that the cache lacks, which takes half an hour.

    Raises SourceError where a corpus is not in ``data``, AssetError where a model is missing.
    """
    with Progress(disable=True) as progress:
        models = cached_models()
        voice = VoiceReader.load(tuned_file(models, "audio"))
        return pairings(Material(load_corpora(data, models, progress), voice))


def pairings(material: Material) -> Dataset:
    """Pairs drawn from ``material``, the same ones every time."""
    deviation = _deviation(material.corpora["vision"])
    train, valid, test = (_split(material, split, deviation) for split in COUNTS)
    return Dataset("pairings", train, valid, test, SCALE)


def _deviation(faces: Corpus) -> Floats:
    """Of the stills of the training split, (size,): the extent of their movement."""
    rows = [i for i, example in enumerate(faces.examples) if example.split == "train"]
    stills = [faces.views["clean"][row][0] for row in rows]
    deviation: Floats = np.concatenate(stills).astype(np.float32).std(axis=0)
    return deviation


def _split(material: Material, split: corpora.Split, deviation: Floats) -> Split:
    rng = np.random.default_rng(SEEDS[split])
    count = COUNTS[split]
    pairs = draw_pairs(material.corpora, split, count, rng)
    clean = np.full(count, "clean")
    movement = Movement.drawn(count, deviation, rng)
    parts: dict[Stream, Sequences] = {
        "text": material.words(pairs.rows["text"], 0.0, rng),
        "audio": material.voices(
            pairs.rows["audio"], clean, material.histories.draw(pairs.rows["audio"], rng)
        ),
        "vision": material.faces(pairs.rows["vision"], clean, movement),
    }
    present = torch.ones(count, len(parts), dtype=torch.bool)
    return Split(
        {stream: part.features.numpy() for stream, part in parts.items()},
        {stream: part.mask.numpy() for stream, part in parts.items()},
        targets(torch.from_numpy(pairs.values), present).numpy(),
        np.array([str(row) for row in pairs.rows["audio"]]),
    )
