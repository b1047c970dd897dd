"""What --damage says: kinds of damage with their stretches, and scenes by name."""

import re
from importlib import resources
from typing import Any

from streamer.errors import SettingError
from streamer.setting_files import parse_settings

STREAMS = {"audio": "audio", "video": "vision", "words": "text"}
"""Streams as the option names them, and as the settings do."""

ITEM = re.compile(
    r"(?P<stream>\w+):(?P<kind>\w+)(=(?P<severity>[^@]+))?(@(?P<start>[\d.]*)-(?P<end>[\d.]*))?"
)
SCENE = re.compile(r"(?P<name>[a-z][a-z-]*?)(@(?P<start>[\d.]*)-(?P<end>[\d.]*))?")

FORM = "must be STREAM:KIND=SEVERITY@START-END (such as audio:noise=0.6@10-20)"


def scenes() -> list[str]:
    """The names of the scenes that come with the package."""
    folder = resources.files("configs").joinpath("damage")
    return sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name[-5:] == ".yaml")


def scene(name: str) -> list[dict[str, Any]]:
    """The damage of the scene ``name``, as settings. Raises SettingError where there is none."""
    if name not in scenes():
        raise SettingError(f"option --damage {name!r}: {FORM} or one of {', '.join(scenes())}")
    text = resources.files("configs").joinpath("damage", f"{name}.yaml").read_text()
    return list(parse_settings(text, name)["damage"])


def parse(text: str) -> list[dict[str, Any]]:
    """The settings ``damage`` of the option's ``text``: items between commas, done in their order.

    An item is ``audio:noise=0.6@10-20`` or a scene, ``cafe`` or ``cafe@10-20``. Without a severity
    it is 1, without seconds it lasts for the whole session, and either of the seconds may be left
    out. Raises SettingError with one line for anything else; the settings check kinds and ranges.
    """
    return [damage for item in text.split(",") for damage in _damages(item.strip())]


def _damages(item: str) -> list[dict[str, Any]]:
    if ":" not in item:
        found = SCENE.fullmatch(item)
        stretch = {} if found is None else _stretch(item, found)
        return [damage | stretch for damage in scene(item if found is None else found["name"])]
    found = ITEM.fullmatch(item)
    if found is None:
        raise SettingError(f"option --damage {item!r}: {FORM}")
    if found["stream"] not in STREAMS:
        raise SettingError(f"option --damage {item!r}: the stream {_one_of(STREAMS)}")
    severity = _number(item, found["severity"] or "1")
    named = {"stream": STREAMS[found["stream"]], "kind": found["kind"], "severity": severity}
    return [named | _stretch(item, found)]


def _stretch(item: str, found: re.Match[str]) -> dict[str, float]:
    return {key: _number(item, found[key]) for key in ("start", "end") if found[key]}


def _number(item: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise SettingError(f"option --damage {item!r}: {text!r} is no number: {FORM}") from None


def _one_of(names: dict[str, str]) -> str:
    return f"must be one of {', '.join(names)}"
