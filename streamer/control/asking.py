"""``qamoe-stream control``: one request, and its answer as lines of JSON."""

from pathlib import Path
from typing import get_args

import msgspec

from streamer.control.controller import Controller
from streamer.control.messages import StreamName
from streamer.errors import SettingError
from streamer.feed.codec import json_line


def ask(
    address: str, request: str, stream: str | None, timeout: float, keys: Path | None
) -> list[str]:
    """The reply in one line, or, for ``snapshot``, one message a line.

    Raises SettingError for a stream that is missing, superfluous or unknown, and what Controller
    raises.
    """
    wanted = request in ("mute", "unmute")
    if stream not in (get_args(StreamName) if wanted else (None,)):
        allowed = f"one of {', '.join(get_args(StreamName))}" if wanted else "none"
        raise SettingError(f"control {request}: stream = {stream or '(none)'}: must be {allowed}")
    with Controller(address, keys=keys, timeout=timeout) as session:
        if request == "snapshot":
            return [json_line(message) for message in session.snapshot()]
        arguments = (stream,) if wanted else ()
        return [msgspec.json.encode(getattr(session, request)(*arguments)).decode()]
