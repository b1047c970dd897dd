"""Waiting for what happens in another thread or process."""

import time
from collections.abc import Callable


def eventually(condition: Callable[[], object], patience: float = 10.0) -> bool:
    """Whether ``condition`` holds at last, within ``patience`` seconds."""
    until = time.monotonic() + patience
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return bool(condition())
