"""The pickle in which the field hands on CMU-MOSI, CMU-MOSEI, CH-SIMS: that of MMSA.

A dict of "train", "valid" and "test", each with ``text`` (n, steps, size), ``audio``, ``vision``,
``regression_labels`` (n,), perhaps ``text_bert`` (n, 3, steps: token ids, mask, segments),
``classification_labels``, ``id`` ("video$_$clip"), ``raw_text``, and where the streams are not
aligned ``audio_lengths`` and ``vision_lengths``.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.study import numpy_pickle
from models.study.data import Dataset, Split
from models.study.datasets import filled, finite
from streamer.errors import SettingError
from streamer.packets import STREAMS, Flags, Floats, Stream


def load_pickle(path: Path, name: str) -> Dataset:
    """The data set in the pickle at ``path``, called ``name``; nothing in it is executed.

    Labels beyond 1 mean CMU's scale of 3, else CH-SIMS's of 1; where there are only
    ``classification_labels`` 0, 1, 2, they are negative, neutral, positive. Infinite features
    become 0, and steps of zeros are padding.
    Raises SettingError where the pickle is refused or not of this layout.
    """
    return _Layout(path, numpy_pickle.read(path)).dataset(name)


class _Layout:
    """Takes the content of a pickle apart; every complaint names the file."""

    def __init__(self, path: Path, content: Any) -> None:
        self._path = path
        self._content = content

    def dataset(self, name: str) -> Dataset:
        train, valid, test = (self._split(part) for part in ("train", "valid", "test"))
        highest = max(float(np.abs(split.labels).max()) for split in (train, valid, test))
        if highest > 3:
            raise self._wrong(f"has a label of {highest:g}; at most 3 is allowed")
        scale = 3.0 if highest > 1 else 1.0
        train, valid, test = (
            replace(split, labels=split.labels / np.float32(scale))
            for split in (train, valid, test)
        )
        dataset = Dataset(name, train, valid, test, scale)
        for split in (valid, test):
            sizes = {stream: values.shape[2] for stream, values in split.features.items()}
            if sizes != dataset.sizes:
                raise self._wrong(f"has feature sizes {dataset.sizes} and {sizes}")
        return dataset

    def _part(self, part: str) -> Mapping[str, Any]:
        content = self._content.get(part) if isinstance(self._content, dict) else None
        if not isinstance(content, dict):
            raise self._wrong(f"has no {part!r}; it needs train, valid and test")
        return content

    def _split(self, part: str) -> Split:
        """With labels in the corpus's own unit."""
        content = self._part(part)
        labels = self._labels(content)
        features = {stream: self._features(content, stream, len(labels)) for stream in STREAMS}
        aligned = len({values.shape[1] for values in features.values()}) == 1
        masks = {
            stream: filled(values) & self._spoken(content, stream, values, aligned)
            for stream, values in features.items()
        }
        for stream, values in features.items():
            values *= masks[stream][..., None]
        return Split(features, masks, labels, self._groups(part, content, len(labels)))

    def _features(self, content: Mapping[str, Any], stream: Stream, samples: int) -> Floats:
        values = finite(self._numbers(content, stream))
        if values.ndim == 2:  # one vector a sample
            values = values[:, None]
        if values.ndim != 3 or len(values) != samples or not values.size:
            raise self._wrong(f"has {stream} of shape {values.shape} for {samples} labels")
        return values

    def _spoken(
        self, content: Mapping[str, Any], stream: Stream, values: Floats, aligned: bool
    ) -> Flags:
        """Mask (n, steps) of what the lengths leave. As in MMSA, they count where the streams are
        not aligned; BERT's states are not zero at padding, so for text its mask is asked."""
        samples, steps, _ = values.shape
        if stream == "text" and "text_bert" in content:
            bert = self._numbers(content, "text_bert")
            if bert.shape == (samples, 3, steps):
                return np.asarray(bert[:, 1] > 0)
        if stream != "text" and not aligned and f"{stream}_lengths" in content:
            lengths = self._numbers(content, f"{stream}_lengths").reshape(-1)
            if len(lengths) != samples:
                raise self._wrong(f"has {len(lengths)} {stream}_lengths for {samples} labels")
            return np.asarray(np.arange(steps) < lengths[:, None])
        return np.ones((samples, steps), np.bool_)

    def _labels(self, content: Mapping[str, Any]) -> Floats:
        if "regression_labels" in content:
            labels = self._numbers(content, "regression_labels")
        elif "classification_labels" in content:
            labels = self._numbers(content, "classification_labels") - 1
            if not np.isin(labels, (-1, 0, 1)).all():
                raise self._wrong("has classification_labels other than 0, 1 and 2")
        else:
            raise self._wrong("has neither regression_labels nor classification_labels")
        labels = labels.reshape(-1).astype(np.float32)
        if not len(labels) or not np.isfinite(labels).all():
            raise self._wrong("has labels that are not finite, or none")
        return labels

    def _groups(self, part: str, content: Mapping[str, Any], samples: int) -> npt.NDArray[np.str_]:
        keys = np.asarray(content.get("id", ())).reshape(-1)
        if len(keys) != samples:
            return np.array([f"{part}-{row}" for row in range(samples)])
        return np.array([str(key).split("$_$")[0].rsplit("/", 1)[0] for key in keys])

    def _numbers(self, content: Mapping[str, Any], key: str) -> npt.NDArray[Any]:
        try:
            values = np.asarray(content[key])
        except KeyError:
            raise self._wrong(f"has no {key!r}") from None
        except ValueError:
            raise self._wrong(f"has {key!r} of unequal lengths") from None
        if values.dtype.kind not in "biuf":
            raise self._wrong(f"has {key!r} that are not numbers")
        return values

    def _wrong(self, what: str) -> SettingError:
        return SettingError(f"pickle {self._path}: {what}")
