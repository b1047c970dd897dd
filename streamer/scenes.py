"""Scenes of damage that come with the package, by name: configs/damage/."""

from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

from streamer.errors import SettingError
from streamer.setting_files import parse_settings

STRETCH = ("start", "end")
"""What may be said of a scene besides its name."""


def scenes() -> list[str]:
    """The names of all scenes."""
    folder = resources.files("configs").joinpath("damage")
    return sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name[-5:] == ".yaml")


def expanded(damages: Iterable[Any]) -> list[Any]:
    """The setting ``damage`` with each ``{scene: cafe, start: 19, end: 25}`` replaced by what the
    scene is made of, which lasts as long as that says. Raises SettingError where there is no such
    scene, or more is said of it; all else is left to the settings' own check."""
    result: list[Any] = []
    for index, damage in enumerate(damages):
        if isinstance(damage, Mapping) and "scene" in damage and "kind" not in damage:
            result += _parts(dict(damage), f"setting damage.{index}")
        else:
            result.append(damage)
    return result


def _parts(reference: dict[str, Any], key: str) -> list[dict[str, Any]]:
    name = reference.pop("scene")
    if name not in scenes():
        raise SettingError(f"{key}.scene = {name!r}: must be one of {', '.join(scenes())}")
    for other in reference:
        if other not in STRETCH:
            raise SettingError(f"{key}.{other}: a scene takes only {' and '.join(STRETCH)}")
    text = resources.files("configs").joinpath("damage", f"{name}.yaml").read_text()
    parts = parse_settings(text, name)["damage"]
    return [{**part, **reference, "scene": name} for part in parts]
