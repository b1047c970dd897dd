"""JSON Schemas of feed and control, made from their types, and the files they are kept in."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from streamer.contract.asyncapi import asyncapi
from streamer.contract.compatibility import breaks
from streamer.control.messages import SCHEMA, AnyReply, AnyRequest
from streamer.errors import SettingError
from streamer.feed.messages import KINDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"

REFERENCE = "#/$defs/{name}"

Schema = dict[str, Any]


def schema_id(message_type: type[msgspec.Struct]) -> str:
    """Name and version of a type, such as ``qamoe.sentiment/1``."""
    (field,) = (item for item in msgspec.structs.fields(message_type) if item.name == "schema")
    return str(field.default)


def json_schema(message_type: type[msgspec.Struct]) -> Schema:
    """The JSON Schema (draft 2020-12) of one type of message, complete in itself."""
    _, parts = msgspec.json.schema_components([message_type], ref_template=REFERENCE)
    whole: Schema = parts.pop(message_type.__name__)
    # Readers take a message without it for this version; whoever publishes always writes it.
    whole["required"] = ["schema", *whole["required"]]
    return _head(schema_id(message_type)) | whole | ({"$defs": parts} if parts else {})


def control_schema(union: Any, name: str) -> Schema:
    """The JSON Schema of requests or replies, of which each is one of ``union``."""
    (whole,), parts = msgspec.json.schema_components([union], ref_template=REFERENCE)
    return _head(name) | whole | {"$defs": parts}


def _head(name: str) -> Schema:
    return {"$schema": DIALECT, "$id": "urn:" + name.replace("/", ":").replace(".", ":")}


def schema_files(
    types: Iterable[type[msgspec.Struct]] = tuple(KINDS.values()),
) -> dict[str, Schema]:
    """Every schema by the name of its file: ``sentiment-1.json`` holds ``qamoe.sentiment/1``."""
    of_the_feed = {
        schema_id(item).removeprefix("qamoe.").replace("/", "-") + ".json": json_schema(item)
        for item in types
    }
    number = SCHEMA.rpartition("/")[2]
    return of_the_feed | {
        f"control-request-{number}.json": control_schema(AnyRequest, f"{SCHEMA}:request"),
        f"control-reply-{number}.json": control_schema(AnyReply, f"{SCHEMA}:reply"),
    }


def write_schemas(folder: Path) -> list[Path]:
    """Write all schemas and the AsyncAPI document; the files written.

    A file of an older version stays as it is. Raises SettingError where a file of the same version
    has other fields, which needs a new number, and where the folder cannot be written to.
    """
    files = schema_files()
    problems = changed(files, folder)
    if problems:
        raise SettingError(f"option --out {str(folder)!r}: {'; '.join(problems)}")
    files["asyncapi.json"] = asyncapi()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_text(as_text(content))
    except OSError as error:
        raise SettingError(f"option --out {str(folder)!r}: {error.strerror or error}") from None
    return [folder / name for name in files]


def changed(files: Mapping[str, Schema], folder: Path) -> list[str]:
    """What the ``files`` would break for readers of those of the same names in ``folder``."""
    problems = []
    for name, new in files.items():
        if (folder / name).is_file():
            old = msgspec.json.decode((folder / name).read_bytes())
            problems += [
                f"{name}: {problem}: a new version is needed" for problem in breaks(old, new)
            ]
    return problems


def as_text(content: Schema) -> str:
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n"
