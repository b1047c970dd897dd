"""Memory that a process has freed and that its C library still holds."""

import ctypes
import time
from collections.abc import Callable

TRIM_SECONDS = 60.0


class Heap:
    """Gives freed memory back to the system about once a minute, as long as somebody calls
    ``tidy``.

    What is freed between pieces in use glibc keeps: of a transcriber's 200 MB that is 60, and more
    with time. Elsewhere there is nothing to do. ``clock`` is monotonic (s).
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._trimmed_at = clock()
        self._trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)

    def tidy(self) -> None:
        """Takes milliseconds where it is time, and nothing otherwise."""
        now = self._clock()
        if self._trim is not None and now - self._trimmed_at >= TRIM_SECONDS:
            self._trimmed_at = now
            self._trim(0)
