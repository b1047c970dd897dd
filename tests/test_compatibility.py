"""When a schema needs a new number: types as they might be changed one day."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
import pytest

from streamer.contract.compatibility import breaks
from streamer.contract.schema import json_schema
from streamer.feed.meaning import Count, Share, meaning


def schema_of(**changes: Any) -> dict[str, Any]:
    """The schema of a small message; None takes a field away, a pair gives it a default."""
    part = {"value": Annotated[Share, meaning("how much")], "label": Literal["low", "high"]}
    part |= {key.removeprefix("part_"): of for key, of in changes.items() if "part_" in key}
    fields: dict[str, Any] = {
        "schema": (Literal["qamoe.mood/1"], "qamoe.mood/1"),
        "age": Annotated[float, meaning("how long ago", unit="ms")],
        "count": Count,
        "reason": str | None,
        "part": _struct("Part", part),
        "parts": dict[str, list[float]],
    }
    fields |= {key: of for key, of in changes.items() if "part_" not in key}
    return json_schema(_struct("Mood", fields))


def _struct(name: str, fields: Mapping[str, Any]) -> type[msgspec.Struct]:
    given = [
        (key, *of) if isinstance(of, tuple) else (key, of)
        for key, of in fields.items()
        if of is not None
    ]
    return msgspec.defstruct(name, given, kw_only=True)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"mood_ring": (str, "blue")},
        {"mood_ring": (str | None, None)},
        {"part_weight": (float, 1.0)},
        {"age": Annotated[float, meaning("the time since then", unit="ms")]},
    ],
    ids=["nothing", "added", "added-null", "added-below", "other-words"],
)
def test_readers_of_before_go_on(changes: dict[str, Any]) -> None:
    assert breaks(schema_of(), schema_of(**changes)) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"age": None}, ["age is gone"]),
        ({"age": Annotated[int, meaning("how long ago", unit="ms")]},
         ["age type was number, is integer"]),
        ({"age": Annotated[float, meaning("how long ago", unit="s")]}, ["age x-unit was ms, is s"]),
        ({"count": int}, ["count minimum was 0, is None"]),
        ({"reason": str}, ["reason"]),
        ({"reason": (str | None, None)}, ["reason has a default now"]),
        ({"colour": str}, ["colour is new and has no default"]),
        ({"part_value": None}, ["part value is gone"]),
        ({"part_value": str}, ["part value"]),
        ({"part_label": Literal["low", "middle", "high"]}, ["part label enum"]),
        ({"parts": dict[str, list[int]]}, ["parts additionalProperties items type"]),
        ({"age": None, "count": None}, ["age is gone", "count is gone"]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)  # fmt: skip
def test_what_breaks_readers_is_named(changes: dict[str, Any], said: list[str]) -> None:
    found = breaks(schema_of(), schema_of(**changes))
    assert all(any(line.startswith(start) for line in found) for start in said)
