"""The figures of words, voice and face alone, each on its own test data; kept once computed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.progress import Progress

from models.features.definition import definition_hash
from models.training.face.figures import face_figures
from models.training.tables import ModelFiles, tuned_file
from models.training.voice.figures import voice_figures
from models.training.words.figures import words_figures

Figures = dict[str, Any]


def part_figures(data: Path, models: ModelFiles, folder: Path, progress: Progress) -> Figures:
    """By part, what its module of figures says; computed for the features of ``models`` unless
    ``folder`` has it. Raises SourceError where a corpus is not in ``data``."""
    computed: dict[str, Callable[[], Figures]] = {
        "words": lambda: words_figures(data, models.minilm, tuned_file(models, "text")),
        "voice": lambda: voice_figures(data, models, progress),
        "face": lambda: face_figures(data, models.face_landmarker, tuned_file(models, "vision")),
    }
    features = definition_hash(models.tuned)[:16]
    task = progress.add_task("figures of the parts", total=len(computed))
    found: Figures = {}
    for part, compute in computed.items():
        file = folder / f"{part}-figures-{features}.json"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(compute()) + "\n")
        found[part] = json.loads(file.read_text())
        progress.advance(task)
    return found
