"""Typed settings of a training, from a YAML file."""

from itertools import product
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, field_validator

from models.training.face.settings import FaceSettings
from models.training.voice.settings import VoiceSettings
from models.training.words.settings import WordsSettings
from streamer.packets import STREAMS, Stream
from streamer.setting_files import Count, Positive, Section, Share, checked, read_settings

Parts = Literal["curve", "fusion", "both"]
"""What is trained further: what a stream's answer weighs by its published reliability, everything
after the encoders, or both."""

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


class TakesSettings(Section):
    """Of each stream ``clips`` are read, as they are and ``damages`` times damaged."""

    clips: dict[Stream, Annotated[int, Field(ge=6)]]
    damages: Count

    @field_validator("clips")
    @classmethod
    def _of_every_stream(cls, clips: dict[Stream, int]) -> dict[Stream, int]:
        if set(clips) != set(STREAMS):
            raise ValueError(f"must hold {', '.join(STREAMS)}")
        return clips


class WeighingSettings(Section):
    """How the fusion learns to go by the published reliability: on takes of the ``train`` people,
    judged by those of the ``validation`` people. In the ``pairs`` of an epoch a stream is
    ``damaged``, and ``missing``, with these probabilities. Each of ``parts`` is tried, the simplest
    first: a later one is only taken where its error is less by a share of ``worth``."""

    train: TakesSettings
    validation: TakesSettings
    parts: Annotated[list[Parts], Field(min_length=1)]
    worth: Share
    epochs: Count
    pairs: Count
    batch: Annotated[int, Field(ge=2)]
    learning_rate: Positive
    weight_decay: Annotated[float, Field(ge=0)]
    damaged: Share
    missing: Share
    validation_pairs: Count


class TrainingSettings(Section):
    """``words``, ``voice`` and ``face`` say how the features are tuned; None takes the shipped
    weights. Every variance path is trained with every number of experts in ``top_ks`` and every
    seed; the fusion of the best is trained further as ``weighing`` says, None: it is not."""

    words: WordsSettings | None
    voice: VoiceSettings | None
    face: FaceSettings | None
    seeds: Annotated[list[int], Field(min_length=1)]
    variance_paths: Annotated[list[VariancePath], Field(min_length=1)]
    top_ks: Annotated[list[Count], Field(min_length=1)]
    network: NetworkSettings
    fit: FitSettings
    weighing: WeighingSettings | None = None
    test_pairs: Count

    @property
    def variants(self) -> list[Variant]:
        """Every variance path with every number of experts."""
        return [Variant(*chosen) for chosen in product(self.variance_paths, self.top_ks)]


def load_training_settings(file: Path) -> TrainingSettings:
    """Settings in ``file``. Raises SettingError with one line that names key, value and limits."""
    return checked(TrainingSettings, read_settings(file), file)
