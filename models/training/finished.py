"""The finished runs of a training, on disk, so that an interrupted one goes on where it stopped."""

import json
from dataclasses import dataclass
from pathlib import Path

from models import checkpoint
from models.qamoe import QAMoE
from models.training.evaluate import Report
from models.training.settings import TrainingSettings


@dataclass(frozen=True)
class Finished:
    """Runs in ``folder`` that were made with the same ``settings`` on the same ``features``."""

    folder: Path
    settings: TrainingSettings
    features: str

    def has(self, name: str) -> bool:
        """Whether the run ``name`` came to its end."""
        try:
            return bool(self._notes(name)["settings"] == self._settings)
        except (OSError, ValueError, KeyError):
            return False

    def write(self, name: str, model: QAMoE, report: Report) -> None:
        """Keeps a network and its figures."""
        # As JSON has them, so that a resumed training answers to the digit as an unbroken one.
        notes = {"settings": self._settings, "report": json.loads(json.dumps(report))}
        checkpoint.save(self.folder / name, model, self.features, notes)

    def read(self, name: str) -> tuple[QAMoE, Report]:
        """The network, ready for inference, and its figures. Raises AssetError if it is broken."""
        model = checkpoint.load(self.folder / name, features=self.features)
        report: Report = self._notes(name)["report"]
        return model, report

    @property
    def _settings(self) -> object:
        return {**self.settings.model_dump(mode="json"), "features": self.features}

    def _notes(self, name: str) -> Report:
        notes: Report = checkpoint.notes(self.folder / name)
        return notes
