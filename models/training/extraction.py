"""Features of the training data, computed once by the very functions that run live.

Every stream has named views of the same examples: one clean, others damaged in the raw signal,
before the feature extractor, as no noise on the features imitates it. The cache of a stream lies
under the hash of its features' definition, one file for each part of a view, named after what it
was made from: an interrupted run goes on where it stopped, and other data are extracted anew.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import platformdirs
from rich.progress import Progress

from models.features.definition import extraction_hash
from models.training.corpora import Example
from streamer.packets import Flags, Floats, Stream

Halves = npt.NDArray[np.float16]

Rows = npt.NDArray[np.int64]
"""Numbers of examples."""

PART = 1000
"""Examples in one file of the cache."""

Sequences = Sequence[tuple[Floats, Flags]]
"""Per example: features (steps, dims) and mask (steps,)."""

ViewExtractor = Callable[[Sequence[Example], np.random.Generator], Sequences]
"""Computes one view of some examples."""


@dataclass(frozen=True)
class FeatureTable:
    """Sequences of many examples on end: ``features`` (total steps, dims) float16, ``mask``
    (total steps,), and where each example begins, ``offsets`` (examples + 1,)."""

    features: Halves
    mask: Flags
    offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> tuple[Halves, Flags]:
        span = slice(self.offsets[row], self.offsets[row + 1])
        return self.features[span], self.mask[span]

    @staticmethod
    def of(sequences: Sequences) -> "FeatureTable":
        lengths = [len(mask) for _, mask in sequences]
        return FeatureTable(
            np.concatenate([features for features, _ in sequences]).astype(np.float16),
            np.concatenate([mask for _, mask in sequences]),
            np.concatenate([[0], np.cumsum(lengths)]),
        )

    @staticmethod
    def joined(tables: "Sequence[FeatureTable]") -> "FeatureTable":
        begins = np.cumsum([0, *(table.offsets[-1] for table in tables)])
        shifted = [table.offsets[:-1] + begin for table, begin in zip(tables, begins, strict=False)]
        return FeatureTable(
            np.concatenate([table.features for table in tables]),
            np.concatenate([table.mask for table in tables]),
            np.concatenate([*shifted, begins[-1:]]),
        )


def cache_folder(stream: Stream, tuned: Path) -> Path:
    """Where the features of ``stream`` are kept, of the current definition and the weights in the
    folder ``tuned``."""
    cache = Path(platformdirs.user_cache_dir("qamoe-stream")) / "features"
    return cache / f"{stream}-{extraction_hash(stream, tuned)[:16]}"


def extract_view(
    stream: Stream,
    view: str,
    examples: Sequence[Example],
    extractor: Callable[[], ViewExtractor],
    folder: Path,
    progress: Progress,
) -> FeatureTable:
    """The features of all ``examples``, from the cache in ``folder`` where they are there.

    ``extractor`` builds what computes them; it is only called where something is missing.
    """
    task = progress.add_task(f"features: {stream} {view}", total=len(examples))
    compute: ViewExtractor | None = None
    tables = []
    for number, part in enumerate(_parts(examples)):
        path = part_file(folder, view, number, _identity(stream, part))
        if not path.exists():
            compute = compute or extractor()
            rng = np.random.default_rng([number, *view.encode()])
            _write(path, FeatureTable.of(compute(part, rng)))
        tables.append(_read(path))
        progress.advance(task, len(part))
    return FeatureTable.joined(tables)


def part_file(folder: Path, view: str, number: int, made_from: bytes) -> Path:
    """Where the cache keeps the ``number``-th part of a view."""
    digest = hashlib.sha256(made_from).hexdigest()[:8]
    return folder / f"{view}-{number:03d}-{digest}.npz"


def _identity(stream: Stream, part: Sequence[Example]) -> bytes:
    """Tells other data from these; of a sound file only the name, as the folder may move."""
    contents = [Path(e.content).name if stream == "audio" else e.content for e in part]
    lines = [f"{e.corpus} {e.person} {content}" for e, content in zip(part, contents, strict=True)]
    return "\n".join(lines).encode()


def _parts(examples: Sequence[Example]) -> Iterator[Sequence[Example]]:
    for start in range(0, len(examples), PART):
        yield examples[start : start + PART]


def _write(path: Path, table: FeatureTable) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished.npz")
    np.savez(unfinished, features=table.features, mask=table.mask, offsets=table.offsets)
    unfinished.replace(path)


def _read(path: Path) -> FeatureTable:
    with np.load(path, allow_pickle=False) as archive:
        return FeatureTable(archive["features"], archive["mask"], archive["offsets"])
