"""Whether readers of one schema can read messages of another: the rule behind version numbers."""

from collections.abc import Iterator
from typing import Any

NOTES = ("$schema", "$id", "$defs", "title", "description", "default", "x-null")
"""What a schema says to people alone. The unit is none of it: its change is a new meaning."""


def breaks(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Why messages of the JSON Schema ``new`` need another version number than those of ``old``.

    A field may be added if messages without it can still be read, so if it has a default. Whatever
    else happens to a field, or to the values it may have, is listed, one line each; also more
    values, since typed readers refuse what they do not know. Where a schema is of several types
    (requests, replies), one more is no harm: who does not know it does not ask for it.
    """
    if "anyOf" not in old or "anyOf" not in new:
        return list(_differences(_inlined(old, old), _inlined(new, new), ""))
    before, after = _members(old), _members(new)
    gone = [f"{name} is gone" for name in before if name not in after]
    return gone + [
        problem
        for name in before
        if name in after
        for problem in _differences(before[name], after[name], name)
    ]


def _members(schema: dict[str, Any]) -> dict[str, Any]:
    """The types that a schema is one of, by name."""
    references = [item["$ref"].removeprefix("#/$defs/") for item in schema["anyOf"]]
    return {name: _inlined(schema["$defs"][name], schema) for name in references}


def _inlined(node: Any, whole: dict[str, Any]) -> Any:
    """``node`` without references and notes; no message holds one of its own kind."""
    if isinstance(node, list):
        return [_inlined(item, whole) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name = node["$ref"].removeprefix("#/$defs/")
        node = {key: value for key, value in node.items() if key != "$ref"} | whole["$defs"][name]
    inlined = {key: _inlined(value, whole) for key, value in node.items() if key not in NOTES}
    if "properties" in node:  # whose keys are fields, also one that is called description
        inlined["properties"] = {
            name: _inlined(field, whole) for name, field in node["properties"].items()
        }
    return inlined


def _differences(old: Any, new: Any, path: str) -> Iterator[str]:
    if not (isinstance(old, dict) and isinstance(new, dict)):
        if old != new:
            yield f"{path or 'the message'} was {old}, is {new}"
        return
    for key in sorted((old.keys() | new.keys()) - {"properties", "required"}):
        yield from _differences(old.get(key), new.get(key), f"{path} {key}".strip())
    yield from _changed_fields(old, new, path)


def _changed_fields(old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    needed_before, needed_after = set(old.get("required", [])), set(new.get("required", []))
    for name in before:
        where = f"{path} {name}".strip()
        if name not in after:
            yield f"{where} is gone"
            continue
        yield from _differences(before[name], after[name], where)
        if (name in needed_before) != (name in needed_after):
            yield f"{where} {'has a default' if name in needed_before else 'has no default'} now"
    for name in sorted((after.keys() - before.keys()) & needed_after):
        yield f"{f'{path} {name}'.strip()} is new and has no default"
