"""Typed settings of a training, from a YAML file."""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from streamer.errors import SettingError

VariancePath = Literal["representation", "input"]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """Immutable, and a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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
    try:
        return TrainingSettings.model_validate(yaml.safe_load(file.read_text()))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingError(f"training settings {file}: " + " ".join(str(error).split())) from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise SettingError(
            f"training settings {file}: {key} = {first['input']!r}: {first['msg']}"
        ) from None
