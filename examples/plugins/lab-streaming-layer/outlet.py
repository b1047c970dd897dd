#!/usr/bin/env python3
"""Put a feed on Lab Streaming Layer, to record it beside EEG, eye trackers and the like."""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from streamer.errors import SettingError, UserError
from streamer.feed import Subscriber

LOOPBACK = Path(__file__).with_name("loopback.cfg")


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", nargs="?", default="tcp://127.0.0.1:5556")
    parser.add_argument("--keys", type=Path, help="a folder of them, where the feed is locked")
    parser.add_argument("--session", help="only this session")
    parser.add_argument("--participant", help="only this participant")
    parser.add_argument("--revisions", action="store_true", help="send revised windows again, too")
    parser.add_argument("--stale", type=float, default=3.0, help="seconds of silence (3)")
    parser.add_argument("--most", type=int, default=8, help="participants at most (8)")
    parser.add_argument(
        "--network", action="store_true", help="let LSL announce the streams to the whole network"
    )
    given = parser.parse_args(arguments)
    for name, least, most in [("stale", 0.1, 3600), ("most", 1, 100)]:
        if not least <= getattr(given, name) <= most:
            parser.error(f"--{name} = {getattr(given, name):g}: must be {least:g} to {most:g}")
    return given


def main() -> int:
    given = options()
    # An exception would get lost where it strikes while LSL closes an outlet.
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        run(given, stop)
    except UserError as error:
        print(f"outlet: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def run(given: argparse.Namespace, stop: threading.Event) -> None:
    """Listen until told to stop: sessions may end and begin. Raises UserError."""
    if not given.network:
        os.environ.setdefault("LSLAPICFG", str(LOOPBACK))  # LSL reads it when it is loaded
    try:
        from outlets import Outlets
    except (ImportError, RuntimeError, OSError) as error:
        raise SettingError(
            f"cannot load Lab Streaming Layer ({_first_line(error)}): "
            "pip install 'qamoe-stream[lsl]'"
        ) from None
    outlets = Outlets(given.most, given.stale, revisions=given.revisions)
    with Subscriber(
        given.address,
        ["sentiment", "health"],
        session=given.session,
        participant=given.participant,
        keys=given.keys,
    ) as feed:
        print(f"listening to {given.address}", flush=True)
        while not stop.is_set():
            message = feed.receive(timeout=0.5)
            if message is not None:
                outlets.hear(message)
            outlets.check()
    outlets.close()
    if outlets.refused:
        print(f"{outlets.refused} messages of more than {given.most} participants left out")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]


if __name__ == "__main__":
    sys.exit(main())
