"""What an estimate depends on besides its packets, so that two models can be told apart."""

import hashlib
from importlib import resources
from pathlib import Path

from models.checkpoint_files import CONFIG, FUSION, checkpoint_folder, tuned_weights
from models.features.definition import extraction_hash
from streamer.packets import FACE_MEASURES, STREAMS, Stream
from streamer.settings import Settings

MEASURES = "face measures"
"""The name under which ``made_of`` has the columns of a picture's measures."""


def features_of(stream: Stream) -> str:
    """The name under which ``made_of`` has the definition of a stream's features."""
    return f"{stream} features"


def made_of(settings: Settings, device: str) -> dict[str, str]:
    """A hash of each part of the settings' model, and the kind of ``device`` it runs on, on which
    the last digits depend. Raises OSError where a file of the checkpoint cannot be read."""
    folder = checkpoint_folder(settings)
    return {
        **{features_of(stream): extraction_hash(stream, folder) for stream in STREAMS},
        MEASURES: hashlib.sha256(" ".join(FACE_MEASURES).encode()).hexdigest(),
        "voice heads": _sha256(tuned_weights(settings, "audio")),
        "network": _sha256(folder / CONFIG, folder / FUSION),
        "reliability": _sha256(Path(str(resources.files("models.reliability") / "fitted.json"))),
        "device": device,
    }


def _sha256(*files: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()
