#!/usr/bin/env python3
"""Serve a feed as metrics for Prometheus, until Ctrl-C."""

import argparse
import signal
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry

from streamer.errors import UserError
from streamer.feed import Subscriber
from streamer.metrics.feed import FeedMetrics
from streamer.metrics.participants import Participants
from streamer.metrics.server import MetricsServer


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", nargs="?", default="tcp://127.0.0.1:5556")
    parser.add_argument("--keys", type=Path, help="a folder of them, where the feed is locked")
    parser.add_argument("--host", default="127.0.0.1", help="where to serve (127.0.0.1)")
    parser.add_argument("--port", type=int, default=9556, help="0 takes any free one (9556)")
    parser.add_argument("--stale", type=float, default=3.0, help="seconds of silence (3)")
    parser.add_argument("--forget", type=float, default=300.0, help="seconds until forgotten (300)")
    parser.add_argument("--most", type=int, default=50, help="participants shown at most (50)")
    given = parser.parse_args(arguments)
    for name, least, most in [
        ("port", 0, 65_535),
        ("stale", 0.1, 3600),
        ("forget", 0.1, 86_400),
        ("most", 1, 1000),
    ]:
        if not least <= getattr(given, name) <= most:
            parser.error(f"--{name} = {getattr(given, name):g}: must be {least:g} to {most:g}")
    return given


def main() -> int:
    given = options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run(given)
    except UserError as error:
        print(f"exporter: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        pass
    return 0


def run(given: argparse.Namespace) -> None:
    """Listen and serve for ever: sessions may end and begin. Raises UserError."""
    registry = CollectorRegistry()
    participants = Participants(given.most, given.forget)
    with (
        Subscriber(given.address, keys=given.keys) as feed,
        MetricsServer(given.port, registry, given.host, "--port") as server,
    ):
        metrics = FeedMetrics(feed, participants, registry, stale=given.stale)
        print(f"metrics on {server.url}", flush=True)
        while True:
            message = feed.receive(timeout=1.0)
            if message is not None:
                metrics.hear(message)


if __name__ == "__main__":
    sys.exit(main())
