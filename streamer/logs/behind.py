"""A log that nobody has to wait for."""

import logging
import queue
import sys
import threading
from contextlib import suppress

WAITING = 1000
"""Lines that wait to be written; those that come to more are lost."""

CLOSE_SECONDS = 2.0


class Behind(logging.Handler):
    """Passes lines on to ``target`` from a thread of its own: whoever logs goes on, though the disk
    be slow, or nobody read the terminal. What is ``lost`` that way is said at the end."""

    def __init__(self, target: logging.Handler, waiting: int = WAITING) -> None:
        super().__init__()
        self.lost = 0
        self._target = target
        self._queue: queue.Queue[logging.LogRecord | None] = queue.Queue(waiting)
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._queue.put_nowait(record)
        except queue.Full:
            self.lost += 1

    def close(self) -> None:
        """Write what waits, for a few seconds at most."""
        super().close()
        with suppress(queue.Full):
            self._queue.put(None, timeout=CLOSE_SECONDS)
        self._thread.join(CLOSE_SECONDS)
        if self._thread.is_alive():
            self.lost += 1 + self._queue.qsize()
        else:
            self._target.close()
        if self.lost:
            print(f"log: {self.lost} lines came too fast to be written", file=sys.stderr)

    def _run(self) -> None:
        while (record := self._queue.get()) is not None:
            self._target.handle(record)
