"""Typed settings of a training, from a YAML file."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from streamer.setting_files import Count, Positive, Section, Share, checked, read_settings

VariancePath = Literal["representation", "input"]


class NetworkSettings(Section):
    width: Count
    experts: Count
    top_k: Count
    dropout: Share


class FitSettings(Section):
    """``pairs`` are drawn anew in each of ``epochs``. ``noise`` says whether all streams of a batch
    share one lambda. ``raw_damage`` is the share of samples damaged in the raw signal."""

    epochs: Count
    pairs: Count
    batch: Annotated[int, Field(ge=2)]
    learning_rate: Positive
    weight_decay: Annotated[float, Field(ge=0)]
    noise: Literal["shared", "per_stream"]
    raw_damage: Share
    validation_pairs: Count


class TrainingSettings(Section):
    seeds: Annotated[list[int], Field(min_length=1)]
    variance_paths: Annotated[list[VariancePath], Field(min_length=1)]
    network: NetworkSettings
    fit: FitSettings
    test_pairs: Count


def load_training_settings(file: Path) -> TrainingSettings:
    """Settings in ``file``. Raises SettingError with one line that names key, value and limits."""
    return checked(TrainingSettings, read_settings(file), file)
