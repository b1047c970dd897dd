"""``qamoe-stream dashboard``: feeds of running sessions in a browser."""

import threading
from collections.abc import Sequence
from contextlib import ExitStack

from streamer.settings import Settings
from streamer.web.gateway import Gateway


def run(settings: Settings, addresses: Sequence[str]) -> None:
    """Serve the feeds at ``addresses`` until Ctrl-C or SIGTERM. Raises UserError."""
    with ExitStack() as stack:
        gateway = stack.enter_context(Gateway(settings.dashboard, settings.feed.keys))
        for address in addresses:
            stack.enter_context(gateway.hearing(address))
        threading.Event().wait()
