"""How good a network is: error under each set of streams, and whether reliability is true."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.stats import spearmanr  # type: ignore[import-untyped]
from sklearn.metrics import balanced_accuracy_score

from models.corruption import Condition
from models.features.words import TOKEN_LIMIT
from models.qamoe import Prediction, QAMoE
from models.training.corpora import Split
from models.training.fit import deviations, predict
from models.training.pairing import Material, Pairs, Sequences, batches, draw_pairs, targets
from models.training.spectrum import Batch, Spectrum
from streamer.packets import STREAMS, Stream

SUBSETS: dict[str, tuple[Stream, ...]] = {
    "T": ("text",),
    "A": ("audio",),
    "V": ("vision",),
    "TA": ("text", "audio"),
    "TV": ("text", "vision"),
    "AV": ("audio", "vision"),
    "TAV": STREAMS,
}
"""Protocol I-a: the streams that are there, all others absent."""

LEVELS = (0.25, 0.5, 0.75, 1.0)
"""Noise intensities at which reliability is looked at."""

BATCH = 250
SEED = 1111

Report = dict[str, Any]
"""Nested figures that JSON can hold."""


def evaluate(model: QAMoE, material: Material, split: Split, count: int) -> Report:
    """All figures on ``count`` pairs of ``split``, the same pairs and noise for every network."""
    with torch.inference_mode():
        test = _Test(model, material, draw_pairs(material.corpora, split, count, _rng()))
        return {
            "pairs": count,
            "subsets": {name: test.subset(streams) for name, streams in SUBSETS.items()},
            "reliability": {stream: test.reliability(stream) for stream in STREAMS},
            "text_natural": _natural_text(model, material, split),
        }


def summary(report: Report) -> dict[str, float]:
    """What variants are compared by: the share of corruptions in which the corrupted stream is the
    one that lost most reliability, and the mean absolute error over the subsets."""
    truth = [
        share
        for stream in STREAMS
        for level, share in report["reliability"][stream]["largest_fall"].items()
        if level in ("0.5", "1.0")
    ]
    errors = [figures["mae"] for figures in report["subsets"].values()]
    return {"largest_fall": float(np.mean(truth)), "mae": float(np.mean(errors))}


@dataclass(frozen=True)
class _Test:
    model: QAMoE
    material: Material
    pairs: Pairs

    def subset(self, streams: tuple[Stream, ...]) -> Report:
        """Error of the value and of the class with clean ``streams`` and no others."""
        values, classes, wanted, labels = [], [], [], []
        for batch in self._batches({}, raw_damage=0):
            kept = {
                m: s if m in streams else Sequences(s.features, torch.zeros_like(s.mask))
                for m, s in batch.clean.items()
            }
            present = torch.stack([kept[m].mask.any(dim=1) for m in STREAMS], dim=1)
            wanted_now = targets(batch.values, present)
            prediction = predict(
                self.model, Batch(kept, kept, batch.values, wanted_now, batch.labels)
            )
            values.append(prediction.value)
            classes.append(prediction.class_logits.argmax(dim=1))
            wanted.append(wanted_now)
            labels.append(batch.labels)
        return _figures(*(torch.cat(part).numpy() for part in (values, classes, wanted, labels)))

    def reliability(self, stream: Stream) -> Report:
        """r of ``stream`` clean, with noise on it alone, and damaged in the raw signal.

        ``largest_fall`` is the share of samples in which, of all streams, the one with the noise
        has the largest relative fall of r; ``spearman`` correlates r with lambda over all samples
        and levels, lambda = 0 included.
        """
        clean, _ = self._reliabilities({}, raw_damage=0)
        levels, values, falls, means = [np.zeros(len(clean[stream]))], [clean[stream]], {}, {}
        for level in LEVELS:
            before, after = self._reliabilities({stream: level}, raw_damage=0)
            falls[str(level)] = _largest_fall(before, after, stream)
            means[str(level)] = float(after[stream].mean())
            levels.append(np.full(len(after[stream]), level))
            values.append(after[stream])
        figures: Report = {
            "clean": float(clean[stream].mean()),
            "clean_p05": float(np.quantile(clean[stream], 0.05)),
            "at_level": means,
            "spearman": float(spearmanr(np.concatenate(levels), np.concatenate(values))[0]),
            "largest_fall": falls,
        }
        if stream != "text":
            before, after = self._reliabilities({}, raw_damage=1)
            figures["raw_damage"] = float(after[stream].mean())
            figures["raw_damage_fall"] = float((after[stream] < before[stream]).mean())
        return figures

    def _reliabilities(
        self, noise: dict[Stream, float], raw_damage: float
    ) -> tuple[dict[Stream, npt.NDArray[np.float32]], dict[Stream, npt.NDArray[np.float32]]]:
        """r of every stream (n,) for the clean samples and for the same samples as damaged."""
        before: list[Prediction] = []
        after: list[Prediction] = []
        for batch in self._batches(noise, raw_damage):
            clean = Batch(batch.clean, batch.clean, batch.values, batch.targets, batch.labels)
            before.append(predict(self.model, clean))
            after.append(predict(self.model, batch))
        return _joined(before), _joined(after)

    def _batches(self, noise: dict[Stream, float], raw_damage: float) -> list[Batch]:
        spectrum = Spectrum(self.material, deviations(self.model), raw_damage)
        condition = Condition({m: noise.get(m, 0.0) for m in STREAMS}, 0.0)
        rng = _rng()
        return [spectrum.batch(pairs, condition, rng) for pairs in batches(self.pairs, BATCH)]


def _natural_text(model: QAMoE, material: Material, split: Split) -> Report:
    """Words alone over all of MOSEI's ``split``, each text once: comparable with other work."""
    examples = material.corpora["text"].examples
    rows = np.array([i for i, example in enumerate(examples) if example.split == split])
    values, classes = [], []
    for start in range(0, len(rows), BATCH):
        words = material.words(rows[start : start + BATCH], 0.0, _rng(), limit=TOKEN_LIMIT)
        prediction = model({"text": words.features}, {"text": words.mask})
        values.append(prediction.value.numpy())
        classes.append(prediction.class_logits.argmax(dim=1).numpy())
    wanted = np.array([examples[row].value for row in rows], np.float32)
    labels = np.array([examples[row].label for row in rows])
    value = np.concatenate(values)
    signed = wanted != 0
    return {
        **_figures(value, np.concatenate(classes), wanted, labels),
        "acc2_nonzero": float(((value > 0) == (wanted > 0))[signed].mean()),
    }


def _figures(
    values: npt.NDArray[Any],
    classes: npt.NDArray[Any],
    wanted: npt.NDArray[Any],
    labels: npt.NDArray[Any],
) -> Report:
    return {
        "balanced_accuracy": float(balanced_accuracy_score(labels, classes)),
        "mae": float(np.abs(values - wanted).mean()),
        "pearson": float(np.corrcoef(values, wanted)[0, 1]),
    }


def _largest_fall(
    before: dict[Stream, npt.NDArray[np.float32]],
    after: dict[Stream, npt.NDArray[np.float32]],
    stream: Stream,
) -> float:
    falls = {m: (before[m] - after[m]) / np.maximum(before[m], 1e-6) for m in STREAMS}
    others = np.max([falls[m] for m in STREAMS if m != stream], axis=0)
    return float((falls[stream] > others).mean())


def _joined(predictions: list[Prediction]) -> dict[Stream, npt.NDArray[np.float32]]:
    return {
        stream: torch.cat([prediction.reliability[stream] for prediction in predictions]).numpy()
        for stream in STREAMS
    }


def _rng() -> np.random.Generator:
    return np.random.default_rng(SEED)
