"""The whole tuning: runs from several seeds, and of them and their average the best on validation.

The average of the weights of runs that begin alike often reads better than each, at no cost
(Wortsman et al. 2022, "Model soups", arXiv 2203.05482).
"""

import copy
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from models.features.minilm import load_minilm
from models.training.words.fit import Material, Progress, Score, run
from models.training.words.reader import SentimentReader
from models.training.words.settings import WordsSettings
from models.training.words.weights import load_reader, save_tuned


@dataclass(frozen=True)
class Tuned:
    """Validation figures of each run, of the average of all, and of what was written: ``written``
    from the file, in four bits. ``chosen`` names the run ("seed-N") or "average"."""

    candidates: dict[str, Score]
    chosen: str
    written: Score


def train_words(
    settings: WordsSettings, data: Path, minilm: Path, out: Path, on_step: Progress
) -> Tuned:
    """Tunes the MiniLM in the folder ``minilm`` on the corpora in ``data``; writes
    ``out``/words.safetensors and the validation figures, ``out``/words.json.

    Keeps each run's last epoch in ``out``/runs, apart for other settings, and goes on from there.
    The same settings give the same weights on the same machine. ``on_step`` is told the share of
    the work that is done.

    Raises SourceError or AssetError where data or model are missing.
    """
    torch.set_num_threads(1)
    material = Material.load(data, minilm)
    readers = {}
    for number, seed in enumerate(settings.seeds):
        readers[f"seed-{seed}"] = _finished(
            material, minilm, settings, seed, out / "runs" / _name(settings),
            _part_of(on_step, number, len(settings.seeds)),
        )  # fmt: skip
    if len(readers) > 1:
        readers["average"] = average(list(readers.values()))
    candidates = {name: material.score(reader) for name, reader in readers.items()}
    chosen = max(candidates, key=lambda name: candidates[name].mean)
    file = out / "words.safetensors"
    save_tuned(readers[chosen], load_minilm(minilm), file)
    tuned = Tuned(candidates, chosen, material.score(load_reader(minilm, file)))
    (out / "words.json").write_text(json.dumps(asdict(tuned), indent=1) + "\n")
    return tuned


def average(readers: Sequence[SentimentReader]) -> SentimentReader:
    """A reader whose every weight is the mean of those of ``readers``."""
    mean = copy.deepcopy(readers[0])
    states = [reader.state_dict() for reader in readers]
    mean.load_state_dict(
        {name: torch.stack([state[name] for state in states]).mean(dim=0) for name in states[0]}
    )
    return mean


def _name(settings: WordsSettings) -> str:
    """Of all settings but the seeds: runs of other seeds may be added later."""
    canonical = settings.model_dump_json(exclude={"seeds"})
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _part_of(on_step: Progress, number: int, count: int) -> Progress:
    return lambda share: on_step((number + share) / count)


def _finished(
    material: Material,
    minilm: Path,
    settings: WordsSettings,
    seed: int,
    folder: Path,
    on_step: Progress,
) -> SentimentReader:
    """The reader after the run of ``seed``, from ``folder`` where that run is done."""
    file = folder / f"seed-{seed}-done.safetensors"
    if not file.exists():
        done = run(material, minilm, settings, seed, folder, on_step)
        save_file(done.state_dict(), file)
    reader = SentimentReader(load_minilm(minilm))
    reader.load_state_dict(load_file(file))
    on_step(1.0)
    return reader.train(False)
