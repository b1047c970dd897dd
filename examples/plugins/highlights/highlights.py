#!/usr/bin/env python3
"""Listen to a call's feed and write its strongest moments as WebVTT chapters when it ends."""

import argparse
import os
import signal
import sys
from pathlib import Path

from chapters import webvtt
from moments import Windows, strongest
from streamer.errors import SettingError, SourceError, UserError
from streamer.feed import Subscriber
from streamer.feed.messages import SentimentMessage


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", nargs="?", default="tcp://127.0.0.1:5556")
    parser.add_argument("--keys", type=Path, help="a folder of them, where the feed is locked")
    parser.add_argument("--out", type=Path, default=Path("highlights.vtt"), help="the file written")
    parser.add_argument("--session", help="listen to this session, not to the first one heard")
    parser.add_argument("--participant", help="listen to this participant, not to all")
    parser.add_argument("--count", type=int, default=5, help="moments at most (5)")
    parser.add_argument("--apart", type=float, default=10.0, help="seconds between moments (10)")
    parser.add_argument("--longest", type=float, default=30.0, help="seconds of a moment (30)")
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds of silence (10)")
    given = parser.parse_args(arguments)
    for name, least, most in [
        ("count", 1, 1000),
        ("apart", 0, 86_400),
        ("longest", 1, 86_400),
        ("timeout", 0.1, 86_400),
    ]:
        if not least <= getattr(given, name) <= most:
            parser.error(f"--{name} = {getattr(given, name):g}: must be {least:g} to {most:g}")
    return given


def main() -> int:
    given = options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return run(given)
    except UserError as error:
        print(f"highlights: {error}", file=sys.stderr)
        return error.exit_code


def run(given: argparse.Namespace) -> int:
    """Listen to the end, which Ctrl-C is, too; then write. Raises UserError."""
    if not os.access(given.out.parent, os.W_OK) or given.out.is_dir():
        raise SettingError(f"--out = {given.out}: cannot be written")
    windows = Windows()
    session = listen(given, windows)
    if session is None:
        raise SourceError(f"no sentiment heard on {given.address}: is a session running there?")
    moments = strongest(windows, given.count, given.apart, given.longest)
    write(given.out, webvtt(session, moments))
    print(f"{given.out}: {len(moments)} moments out of {len(windows)} windows with an estimate")
    if windows.left_out:
        print(f"{windows.left_out} windows were left out: the call is too long", file=sys.stderr)
    return 0


def listen(given: argparse.Namespace, windows: Windows) -> str | None:
    """Fill ``windows`` until the feed's end; the name of the session, None where none was heard."""
    session: str | None = given.session
    heard = None
    with Subscriber(
        given.address,
        ["sentiment"],
        session=session,
        participant=given.participant,
        keys=given.keys,
        idle=given.timeout,
    ) as feed:
        try:
            for message in feed:
                # Times count from a session's beginning: two sessions have no common ones.
                session = session or message.session
                if isinstance(message, SentimentMessage) and message.session == session:
                    windows.add(message)
                    heard = session
        except KeyboardInterrupt:
            print("interrupted: what was heard so far", file=sys.stderr)
        if feed.gaps:
            print(f"{feed.gaps} messages were lost on the way", file=sys.stderr)
    return heard


def write(path: Path, text: str) -> None:
    """All of it or nothing: a player never reads half a file. Raises SettingError."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise SettingError(f"--out = {path}: {error.strerror}") from None


if __name__ == "__main__":
    sys.exit(main())
