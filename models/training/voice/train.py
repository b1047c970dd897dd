"""The voice heads that are shipped: trained on the training people of all three corpora."""

from hashlib import sha256
from pathlib import Path

import numpy as np
from rich.progress import Progress

from models.features.definition import extraction_hash
from models.features.voice_head import save_heads
from models.training.tables import ModelFiles
from models.training.voice.fit import fit_heads
from models.training.voice.material import load_material
from models.training.voice.sessions import heard_clips
from models.training.voice.settings import VoiceSettings


def train_voice(
    settings: VoiceSettings, data: Path, models: ModelFiles, out: Path, progress: Progress
) -> Path:
    """Trains the heads, unless that is done, and returns the file with them and their prior.

    Each epoch's state is kept below ``out``, apart for other settings or features, and an
    interrupted training goes on from there. ``models`` are only used where the cache lacks
    features. Raises SourceError where a corpus is not in ``data``.
    """
    features = extraction_hash("audio", models.tuned)
    name = sha256(f"{features}{settings.model_dump_json()}".encode()).hexdigest()[:16]
    file = out / name / "voice.safetensors"
    if file.exists():
        return file
    material = load_material(data, models, progress)
    heard = heard_clips(material)
    splits = np.array([example.split for example in material.examples])
    task = progress.add_task("voice", total=len(settings.seeds) * settings.epochs)
    heads, prior = fit_heads(
        material, heard, np.flatnonzero(splits == "train"), settings, out / name,
        lambda: progress.advance(task),
    )  # fmt: skip
    save_heads(file, heads, prior)
    return file
