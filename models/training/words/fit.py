"""One run of tuning MiniLM for sentiment on spoken language."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from models.features.minilm import LAYERS, load_minilm
from models.features.words import WordTokens
from models.training.resume import State, keep, kept
from models.training.words.reader import STEPS, Reading, SentimentReader
from models.training.words.reading import read
from models.training.words.settings import WordsSettings
from models.training.words.texts import Text, TextBatch, batches, meld, mosei
from models.training.words.transcriber_errors import TranscriberErrors, load_confusions

VALIDATION_RATE = 0.15
"""Word error rate of the corrupted half of the validation figure."""

GRADIENT_LIMIT = 1.0

READOUT_RATE = 10
"""Times the top layer's learning rate: the readout begins from nothing."""

Progress = Callable[[float], None]
"""Is told after each step which share of the work is done, in [0, 1]."""


@dataclass(frozen=True)
class Score:
    """Pearson on MOSEI's validation texts, ``clean`` and ``corrupted``."""

    clean: float
    corrupted: float

    @property
    def mean(self) -> float:
        return (self.clean + self.corrupted) / 2


@dataclass(frozen=True)
class Material:
    """What a run needs to know of the data."""

    train: list[Text]
    valid: list[Text]
    tokens: WordTokens
    errors: TranscriberErrors

    @staticmethod
    def load(data: Path, minilm: Path) -> "Material":
        """MOSEI and MELD from ``data``.

        Raises SourceError or AssetError where a file is missing.
        """
        train = [*mosei(data, "train"), *meld(data, "train")]
        errors = TranscriberErrors.of((text.content for text in train), load_confusions())
        return Material(train, mosei(data, "valid"), WordTokens(minilm), errors)

    def score(self, reader: SentimentReader) -> Score:
        """How well ``reader`` does on the validation texts."""
        wanted = np.array([text.value for text in self.valid])
        clean = read(reader, self.tokens, self.valid)
        corrupted = read(reader, self.tokens, self.valid, self.errors, VALIDATION_RATE)
        found = (np.corrcoef(values, wanted)[0, 1] for values in (clean, corrupted))
        return Score(*map(float, found))


def run(material: Material, minilm: Path, settings: WordsSettings, seed: int, folder: Path,
        on_step: Progress) -> SentimentReader:  # fmt: skip
    """One run: the averaged weights after the last epoch.

    Goes on from the last epoch in ``folder``, where there is one. Each epoch draws its order,
    errors and dropout from ``seed`` and its own number, so an interrupted run ends the same.
    """
    reader = SentimentReader(load_minilm(minilm))
    reader.encoder.layers.requires_grad_(True)
    reader.set_dropout(settings.dropout)
    optimiser = torch.optim.AdamW(
        _rates(reader, settings), weight_decay=settings.weight_decay, betas=(0.9, 0.98), fused=True
    )
    averaged = {name: weights.detach().clone() for name, weights in _tuned(reader).items()}
    steps = settings.epochs * -(-len(material.train) // settings.batch)
    checkpoint = folder / f"seed-{seed}.safetensors"
    first = 0
    if checkpoint.exists():
        parts, first = kept(checkpoint, optimiser)
        reader.load_state_dict(parts["weights"], strict=False)
        averaged.update(parts["averaged"])
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, _cosine(steps, settings.warm_up), first * (steps // settings.epochs) - 1
    )
    for epoch in range(first, settings.epochs):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed * 1000 + epoch)
            rng = np.random.default_rng([seed, epoch])
            for batch in _epoch(material, settings, rng):
                _step(reader, batch, settings, optimiser)
                schedule.step()
                _average(averaged, reader, settings.averaging, schedule.last_epoch)
                on_step(schedule.last_epoch / steps)
        parts = {"weights": _tuned(reader), "averaged": averaged}
        keep(checkpoint, parts, optimiser, epoch + 1)
    reader.load_state_dict(averaged, strict=False)
    return reader.train(False)


def _epoch(
    material: Material, settings: WordsSettings, rng: np.random.Generator
) -> Iterator[TextBatch]:
    """Every text once, some of them with errors at a rate drawn for each."""
    rates = rng.uniform(0, settings.highest_error_rate, len(material.train))
    rates[rng.random(len(rates)) >= settings.corrupted] = 0
    contents = [
        material.errors(text.content, rate, rng) if rate else text.content
        for text, rate in zip(material.train, rates.tolist(), strict=True)
    ]
    return batches(material.train, contents, material.tokens, settings.batch, rng)


def _step(
    reader: SentimentReader,
    batch: TextBatch,
    settings: WordsSettings,
    optimiser: torch.optim.Optimizer,
) -> None:
    reader.train(True)
    # The fused attention's backward pass in bfloat16 is several times slower than the plain one.
    with torch.autocast("cpu", torch.bfloat16), sdpa_kernel(SDPBackend.MATH):
        reading = reader(batch)
    loss = batch_loss(reading, batch, settings)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(_tuned(reader).values(), GRADIENT_LIMIT)
    optimiser.step()


def batch_loss(reading: Reading, batch: TextBatch, settings: WordsSettings) -> Tensor:
    """Squared error and cross-entropy of the steps where the value is known, cross-entropy of the
    classes where they are; each text counts alike."""
    valued = ~batch.values.isnan()
    values = batch.values[valued]
    loss = (reading.value.float()[valued] - values).square().sum()
    nearest = (values.round().clamp(-3, 3) + STEPS // 2).long()
    steps = reading.steps.float()[valued]
    loss = loss + settings.steps_weight * functional.cross_entropy(steps, nearest, reduction="sum")
    classes = functional.cross_entropy(
        reading.classes.float()[~valued], batch.labels[~valued], reduction="sum"
    )
    return (loss + settings.classes_weight * classes) / len(batch.values)


def _tuned(reader: SentimentReader) -> State:
    """The weights that are trained."""
    return {name: w for name, w in reader.named_parameters() if w.requires_grad}


def _rates(reader: SentimentReader, settings: WordsSettings) -> list[dict[str, Any]]:
    """One group of weights for each layer, and one for the readout."""
    layers = [
        {
            "params": list(layer.parameters()),
            "initial_lr": settings.learning_rate * settings.layer_decay ** (LAYERS - 1 - number),
        }
        for number, layer in enumerate(reader.encoder.layers.layers)
    ]
    readout = [*reader.attention.parameters(), *reader.outputs.parameters()]
    groups = [*layers, {"params": readout, "initial_lr": READOUT_RATE * settings.learning_rate}]
    return [{**group, "lr": group["initial_lr"]} for group in groups]


def _cosine(steps: int, warm_up: float) -> Callable[[int], float]:
    rising = max(1, round(steps * warm_up))

    def factor(step: int) -> float:
        if step < rising:
            return (step + 1) / rising
        return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))

    return factor


def _average(averaged: State, reader: SentimentReader, decay: float, step: int) -> None:
    """Moves the average on; in the first steps it forgets faster."""
    share = 1 - min(decay, (1 + step) / (10 + step))
    ours = _tuned(reader)
    with torch.no_grad():
        torch._foreach_lerp_(list(averaged.values()), [ours[name] for name in averaged], share)
