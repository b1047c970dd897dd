"""Training and studies."""

from pathlib import Path
from typing import Annotated

import typer

from streamer.options import DEFAULT_DATA, Data


def train(
    config: Annotated[Path | None, typer.Option(help="What to train, as YAML.")] = None,
    data: Data = DEFAULT_DATA,
    out: Annotated[Path, typer.Option(help="Folder for the checkpoint.")] = Path("checkpoint"),
) -> None:
    """Train a checkpoint from the data folder: extracts features (cached), trains, evaluates."""
    from importlib import resources

    from models.training.run import train as train_checkpoint

    default = Path(str(resources.files("configs").joinpath("train", "live.yaml")))
    train_checkpoint(config or default, data, out)


def evaluate(
    config: Annotated[Path | None, typer.Option(help="The study, as YAML.")] = None,
    data: Data = DEFAULT_DATA,
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("study"),
    quick: Annotated[bool, typer.Option("--quick", help="Five minutes on one small set.")] = False,
) -> None:
    """Run a study, the spectrum's or reliability's: writes figures, report and pictures."""
    from importlib import resources

    from models.study.run import evaluate as run_study

    default = Path(str(resources.files("configs").joinpath("evaluate", "spectrum.yaml")))
    run_study(config or default, data, out, quick)
