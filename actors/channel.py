"""The one kind of queue between stages: bounded, with a named policy, every drop counted."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar

from streamer.errors import PipelineError
from streamer.logs.event import Event

log = logging.getLogger(__name__)

T = TypeVar("T")

Policy = Literal["latest", "drop_oldest", "block"]

PACKETS_WAITING = 20
DELIVERY_TIMEOUT = 60.0


class Channel(Generic[T]):
    """Delivers items in order, one at a time, from a thread of its own.

    What happens to an item for which there is no room is the ``policy``:

    - ``latest``: it takes the place of whatever waits (``capacity`` does not matter);
    - ``drop_oldest``: the item that has waited longest goes;
    - ``block``: ``put`` waits for room, at most ``patience`` seconds.

    ``deliver`` may raise: the item is lost, ``failed`` counts it, ``failure`` keeps the error, and
    the next item is tried. Where the receiver may be replaced while it runs (``forgiving``), that
    is a loss like a drop; otherwise ``check`` tells it.
    """

    def __init__(
        self,
        deliver: Callable[[T], None],
        capacity: int,
        policy: Policy,
        name: str,
        patience: float = 60.0,
        forgiving: bool = False,
    ) -> None:
        if capacity < 1:
            raise ValueError(f"capacity {capacity} must be at least 1")
        self.dropped = 0
        self.failed = 0
        self.failure: Exception | None = None
        self._deliver = deliver
        self._capacity = 1 if policy == "latest" else capacity
        self._blocks = policy == "block"
        self._name = name
        self._patience = patience
        self._forgiving = forgiving
        self._waiting: deque[T] = deque()
        self._in_flight = False
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"channel {name}", daemon=True)
        self._thread.start()

    @property
    def pending(self) -> int:
        """Items that were put and are neither delivered nor dropped yet."""
        with self._changed:
            return len(self._waiting) + self._in_flight

    @property
    def lost(self) -> int:
        """Items that were dropped or could not be delivered."""
        return self.dropped + self.failed

    def stats(self) -> dict[str, float]:
        """``waiting`` items, and how many of all before were ``dropped`` or ``failed``."""
        return {"waiting": self.pending, "dropped": self.dropped, "failed": self.failed}

    def put(self, item: T) -> None:
        """Hands ``item`` over; a closed channel drops it.

        Raises PipelineError where the policy is ``block`` and there was no room in time.
        """
        with self._changed:
            if self._blocks and not self._changed.wait_for(self._has_room, self._patience):
                raise PipelineError(
                    f"{self._name}: the receiver took nothing for {self._patience:g} s"
                )
            if self._closed:
                self.dropped += 1
                return
            if not self._has_room():
                self._waiting.popleft()
                self.dropped += 1
                log.warning(Event("packet dropped", queue=self._name, dropped=self.dropped))
            self._waiting.append(item)
            self._changed.notify_all()

    def check(self) -> None:
        """Raises PipelineError where a delivery has failed: nothing gets lost unnoticed."""
        if self.failure is not None and not self._forgiving:
            lines = str(self.failure).strip().splitlines() or [type(self.failure).__name__]
            raise PipelineError(f"{self._name}: {self.failed} packets not delivered: {lines[-1]}")

    def close(self, timeout: float) -> bool:
        """Delivers what remains, or drops it after ``timeout`` seconds. True if all arrived."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(timeout)
        with self._changed:
            self.dropped += len(self._waiting)
            self._waiting.clear()
            return not (self._in_flight or self.dropped or self.failed)

    def _has_room(self) -> bool:
        return len(self._waiting) < self._capacity or (self._blocks and self._closed)

    def _run(self) -> None:
        while (item := self._next()) is not None:
            try:
                self._deliver(item[0])
            except Exception as error:
                with self._changed:
                    self.failed += 1
                    self.failure = error
                kind = type(error).__name__
                log.warning(Event("packet not delivered", queue=self._name, error=kind))
            with self._changed:
                self._in_flight = False
                self._changed.notify_all()

    def _next(self) -> tuple[T] | None:
        with self._changed:
            while not self._waiting:
                if self._closed:
                    return None
                self._changed.wait(timeout=1.0)
            self._in_flight = True
            item = self._waiting.popleft()
            self._changed.notify_all()
            return (item,)


def channel_to(output: Callable[[Any], None], paced: bool, name: str) -> Channel[Any]:
    """The channel between two stages.

    In a ``paced`` session the oldest packet is dropped, and a packet that its receiver fails to
    take is lost; otherwise the sender waits, and a failure ends the session.
    """
    return Channel(
        output,
        PACKETS_WAITING,
        "drop_oldest" if paced else "block",
        name,
        patience=DELIVERY_TIMEOUT,
        forgiving=paced,
    )
