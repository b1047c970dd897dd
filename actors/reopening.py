"""A microphone or camera that goes and comes back."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from actors.source import Device
from streamer.errors import SourceError
from streamer.logs.event import Event
from streamer.packets import SECOND

log = logging.getLogger(__name__)

Item = TypeVar("Item")

STALL = 3 * SECOND // 4
"""Silence of a device, ns, that counts as a fault."""

FIRST = 3 * SECOND
"""The same for one that has just been opened: some take a while to begin."""

SETTLED = 5 * SECOND
"""A device that has delivered for so long, ns, is tried at once when it goes the next time."""

STUCK = 15 * SECOND
"""An attempt to open that takes so long, ns, is not going to end: only a new process helps."""

LONGEST_PAUSE = 1.0
"""Seconds between two attempts: trying costs little, and somebody waits."""


class Reopening(Generic[Item]):
    """Delivers what ``device`` does. Where it has gone, falls silent or breaks, it is let go of and
    opened again and again, in a thread of its own; meanwhile ``read`` gives nothing and ``fault``
    says why.

    What is wrong at the first opening is raised. ``read`` raises SourceError only where opening has
    been stuck for too long.
    """

    def __init__(self, device: Device[Item], clock: Callable[[], int] = time.monotonic_ns) -> None:
        self.fault: str | None = None
        self._device = device
        self._clock = clock
        self._what = "the device"
        self._epoch = 0
        self._dropped_before = 0
        self._delivered_at = 0
        self._since = 0
        self._limit = FIRST
        self._tried_at: int | None = None
        self._attempts = 0
        self._closing = threading.Event()
        self._opened = threading.Event()
        self._opened.set()

    @property
    def dropped(self) -> int:
        return self._dropped_before + self._device.dropped

    def open(self) -> str:
        self._what = self._device.open()
        return self._what

    def start(self, epoch: int) -> None:
        self._epoch = epoch
        self._delivered_at = self._since = self._clock()
        self._device.start(epoch)

    def read(self, timeout: float) -> Item | None:
        if not self._opened.wait(timeout if not self._opened.is_set() else 0):
            self._complain_where_stuck()
            return None
        try:
            item = self._device.read(timeout)
        except SourceError as error:
            self._lose(str(error))
            return None
        now = self._clock()
        if item is not None:
            self.fault = None
            self._delivered_at, self._limit = now, STALL
            if now - self._since > SETTLED:
                self._attempts = 0
        elif now - self._delivered_at > self._limit:
            self._lose(f"{self._what} delivers nothing: unplugged, or held by another program?")
        return item

    def close(self) -> None:
        self._closing.set()
        self._device.close()

    def _lose(self, why: str) -> None:
        if self._closing.is_set():
            return
        self.fault = why
        log.warning(Event("device lost", device=self._what, fault=why))
        self._opened.clear()
        threading.Thread(target=self._reopen, name="device opener", daemon=True).start()

    def _reopen(self) -> None:
        lost = self._device
        lost.close()
        for pause in self._pauses():
            if self._closing.wait(pause):
                return
            device = lost.again()
            self._tried_at = self._clock()
            try:
                device.open()
            except SourceError as error:
                self.fault = str(error)
                continue
            finally:
                self._tried_at = None
            self._take(device)
            return

    def _take(self, device: Device[Item]) -> None:
        self._dropped_before += self._device.dropped
        self._device = device
        self._delivered_at = self._since = self._clock()
        self._limit = FIRST
        device.start(self._epoch)
        log.info(Event("device opened again", device=self._what, attempts=self._attempts))
        if self._closing.is_set():
            device.close()
        self._opened.set()

    def _pauses(self) -> Iterator[float]:
        """At once the first time, then longer and longer, until a device has settled."""
        while True:
            self._attempts += 1
            yield min((self._attempts - 1) / 4, LONGEST_PAUSE)

    def _complain_where_stuck(self) -> None:
        tried_at = self._tried_at
        if tried_at is not None and self._clock() - tried_at > STUCK:
            raise SourceError(f"a device cannot be opened again: {self.fault}")
