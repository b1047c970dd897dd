"""Control of a running session over a socket of its own: what can be asked (messages), both ends.

Importing it loads ZeroMQ and msgspec, and nothing that is heavier:

from streamer.control import Controller
"""

from streamer.control.controller import Controller

__all__ = ["Controller"]
