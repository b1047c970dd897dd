"""What --damage says: kinds of damage with their stretches, and scenes by name."""

import re
from typing import Any

from streamer.errors import SettingError
from streamer.scenes import scenes

STREAMS = {"audio": "audio", "video": "vision", "words": "text"}
"""Streams as the option names them, and as the settings do."""

ITEM = re.compile(
    r"(?P<stream>\w+):(?P<kind>\w+)(=(?P<severity>[^@]+))?(@(?P<start>[\d.]*)-(?P<end>[\d.]*))?"
)
SCENE = re.compile(r"(?P<name>[a-z][a-z-]*?)(@(?P<start>[\d.]*)-(?P<end>[\d.]*))?")

FORM = "must be STREAM:KIND=SEVERITY@START-END (such as audio:noise=0.6@10-20)"


def parse(text: str) -> list[dict[str, Any]]:
    """The settings ``damage`` of the option's ``text``: items between commas, done in their order.

    An item is ``audio:noise=0.6@10-20`` or a scene, ``cafe`` or ``cafe@10-20``. Without a severity
    it is 1, without seconds it lasts for the whole session, and either of the seconds may be left
    out. Raises SettingError with one line for anything else; the settings check kinds and ranges.
    """
    return [_damage(item.strip()) for item in text.split(",")]


def _damage(item: str) -> dict[str, Any]:
    if ":" not in item:
        return _scene(item)
    found = ITEM.fullmatch(item)
    if found is None:
        raise SettingError(f"option --damage {item!r}: {FORM}")
    if found["stream"] not in STREAMS:
        raise SettingError(f"option --damage {item!r}: the stream {_one_of(STREAMS)}")
    severity = _number(item, found["severity"] or "1")
    named = {"stream": STREAMS[found["stream"]], "kind": found["kind"], "severity": severity}
    return named | _stretch(item, found)


def _scene(item: str) -> dict[str, Any]:
    found = SCENE.fullmatch(item)
    if found is None or found["name"] not in scenes():
        raise SettingError(f"option --damage {item!r}: {FORM} or one of {', '.join(scenes())}")
    return {"scene": found["name"]} | _stretch(item, found)


def _stretch(item: str, found: re.Match[str]) -> dict[str, float]:
    return {key: _number(item, found[key]) for key in ("start", "end") if found[key]}


def _number(item: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise SettingError(f"option --damage {item!r}: {text!r} is no number: {FORM}") from None


def _one_of(names: dict[str, str]) -> str:
    return f"must be one of {', '.join(names)}"
