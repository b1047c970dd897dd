"""The AsyncAPI 3 document of the feed, made from the types of its messages."""

from typing import Any

import msgspec

from streamer.feed.messages import KINDS, Header

CONTRACT_VERSION = "1.0.0"
"""Of the document as a whole; each message has a number of its own in its ``schema``."""

SUMMARIES = {
    "sentiment": "What one window has shown, and each revision of it",
    "transcript": "Words that have become final, where they are asked for",
    "health": "The session and its streams, once a second, and its end",
}

FRAMES = (
    "Each message has two ZeroMQ frames: the topic, which is the channel's address, and the "
    "payload. Subscribe to any number of whole levels, such as `sentiment/` or "
    "`sentiment/s1/ann/`. The payload is JSON, or MessagePack with the same fields where the "
    "session is told so (`feed.encoding`): JSON begins with `{`, MessagePack never does."
)

ZEROMQ = {
    "x-zeromq": {
        "publisher": {"socket": "XPUB", "does": "bind"},
        "subscriber": {"socket": "SUB", "does": "connect"},
        "frames": ["topic", "payload"],
    }
}
"""AsyncAPI knows no bindings of ZeroMQ, so they stand in an extension."""


def asyncapi() -> dict[str, Any]:
    """The document, valid by the schema of AsyncAPI 3.0."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "qamoe-stream",
            "version": CONTRACT_VERSION,
            "description": (
                "Live sentiment of a person in a video call, and how far each stream it comes "
                "from can be trusted. docs/feed.md has what is guaranteed."
            ),
        },
        "defaultContentType": "application/json",
        "servers": {"feed": _feed_server()},
        "channels": {kind: _channel(kind) for kind in KINDS},
        "operations": {f"publish_{kind}": _publishing(kind) for kind in KINDS},
        "components": {
            "messages": {kind: _message(kind) for kind in KINDS},
            "schemas": _schemas(tuple(KINDS.values())),
        },
    }


def _feed_server() -> dict[str, Any]:
    return {
        "host": "127.0.0.1:5556",
        "protocol": "zmq",
        "protocolVersion": "ZMTP 3.1",
        "description": FRAMES,
    }


def _channel(kind: str) -> dict[str, Any]:
    return {
        "address": f"{kind}/{{session}}/{{participant}}/",
        "summary": SUMMARIES[kind],
        "servers": [{"$ref": "#/servers/feed"}],
        "parameters": {name: {"description": _said(name)} for name in ("session", "participant")},
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"}},
        **ZEROMQ,
    }


def _publishing(kind: str) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{kind}"},
        "summary": SUMMARIES[kind],
        "messages": [{"$ref": f"#/channels/{kind}/messages/{kind}"}],
    }


def _message(kind: str) -> dict[str, Any]:
    return {
        "name": kind,
        "summary": SUMMARIES[kind],
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{KINDS[kind].__name__}"},
    }


def _schemas(types: tuple[type[msgspec.Struct], ...]) -> dict[str, Any]:
    template = "#/components/schemas/{name}"
    _, parts = msgspec.json.schema_components(types, ref_template=template)
    return parts


def _said(name: str) -> str:
    """What a name in a topic means."""
    _, parts = msgspec.json.schema_components([Header])
    return f"{parts['Header']['properties'][name]['description']}: 1 to 64 of A-Za-z0-9._-"
