"""The schemas: made from the types, kept in docs/schema, and true of what is published."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given

from streamer.contract.asyncapi import asyncapi
from streamer.contract.schema import as_text, changed, json_schema, schema_files, write_schemas
from streamer.errors import SettingError
from streamer.feed.codec import KIND_OF, encode
from streamer.feed.messages import KINDS, HealthMessage, Message
from tests.commands import Answer, Finished
from tests.feed_fixtures import health, messages, sentiment, transcript

KEPT = Path(__file__).parent.parent / "docs" / "schema"


def validator(kind: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads((KEPT / f"{kind}-1.json").read_text()))


VALIDATORS = {kind: validator(kind) for kind in KINDS}


def test_what_is_kept_is_what_the_types_say(tmp_path: Path) -> None:
    for file in write_schemas(tmp_path):
        assert (KEPT / file.name).read_text() == file.read_text(), "run: qamoe-stream schema --out"


def test_the_kept_schemas_still_hold() -> None:
    assert changed(schema_files(), KEPT) == []


@pytest.mark.parametrize("kind", KINDS)
def test_schemas_are_json_schema_2020_12(kind: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema(KINDS[kind]))


@given(messages())
def test_any_message_of_the_types_is_valid(message: Message) -> None:
    VALIDATORS[KIND_OF[type(message)]].validate(json.loads(encode(message, "json")))


@pytest.mark.parametrize(
    ("message", "field", "value"),
    [
        (sentiment(), "seq", -1),
        (sentiment(), "schema", "qamoe.sentiment/2"),
        (sentiment(), "sentiment", {"value": 1.5, "uncertainty": 0.1, "label": "positive"}),
        (sentiment(), "window", None),
        (sentiment(), "participant", "a/b"),
        (transcript("so it is"), "words", [{"text": "so"}]),
        (health(), "state", "resting"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_message_is_not_valid(message: Message, field: str, value: Any) -> None:
    payload = json.loads(encode(message, "json"))
    schema = VALIDATORS[KIND_OF[type(message)]]
    assert schema.is_valid(payload)
    assert not schema.is_valid(payload | {field: value})
    del payload[field]
    assert not schema.is_valid(payload)


def test_a_changed_type_is_not_written_over_its_version(tmp_path: Path) -> None:
    shutil.copytree(KEPT, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "health-1.json"
    before = file.read_text().replace('"windows"', '"panes"')
    file.write_text(before)
    with pytest.raises(SettingError, match=r"health-1\.json: panes is gone: a new version"):
        write_schemas(tmp_path)
    assert file.read_text() == before


def test_a_changed_type_under_a_new_number_passes(tmp_path: Path) -> None:
    class Changed(HealthMessage, frozen=True, kw_only=True):
        schema: str = "qamoe.health/2"
        windows: str

    class Unnumbered(HealthMessage, frozen=True, kw_only=True):
        windows: str

    shutil.copytree(KEPT, tmp_path, dirs_exist_ok=True)
    assert changed(schema_files([Changed]), tmp_path) == []
    assert changed(schema_files([Unnumbered]), tmp_path) == [
        "health-1.json: windows minimum was 0, is None: a new version is needed",
        "health-1.json: windows type was integer, is string: a new version is needed",
    ]


def test_a_folder_that_cannot_be_written_is_one_line(answer: Answer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = answer("schema", "--out", str(tmp_path / "file"))
    assert done.code == 2
    assert "option --out" in done.complaint


def test_the_command_prints_the_asyncapi_document(answer: Answer) -> None:
    done = answer("schema")
    assert done.code == 0
    assert "\n".join(done.lines) + "\n" == as_text(asyncapi())


def test_the_asyncapi_document_refers_to_what_it_has() -> None:
    document = asyncapi()
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
        part: Any = document
        for step in reference.split("/"):
            part = part[step]
    addresses = {name: channel["address"] for name, channel in document["channels"].items()}
    assert addresses.pop("control") is None
    assert addresses == {kind: f"{kind}/{{session}}/{{participant}}/" for kind in KINDS}


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.usefixtures("assets")
def test_what_a_real_run_says_is_valid(talking_head: Finished) -> None:
    assert talking_head.code == 0, talking_head.said
    said = [json.loads(line) for line in talking_head.lines]
    kinds = [re.split(r"[./]", message["schema"])[1] for message in said]
    assert set(kinds) == set(KINDS)
    for kind, message in zip(kinds, said, strict=True):
        VALIDATORS[kind].validate(message)
        assert set(message) == {field.name for field in msgspec.structs.fields(KINDS[kind])}
