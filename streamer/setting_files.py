"""Settings from YAML, checked: what is wrong with them is one line."""

from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from streamer.errors import SettingError

Kind = TypeVar("Kind", bound=BaseModel)

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """A group of settings: immutable, and a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


def read_settings(file: Path) -> dict[str, Any]:
    """The mapping in ``file``. Raises SettingError where there is none."""
    try:
        return parse_settings(file.read_text(), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"settings file {file}: {error}") from None


def parse_settings(text: str, name: str) -> dict[str, Any]:
    """The mapping in the YAML ``text`` of the file ``name``. Raises SettingError for other YAML."""
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingError(f"settings file {name}: " + " ".join(str(error).split())) from None
    if not isinstance(values, dict | None):
        raise SettingError(f"settings file {name}: must be a mapping of settings")
    return values or {}


def checked(kind: type[Kind], values: dict[str, Any], file: Path | None = None) -> Kind:
    """``values`` as settings. Raises SettingError that names the first key that is wrong, its value
    and what is allowed, and the ``file`` where they come from one alone."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        where = f"{file}: " if file else ""
        raise SettingError(where + _one_line(error)) from None


def _one_line(error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        return f"setting {key}: there is no such setting{more}"
    if isinstance(first["input"], dict):
        return f"setting {key}: {message}{more}"
    return f"setting {key} = {first['input']!r}: {message}{more}"
