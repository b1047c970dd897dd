"""Finished runs on disk: one line of JSON and one file of arrays each."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Task:
    """One training and its evaluation. ``specialise`` names the one condition that a specialist is
    trained for and evaluated under; None: trained on the spectrum, evaluated under all."""

    dataset: str
    model: str
    seed: int
    specialise: str | None = None

    @property
    def key(self) -> str:
        """Unique, and fit for the name of a file."""
        parts = [self.dataset, self.model, str(self.seed), self.specialise or ""]
        return "--".join("".join(c if c.isalnum() else "-" for c in part) for part in parts if part)


@dataclass(frozen=True)
class Run:
    """A finished task with its figures and arrays."""

    task: Task
    figures: dict[str, Any]
    arrays: dict[str, npt.NDArray[Any]]


class RunStore:
    """Runs in ``folder``. ``setup`` is what a run depends on beside its task: runs of another
    set-up count as not there."""

    def __init__(self, folder: Path, setup: Mapping[str, Any]) -> None:
        self._folder = folder
        self._setup = json.loads(json.dumps(plain(setup)))
        folder.mkdir(parents=True, exist_ok=True)

    def has(self, task: Task) -> bool:
        """Whether ``task`` is finished; what cannot be read is not."""
        try:
            found = json.loads(self._path(task, "json").read_text())
        except (OSError, ValueError):
            return False
        same = found.get("task") == asdict(task) and found.get("setup") == self._setup
        return same and self._path(task, "npz").is_file()

    def write(self, task: Task, figures: Mapping[str, Any], arrays: Arrays) -> None:
        """The arrays first: a run is finished once its line of JSON is there."""
        part = self._path(task, "part")
        with part.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
        part.replace(self._path(task, "npz"))
        line = {"task": asdict(task), "setup": self._setup, "figures": plain(figures)}
        part.write_text(json.dumps(line, allow_nan=False) + "\n")
        part.replace(self._path(task, "json"))

    def read(self, task: Task) -> Run:
        """Raises OSError where ``task`` is not finished."""
        figures = json.loads(self._path(task, "json").read_text())["figures"]
        with np.load(self._path(task, "npz"), allow_pickle=False) as arrays:
            return Run(task, figures, dict(arrays))

    def _path(self, task: Task, suffix: str) -> Path:
        return self._folder / f"{task.key}.{suffix}"


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it: floats at five digits, what is not a number as None."""
    if isinstance(value, float | np.floating):
        return round(float(value), 5) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(item) for item in value]
    return value
