"""The feed: what is on it (messages), and both its ends.

Importing it loads ZeroMQ and msgspec, and nothing that is heavier:

from streamer.feed import Subscriber
"""

from streamer.feed.subscriber import Subscriber

__all__ = ["Subscriber"]
