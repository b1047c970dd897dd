"""The AsyncAPI 3 document of feed and control, made from the types of their messages."""

from typing import Any, get_args

import msgspec

from streamer.control.messages import AnyReply, AnyRequest
from streamer.feed.messages import KINDS, Header

CONTRACT_VERSION = "1.0.0"
"""Of the document as a whole; each message has a number of its own in its ``schema``."""

CONTROL_MESSAGES = {"control_request": AnyRequest, "control_reply": AnyReply}

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

CONTROL = (
    "There where the session is given an address for it (`feed.control`). A client's REQ sends one "
    "frame of JSON, at most 4096 bytes, and gets one back."
)

LOCKED = (
    "Anybody on the same machine can connect on loopback. Elsewhere, and there where the session "
    "has keys (`feed.keys`), sockets are locked with CURVE (RFC 26): a client needs the session's "
    "public key, and the session the client's."
)

FEED_BINDING = {
    "session": {"socket": "XPUB", "does": "bind"},
    "client": {"socket": "SUB", "does": "connect"},
    "frames": ["topic", "payload"],
}
CONTROL_BINDING = {
    "session": {"socket": "ROUTER", "does": "bind"},
    "client": {"socket": "REQ", "does": "connect"},
    "frames": ["payload"],
}
"""AsyncAPI knows no bindings of ZeroMQ, so they stand in an extension, ``x-zeromq``."""


def asyncapi() -> dict[str, Any]:
    """The document, valid by the schema of AsyncAPI 3.0."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "qamoe-stream",
            "version": CONTRACT_VERSION,
            "description": (
                "Live sentiment of a person in a video call, and how far each stream it comes "
                "from can be trusted. docs/feed.md and docs/control.md have what is guaranteed."
            ),
        },
        "defaultContentType": "application/json",
        "servers": {
            "feed": _server("127.0.0.1:5556", FRAMES),
            "control": _server("127.0.0.1:5557", CONTROL),
        },
        "channels": {kind: _channel(kind) for kind in KINDS} | {"control": _control_channel()},
        "operations": {f"publish_{kind}": _publishing(kind) for kind in KINDS}
        | {"control": _controlling()},
        "components": {
            "messages": {kind: _message(kind) for kind in KINDS} | _control_messages(),
            "schemas": _schemas((*KINDS.values(), *get_args(AnyRequest), *get_args(AnyReply))),
            "securitySchemes": {"curve": {"type": "asymmetricEncryption", "description": LOCKED}},
        },
    }


def _server(host: str, description: str) -> dict[str, Any]:
    return {
        "host": host,
        "protocol": "zmq",
        "protocolVersion": "ZMTP 3.1",
        "description": f"{description} {LOCKED}",
        "security": [{"$ref": "#/components/securitySchemes/curve"}],
    }


def _channel(kind: str) -> dict[str, Any]:
    return {
        "address": f"{kind}/{{session}}/{{participant}}/",
        "summary": SUMMARIES[kind],
        "servers": [{"$ref": "#/servers/feed"}],
        "parameters": {name: {"description": _said(name)} for name in ("session", "participant")},
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"}},
        "x-zeromq": FEED_BINDING,
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
        "payload": _reference(KINDS[kind]),
    }


def _control_channel() -> dict[str, Any]:
    return {
        "address": None,
        "summary": "Requests to a session, and its replies",
        "servers": [{"$ref": "#/servers/control"}],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in CONTROL_MESSAGES},
        "x-zeromq": CONTROL_BINDING,
    }


def _controlling() -> dict[str, Any]:
    request, reply = ({"$ref": f"#/channels/control/messages/{name}"} for name in CONTROL_MESSAGES)
    return {
        "action": "receive",
        "channel": {"$ref": "#/channels/control"},
        "summary": "Answer one request with one reply",
        "messages": [request],
        "reply": {"channel": {"$ref": "#/channels/control"}, "messages": [reply]},
    }


def _control_messages() -> dict[str, Any]:
    return {
        name: {
            "name": name,
            "contentType": "application/json",
            "payload": {"oneOf": [_reference(of) for of in get_args(union)]},
        }
        for name, union in CONTROL_MESSAGES.items()
    }


def _reference(of: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{of.__name__}"}


def _schemas(types: tuple[type[msgspec.Struct], ...]) -> dict[str, Any]:
    template = "#/components/schemas/{name}"
    _, parts = msgspec.json.schema_components(types, ref_template=template)
    return parts


def _said(name: str) -> str:
    """What a name in a topic means."""
    _, parts = msgspec.json.schema_components([Header])
    return f"{parts['Header']['properties'][name]['description']}: 1 to 64 of A-Za-z0-9._-"
