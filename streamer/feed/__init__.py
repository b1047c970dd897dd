"""The feed: what is on it (messages), and both its ends.

Importing it loads ZeroMQ and msgspec, and nothing that is heavier; asyncio where it is asked for:

    from streamer.feed import Subscriber, AsyncSubscriber
"""

from typing import TYPE_CHECKING, Any

from streamer.errors import StaleError
from streamer.feed.subscriber import Subscriber

if TYPE_CHECKING:
    from streamer.feed.async_subscriber import AsyncSubscriber

__all__ = ["AsyncSubscriber", "StaleError", "Subscriber"]


def __getattr__(name: str) -> Any:
    if name == "AsyncSubscriber":
        from streamer.feed.async_subscriber import AsyncSubscriber

        return AsyncSubscriber
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
