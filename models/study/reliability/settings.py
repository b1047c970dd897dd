"""Typed settings of the reliability study, from a YAML file."""

from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from models.study.settings import BootstrapSettings
from models.training.reliability.people import READERS, SPEAKERS
from models.training.reliability.rows import KINDS
from streamer.damage_option import STREAMS
from streamer.packets import Stream
from streamer.setting_files import (
    Count,
    Positive,
    Section,
    checked,
    parse_settings,
    read_settings,
)

VOICES = (*SPEAKERS["report"], *READERS["report"])

ALL: tuple[tuple[Stream, str], ...] = tuple(
    (stream, kind) for stream, kinds in KINDS.items() for kind in kinds
)


class SessionSettings(Section):
    """Sessions of ``seconds``, damaged from ``onset`` to ``end``, of the ``speakers`` (by default
    all that nothing was fitted to), with ``kinds`` such as ``video:blur`` (by default all)."""

    speakers: Annotated[tuple[str, ...], Field(min_length=1)] = VOICES
    kinds: tuple[tuple[Stream, str], ...] = ALL
    severities: Annotated[tuple[Annotated[float, Field(gt=0, le=1)], ...], Field(min_length=1)]
    seconds: Positive
    onset: Positive
    end: Positive

    @field_validator("speakers")
    @classmethod
    def _known_speakers(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in VOICES:
                raise ValueError(f"{name}: must be one of {', '.join(VOICES)}")
        return names

    @field_validator("kinds", mode="before")
    @classmethod
    def _known_kinds(cls, names: object) -> object:
        if not isinstance(names, list):
            return names
        allowed = {f"{spoken}:{kind}": (stream, kind) for spoken, stream in STREAMS.items()
                   for kind in KINDS[_as_stream(stream)]}  # fmt: skip
        for name in names:
            if name not in allowed:
                raise ValueError(f"{name}: must be one of {', '.join(allowed)}")
        return tuple(allowed[name] for name in names)


class LabelledSettings(Section):
    """``clips`` of each stream are damaged in every way; ``pairs`` of them are drawn. ``control``
    is the folder of a network that was trained on damage to do without reliability, as
    ``qamoe-stream train`` leaves one in its runs; it is compared with."""

    clips: Count
    pairs: Count
    control: Path | None = None


class NoiseSettings(Section):
    """Of each class of noise, in which words may be invented, every ``stride``-th recording."""

    stride: Count


class ReliabilityStudySettings(Section):
    """``cores`` sessions are played at a time; what is null is left out."""

    study: Literal["reliability"]
    sessions: SessionSettings
    labelled: LabelledSettings | None
    noise: NoiseSettings | None
    bootstrap: BootstrapSettings
    cores: Count


def load_reliability_settings(file: Path, quick: bool = False) -> ReliabilityStudySettings:
    """Settings in ``file``; if ``quick``, with the top-level keys of the packaged
    reliability-quick.yaml in their place. Raises SettingError with one line."""
    values = read_settings(file)
    if quick:
        name = "reliability-quick.yaml"
        packaged = resources.files("configs").joinpath(f"evaluate/{name}").read_text()
        values |= parse_settings(packaged, name)
    return checked(ReliabilityStudySettings, values, file)


def _as_stream(name: str) -> Stream:
    return next(stream for stream in KINDS if stream == name)
