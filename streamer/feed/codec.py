"""Messages to bytes and back, in either encoding."""

from typing import Literal

import msgspec

from streamer.feed.messages import KINDS, Message, topic

Encoding = Literal["json", "msgpack"]

KIND_OF = {message_type: kind for kind, message_type in KINDS.items()}
"""First level of the topic of each type of message."""

_FROM_JSON = {kind: msgspec.json.Decoder(of) for kind, of in KINDS.items()}
_FROM_MSGPACK = {kind: msgspec.msgpack.Decoder(of) for kind, of in KINDS.items()}


class MalformedError(ValueError):
    """Bytes that are no message of the feed; says why in one line."""


def topic_of(message: Message) -> bytes:
    """The topic a message belongs under."""
    return topic(KIND_OF[type(message)], message.session, message.participant)


def encode(message: Message, encoding: Encoding) -> bytes:
    """The payload of a message."""
    if encoding == "json":
        return msgspec.json.encode(message)
    return msgspec.msgpack.encode(message)


def json_line(message: Message) -> str:
    """The message as one line of JSON, whatever the feed's encoding is."""
    return encode(message, "json").decode()


def decode(frames: list[bytes]) -> Message:
    """The message in the two frames ``[topic, payload]``, whichever encoding it comes in.

    Raises MalformedError for anything else: other frames, a kind or a schema this version does not
    know, a field that is missing or of another type, a topic that is not the message's own.
    """
    if len(frames) != 2:
        raise MalformedError(f"{len(frames)} frames instead of topic and payload")
    name, payload = frames
    kind = name.partition(b"/")[0].decode("ascii", "replace")
    # Every message is an object: in JSON it begins with a brace, which no msgpack map does.
    decoders = _FROM_JSON if payload.startswith(b"{") else _FROM_MSGPACK
    if kind not in decoders:
        raise MalformedError(f"topic of unknown kind {kind!r}")
    try:
        message = decoders[kind].decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(str(error)) from None
    if topic_of(message) != name:
        raise MalformedError(f"topic {name!r} with a message of {topic_of(message)!r}")
    return message
