"""The files of a checkpoint's folder, and where it is."""

from importlib import resources
from pathlib import Path

from streamer.packets import Stream
from streamer.settings import Settings

FUSION, CONFIG = "model.safetensors", "config.json"

TUNED: dict[Stream, str] = {
    "text": "words.safetensors",
    "audio": "voice.safetensors",
    "vision": "face.safetensors",
}
"""What was tuned on data for the features of a stream."""

SHIPPED = Path(str(resources.files("models").joinpath("checkpoints", "live")))
"""The checkpoint that comes with the package."""


def checkpoint_folder(settings: Settings) -> Path:
    """The settings' checkpoint, or the one that comes with the package."""
    chosen = settings.analyzer.checkpoint
    return SHIPPED if chosen is None else Path(chosen)


def tuned_weights(settings: Settings, stream: Stream) -> Path:
    """What the features of ``stream`` are computed with, of that checkpoint."""
    return checkpoint_folder(settings) / TUNED[stream]
