"""``qamoe-stream tap``: print what is on a feed, one message a line."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from streamer.errors import SourceError
from streamer.feed.codec import json_line
from streamer.feed.messages import HealthMessage, Message, TranscriptMessage
from streamer.feed.subscriber import Subscriber

Format = Literal["json", "pretty"]


def run(
    address: str,
    kinds: Sequence[str],
    format: Format,
    count: int | None,
    timeout: float,
    keys: Path | None = None,
) -> int:
    """Print messages until the feed's ``bye``, ``count`` messages, or ``timeout`` s of silence.

    Returns the exit code: 0, or that of SourceError where nothing was heard at all or the feed fell
    silent without a ``bye``. Ctrl-C and a reader that closes the pipe are ends like any other.
    Raises SettingError for a malformed address, an unknown kind, or ``keys`` that are none.
    """
    line = json_line if format == "json" else pretty_line
    printed = 0
    with Subscriber(address, kinds, keys=keys, idle=timeout) as subscriber:
        try:
            for message in subscriber:
                print(line(message), flush=True)
                printed += 1
                if printed == count:
                    return 0
        except KeyboardInterrupt:
            return 0
        except BrokenPipeError:
            _give_up_stdout()
            return 0
        if subscriber.ended:
            return 0
    heard = "nothing more" if printed else "nothing"
    print(
        f"{heard} heard on {address} within {timeout:g} s: is a session running there"
        + ("?" if keys is None else ", and does it let these keys in?"),
        file=sys.stderr,
    )
    return SourceError.exit_code


def pretty_line(message: Message) -> str:
    """A message for people: who, when, and what it says, in under 150 characters as a rule."""
    if isinstance(message, HealthMessage):
        when, what = message.uptime_s, _health(message)
    elif isinstance(message, TranscriptMessage):
        when, what = message.window.end, " ".join(word.text.strip() for word in message.words)
    else:
        when = message.window.end
        reliability = "  ".join(
            f"{name} {stream.value:.2f}" for name, stream in message.reliability.items()
        )
        if message.sentiment is None:
            value = f"no estimate: {message.reason}"
        else:
            sentiment = message.sentiment
            value = f"{sentiment.value:+.2f} ± {sentiment.uncertainty:.2f} {sentiment.label:<8}"
        what = f"{value}  {reliability}  (revision {message.revision})"
    kind = message.schema.partition("/")[0].removeprefix("qamoe.")
    return f"{when:8.1f} s  {message.participant}  {kind:<10}  {what}"


def _health(message: HealthMessage) -> str:
    streams = (
        f"{name} {stream.state} {stream.rate:.1f}/s"
        + (f" {stream.dropped} dropped" if stream.dropped else "")
        for name, stream in message.streams.items()
    )
    state = f"{message.state} ({message.reason})" if message.reason else message.state
    return "  ".join([state, f"{message.windows} windows", *streams])


def _give_up_stdout() -> None:
    """Let the interpreter's last flush at exit go nowhere, without a traceback."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
