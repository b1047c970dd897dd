"""Requests to a running session and its replies: the one source of ``qamoe.control/1``.

As on the feed, unknown fields are to be ignored, and what is said here of a field is what the
schemas and the tables of docs/control.md say.
"""

from typing import Annotated, Any, Literal

import msgspec

from streamer.feed.meaning import meaning

SCHEMA = "qamoe.control/1"

Schema = Annotated[Literal["qamoe.control/1"], meaning("name and version of requests and replies")]
StreamName = Literal["text", "audio", "vision"]
TheStream = Annotated[
    StreamName, meaning("the stream; without `audio` there are no words either, so no `text`")
]


class Request(msgspec.Struct, frozen=True, tag_field="request"):
    """What is asked of a session."""

    schema: Schema = "qamoe.control/1"


class Describe(Request, frozen=True, tag="describe"):
    """Ask what this session is, and what is on its feed. Answered by `description`."""


class Snapshot(Request, frozen=True, tag="snapshot"):
    """Ask for the last message of every topic. Answered by `snapshot`."""


class Pause(Request, frozen=True, tag="pause"):
    """Stop looking and listening; health is told all the same. Answered by `done`."""


class Resume(Request, frozen=True, tag="resume"):
    """Take a pause back. Answered by `done`."""


class Mute(Request, frozen=True, kw_only=True, tag="mute"):
    """Stop looking at one stream, as if its device were gone. Answered by `done`."""

    stream: TheStream


class Unmute(Request, frozen=True, kw_only=True, tag="unmute"):
    """Take a mute back. Answered by `done`."""

    stream: TheStream


class Stop(Request, frozen=True, tag="stop"):
    """End the session in order, with its `bye`. Answered by `done`, before it ends."""


AnyRequest = Describe | Snapshot | Pause | Resume | Mute | Unmute | Stop


class Reply(msgspec.Struct, frozen=True, kw_only=True, tag_field="reply"):
    """What a session answers."""

    schema: Schema = "qamoe.control/1"


class Done(Reply, frozen=True, kw_only=True, tag="done"):
    """It is as asked for. So is what already was."""

    muted: Annotated[list[StreamName], meaning("the streams that are muted now")]
    paused: Annotated[bool, meaning("whether the session is paused now")]


class Description(Reply, frozen=True, kw_only=True, tag="description"):
    """What the session is."""

    version: Annotated[str, meaning("of qamoe-stream")]
    session: Annotated[str, meaning("its name in every topic")]
    feed: Annotated[str, meaning("the address of the feed, as the session is bound to it")]
    encoding: Annotated[Literal["json", "msgpack"], meaning("of the feed's payloads")]
    schemas: Annotated[
        dict[str, str],
        meaning("name and version of the messages of each kind (`sentiment`, …)", unit="by kind"),
    ]
    topics: Annotated[list[str], meaning("the topics that have had a message so far")]
    participants: Annotated[list[str], meaning("who is in these topics")]
    streams: Annotated[list[str], meaning("the streams that are not off; empty until `health`")]
    muted: Annotated[list[StreamName], meaning("the streams that are muted now")]
    paused: Annotated[bool, meaning("whether the session is paused now")]
    requests: Annotated[list[str], meaning("what can be asked of this session")]


class State(Reply, frozen=True, kw_only=True, tag="snapshot"):
    """The last message of every topic."""

    messages: Annotated[
        list[dict[str, Any]], meaning("each as on the feed, in JSON; see the schemas there")
    ]


class Refused(Reply, frozen=True, kw_only=True, tag="refused"):
    """It is not done."""

    reason: Annotated[str, meaning("why, in one line, and what is allowed")]


AnyReply = Done | Description | State | Refused


def names(union: Any) -> tuple[str, ...]:
    """The tags of all types in ``union``: the names of requests or replies, in their order."""
    return tuple(str(kind.__struct_config__.tag) for kind in union.__args__)
