"""Typed settings of a training, from a YAML file."""

from itertools import product
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from models.training.face.settings import FaceSettings
from models.training.voice.settings import VoiceSettings
from models.training.words.settings import WordsSettings
from streamer.setting_files import Count, Positive, Section, Share, checked, read_settings

VariancePath = Literal["representation", "input"]


class NetworkSettings(Section):
    width: Count
    experts: Count
    dropout: Share


class Variant(NamedTuple):
    """What is tried beside each other: a variance path and how many experts are taken."""

    variance_path: VariancePath
    top_k: int

    def __str__(self) -> str:
        return f"{self.variance_path}-top-{self.top_k}"


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
    """``words``, ``voice`` and ``face`` say how the features are tuned; None takes the shipped
    weights. Every variance path is trained with every number of experts in ``top_ks`` and every
    seed."""

    words: WordsSettings | None
    voice: VoiceSettings | None
    face: FaceSettings | None
    seeds: Annotated[list[int], Field(min_length=1)]
    variance_paths: Annotated[list[VariancePath], Field(min_length=1)]
    top_ks: Annotated[list[Count], Field(min_length=1)]
    network: NetworkSettings
    fit: FitSettings
    test_pairs: Count

    @property
    def variants(self) -> list[Variant]:
        """Every variance path with every number of experts."""
        return [Variant(*chosen) for chosen in product(self.variance_paths, self.top_ks)]


def load_training_settings(file: Path) -> TrainingSettings:
    """Settings in ``file``. Raises SettingError with one line that names key, value and limits."""
    return checked(TrainingSettings, read_settings(file), file)
