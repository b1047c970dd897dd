"""What is said about a field of a message, once: for the schemas and for the tables of the docs."""

from typing import Annotated

from msgspec import Meta

Count = Annotated[int, Meta(ge=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Name = Annotated[
    str, Meta(extra_json_schema={"pattern": "^[A-Za-z0-9._-]{1,64}$", "maxLength": 64})
]
"""Of a session or a participant, as it stands in a topic. Settings hold to it; to look again in
every message would cost as much as to read the message."""


def meaning(text: str, *, unit: str | None = None, null: str | None = None) -> Meta:
    """What a field means, its unit where it has one, and what ``null`` says where it may be that.

    JSON Schema has no words for the last two: there they are ``x-unit`` and ``x-null``.
    """
    extra = {"x-unit": unit, "x-null": null}
    said = {key: value for key, value in extra.items() if value is not None}
    return Meta(description=text, extra_json_schema=said or None)
