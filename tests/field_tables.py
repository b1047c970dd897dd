"""The tables of fields that the docs must hold, made from the types."""

from collections.abc import Iterator
from typing import Any

import msgspec

HEAD = "| field | unit, range | meaning | `null` |\n| --- | --- | --- | --- |"


def field_table(of: type[msgspec.Struct], without: type[msgspec.Struct] | None = None) -> str:
    """One row a field of ``of``, in Markdown, those of what it holds below it; leaving out the
    fields that it has in common with ``without``."""
    _, parts = msgspec.json.schema_components([of], ref_template="{name}")
    left_out = set() if without is None else {item.name for item in msgspec.structs.fields(without)}
    rows = [
        row
        for name, field in parts[of.__name__]["properties"].items()
        if name not in left_out
        for row in _rows(name, field, parts)
    ]
    return "\n".join([HEAD, *rows])


def _rows(path: str, field: dict[str, Any], parts: dict[str, Any]) -> Iterator[str]:
    value = _value(field)
    if "description" in field:
        cells = (f"`{path}`", _range(field, value), field["description"], field.get("x-null", ""))
        yield f"| {' | '.join(cells)} |".replace("  ", " ")
    if "$ref" in value:
        for name, below in parts[value["$ref"]]["properties"].items():
            yield from _rows(f"{path}.{name}", below, parts)
    elif "items" in value:
        yield from _rows(f"{path}[]", value["items"], parts)
    elif isinstance(value.get("additionalProperties"), dict):
        yield from _rows(f"{path}.*", value["additionalProperties"], parts)


def _value(field: dict[str, Any]) -> dict[str, Any]:
    """What the field is where it is not null."""
    if "anyOf" not in field:
        return field
    (value,) = [item for item in field["anyOf"] if item != {"type": "null"}]
    return dict(value)


def _range(field: dict[str, Any], value: dict[str, Any]) -> str:
    said = [_kind(value), field.get("x-unit", "")]
    return ", ".join(part for part in said if part)


def _kind(value: dict[str, Any]) -> str:
    if "enum" in value:
        return ", ".join(f"`{item}`" for item in value["enum"])
    if "pattern" in value:
        return "name"
    if "minimum" in value:
        whole = "whole, " if value["type"] == "integer" else ""
        upper = f"{value['minimum']} to {value.get('maximum')}"
        return whole + (upper if "maximum" in value else f"≥ {value['minimum']}")
    kinds = {"string": "text", "array": "list", "boolean": "`true`, `false`"}
    return kinds.get(value.get("type", ""), "")
