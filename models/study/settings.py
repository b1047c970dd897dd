"""Typed settings of a study, from a YAML file."""

from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Annotated

from pydantic import Field

from models.study.datasets import NAMES
from models.study.trainer import Budget
from models.study.variants import MODELS
from streamer.errors import SettingError
from streamer.setting_files import Count, Section, checked, parse_settings, read_settings

Level = Annotated[float, Field(gt=0, le=2)]


class Roles(Section):
    """Which model plays which part. ``ours`` is compared with each of ``controls`` and with what
    the ``oracle`` reaches, which sees the true quality; ``paper`` is as published. ``others`` are
    trained and shown beside them."""

    ours: str
    oracle: str
    paper: str
    controls: list[str]
    others: list[str]


class Specialists(Section):
    """One more training of ``ours`` for each of these ``conditions`` ("protocol/name") alone."""

    datasets: list[str]
    conditions: list[str]


class Sensitivity(Section):
    """``models``: for each k, the name of ours with that many experts a sample."""

    datasets: list[str]
    models: dict[int, str]


class BootstrapSettings(Section):
    draws: Annotated[int, Field(ge=100)]
    level: Annotated[float, Field(gt=0, lt=1)]
    seed: int


class GridSettings(Section):
    """``cores`` tasks at a time; one that takes longer than ``task_timeout`` seconds has failed."""

    cores: Count
    task_timeout: Annotated[float, Field(gt=0)]
    readiness_timeout: Annotated[float, Field(gt=0)]
    object_store_mb: Annotated[int, Field(ge=80, le=4096)]


class SpeedSettings(Section):
    """Windows of ``dataset``; the median of ``repeats`` passes."""

    dataset: str
    repeats: Count


class Exceptions(Section):
    """What is otherwise on one data set, where the whole would take too long."""

    models: list[str] | None = None
    epochs: Count | None = None
    validations: Count | None = None


class StudySettings(Section):
    """``pickles`` are further data sets in the field's standard files, which ``datasets`` may name.
    The models in ``permuted`` are also tested with the reliability of other samples.
    ``severities`` are the lambdas of the single-stream corruptions; ``accuracy_to_reach`` is, by
    data set, what the clean accuracy of ours is held against."""

    datasets: Annotated[list[str], Field(min_length=1)]
    pickles: dict[str, Path]
    seeds: Annotated[list[int], Field(min_length=1)]
    roles: Roles
    permuted: list[str]
    protocols: Annotated[list[str], Field(min_length=1)]
    severities: Annotated[list[Level], Field(min_length=1)]
    specialists: Specialists
    sensitivity: Sensitivity
    accuracy_to_reach: dict[str, Annotated[float, Field(ge=0, le=1)]]
    budget: Budget
    exceptions: dict[str, Exceptions]
    mask_seed: int
    bootstrap: BootstrapSettings
    speed: SpeedSettings
    grid: GridSettings

    @property
    def models(self) -> list[str]:
        """All models that are trained on every data set, but for exceptions; ours first."""
        roles = self.roles
        named = [roles.ours, *roles.controls, roles.paper, roles.oracle, *roles.others]
        return list(dict.fromkeys(named))

    def models_on(self, dataset: str) -> list[str]:
        """Those that are trained on ``dataset``, for comparison or to see what k does."""
        exception = self.exceptions.get(dataset, Exceptions())
        found = self.models if exception.models is None else exception.models
        if dataset in self.sensitivity.datasets:
            found = [*found, *self.sensitivity.models.values()]
        return list(dict.fromkeys(found))

    def budget_on(self, dataset: str) -> Budget:
        """The budget of every model on ``dataset``."""
        exception = self.exceptions.get(dataset, Exceptions())
        changed = exception.model_dump(include={"epochs", "validations"}, exclude_none=True)
        return replace(self.budget, **changed)


def load_study_settings(file: Path, quick: bool = False) -> StudySettings:
    """Settings in ``file``; if ``quick``, with the top-level keys of the packaged quick.yaml in
    their place. Raises SettingError with one line that names key, value and limits."""
    values = read_settings(file)
    if quick:
        packaged = resources.files("configs").joinpath("evaluate/quick.yaml").read_text()
        values |= parse_settings(packaged, "quick.yaml")
    return _known(checked(StudySettings, values, file))


def _known(settings: StudySettings) -> StudySettings:
    """Raises SettingError where a model or data set is named that does not exist."""
    models = {*settings.models, *settings.permuted}
    models |= {model for dataset in settings.datasets for model in settings.models_on(dataset)}
    named = [*settings.datasets, settings.speed.dataset]
    for what, names, allowed in (
        ("model", models, list(MODELS)),
        ("data set", named, [*NAMES, *settings.pickles]),
    ):
        for name in names:
            if name not in allowed:
                raise SettingError(f"{what} {name!r}: must be one of {', '.join(allowed)}")
    return settings
