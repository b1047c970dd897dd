"""The shipped fusion learns its weighing anew, after reliability has changed:
`python -m models.training.reweigh --data DATA --work FOLDER`.

Takes are kept in FOLDER and taken up again: a new folder is needed where damage, measures or
features have changed, none where only ramps have. Weights, figures and card in the checkpoint's
folder follow. About 20 minutes of one core.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import torch

from models import checkpoint
from models.checkpoint_files import SHIPPED
from models.features.definition import definition_hash
from models.training.card import weighing_section
from models.training.run import progress_bars, rounded
from models.training.settings import load_training_settings
from models.training.tables import cached_models
from models.training.weighed import weighed
from streamer.errors import SettingError


def main() -> None:
    """Trains, and writes what has changed."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--config", type=Path, default=Path("configs/train/live.yaml"))
    parser.add_argument("--checkpoint", type=Path, default=SHIPPED)
    options = parser.parse_args()
    torch.set_num_threads(1)
    reweigh(options.config, options.data, options.work, options.checkpoint)


def reweigh(config: Path, data: Path, work: Path, folder: Path) -> None:
    """The checkpoint in ``folder`` with exponents that are learned anew.

    Raises SettingError where ``config`` does not say how, or where more than exponents is chosen:
    what the card says of the network without damage would no longer hold.
    """
    settings = load_training_settings(config)
    if settings.weighing is None:
        raise SettingError(f"setting weighing of {config}: must say how to train")
    network = checkpoint.load(folder)
    for exponent in network.trust_exponents.values():
        exponent.zero_()
    models = replace(cached_models(), tuned=folder)
    with progress_bars() as shown:
        network, figures = weighed(
            settings.weighing, settings.seeds, network, data, models, work, shown
        )
    if figures["shipped"]["parts"] != "curve":
        raise SettingError("another fusion is better: train it with qamoe-stream train")
    file = folder / "results.json"
    results = json.loads(file.read_text())
    results["settings"]["weighing"] = settings.weighing.model_dump()
    results["weighing"] = rounded(figures)
    file.write_text(json.dumps(results, indent=1) + "\n")
    card = (folder / "README.md").read_text()
    start, *rest = card.partition("## Recorded clips that no")
    start = start.partition("## Going by")[0]
    (folder / "README.md").write_text(start + weighing_section(results) + "".join(rest))
    checkpoint.save(folder, network, definition_hash(folder), checkpoint.notes(folder))


if __name__ == "__main__":
    main()
