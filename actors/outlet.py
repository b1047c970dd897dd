"""Where a stage's packets go: to an actor and, where that one dies, to the one in its place."""

import threading
from typing import Any

from actors.channel import DELIVERY_TIMEOUT
from streamer.errors import PipelineError

REPLACEMENT_SECONDS = 5.0
"""For so long a packet is kept for whoever takes a dead receiver's place."""


class Outlet:
    """Delivers to a method of a Ray actor, and waits until that has taken the packet: so a
    channel's bound holds across actors, and nothing piles up in Ray's own unbounded queue.

    A packet whose receiver has died goes to the next one, even if the dead one had taken it: rather
    twice than never. ``timeout`` for a delivery and the ``patience`` with which another receiver is
    waited for are in s.
    """

    def __init__(
        self, timeout: float = DELIVERY_TIMEOUT, patience: float = REPLACEMENT_SECONDS
    ) -> None:
        self._timeout = timeout
        self._patience = patience
        self._receiver: Any = None
        self._changed = threading.Condition()

    def connect(self, receiver: Any) -> None:
        """From now on packets go to ``receiver``; None: to nobody."""
        with self._changed:
            self._receiver = receiver
            self._changed.notify_all()

    def deliver(self, packet: Any) -> None:
        """Raises PipelineError where nobody takes the packet, or not in time, and what the receiver
        raised otherwise."""
        import ray  # which streamer.cluster has imported first, in its own way

        receiver = self._receiver
        try:
            self._send(receiver, packet)
        except ray.exceptions.RayActorError:
            with self._changed:
                if not self._changed.wait_for(
                    lambda: self._receiver is not receiver, self._patience
                ):
                    raise
                receiver = self._receiver
            self._send(receiver, packet)

    def _send(self, receiver: Any, packet: Any) -> None:
        import ray

        if receiver is None:
            raise PipelineError("nobody takes it")
        call = receiver.remote(packet)
        try:
            ray.get(call, timeout=self._timeout)
        except ray.exceptions.GetTimeoutError:
            ray.cancel(call)
            raise PipelineError(f"an actor did not answer within {self._timeout:g} s") from None
