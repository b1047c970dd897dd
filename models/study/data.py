"""What a data set is to the study."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streamer.packets import Flags, Floats, Stream

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """``features[stream]`` (n, steps, size) and ``masks[stream]`` (n, steps), true where there is
    something (a single vector is one step); ``labels`` (n,) in [-1, 1]; ``groups`` (n,), the
    person or video of each sample."""

    features: Mapping[Stream, Floats]
    masks: Mapping[Stream, Flags]
    labels: Floats
    groups: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: Rows | slice) -> "Split":
        return Split(
            {stream: values[rows] for stream, values in self.features.items()},
            {stream: values[rows] for stream, values in self.masks.items()},
            self.labels[rows],
            self.groups[rows],
        )


@dataclass(frozen=True)
class Dataset:
    """``scale`` times a label is the label in the corpus's own unit (3 for MOSI's -3..3)."""

    name: str
    train: Split
    valid: Split
    test: Split
    scale: float

    @property
    def streams(self) -> tuple[Stream, ...]:
        return tuple(self.train.features)

    @property
    def sizes(self) -> dict[Stream, int]:
        return {stream: values.shape[2] for stream, values in self.train.features.items()}
