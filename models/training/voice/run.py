"""The voice head that is shipped: trained on the training people of all three corpora.

Run as ``python -m models.training.voice.run --data DATA``.
"""

import argparse
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress

from models.features.definition import definition_hash
from models.features.voice_head import WEIGHTS, VoiceHeads, save_heads
from models.features.voice_history import Heard, VoicePrior
from models.training.extraction import cache_folder
from models.training.run import cached_models
from models.training.voice.figures import CORPORA, answers_of, both
from models.training.voice.fit import fit_heads
from models.training.voice.material import VoiceMaterial, load_material
from models.training.voice.sessions import heard_clips
from models.training.voice.settings import VoiceSettings


def train_voice(
    data: Path,
    whisper: Path,
    file: Path,
    progress: Progress,
    settings: VoiceSettings | None = None,
) -> dict[str, Any]:
    """Trains the heads, writes them and their prior to ``file``, and returns their figures on the
    ``valid`` and ``test`` people. An interrupted training goes on where it stopped.

    ``whisper`` is the folder of the Whisper model, which is only used where the cache lacks
    features. Raises SourceError where a corpus is not in ``data``.
    """
    torch.set_num_threads(1)
    settings = settings or VoiceSettings()
    material = load_material(data, whisper, progress)
    heard = heard_clips(material)
    splits = np.array([example.split for example in material.examples])
    task = progress.add_task("voice head", total=len(settings.seeds) * settings.epochs)
    heads, prior = fit_heads(
        material,
        heard,
        np.flatnonzero(splits == "train"),
        settings,
        resume_folder(settings),
        lambda: progress.advance(task),
    )
    save_heads(file, heads, prior)
    return {
        split: split_figures(material, heard, heads, prior, splits == split)
        for split in ("valid", "test")
    }


def split_figures(
    material: VoiceMaterial,
    heard: Heard,
    heads: VoiceHeads,
    prior: VoicePrior,
    chosen: np.ndarray[Any, np.dtype[np.bool_]],
) -> dict[str, Any]:
    """Figures on the ``chosen`` clips (clips,) of each corpus, and their mean."""
    parts = [
        answers_of(
            material, heard, heads, prior, np.flatnonzero(chosen & (material.corpora == corpus))
        )
        for corpus in CORPORA
    ]
    each = {corpus: both(material, [part]) for corpus, part in zip(CORPORA, parts, strict=True)}
    return {"mean": both(material, parts), **each}


def resume_folder(settings: VoiceSettings) -> Path:
    """Where the unfinished training with these ``settings`` is kept."""
    name = f"{definition_hash()}{settings.model_dump_json()}".encode()
    return cache_folder() / "voice-head" / sha256(name).hexdigest()[:16]


def main() -> None:
    """Writes the weights that the package ships, and prints their figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the research data")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="file of the weights")
    given = parser.parse_args()
    with Progress(console=Console(stderr=True)) as progress:
        figures = train_voice(given.data, cached_models().whisper, given.out, progress)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
