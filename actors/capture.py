"""What the microphone's and the camera's actor share: a thread, a pace and a channel."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from actors.channel import Channel, channel_to
from actors.source import Seekable, Source
from streamer.errors import PipelineError
from streamer.packets import SECOND
from streamer.settings import Settings

Packet = TypeVar("Packet")

STOP_TIMEOUT = 1.0

Clock = Callable[[], int]

monotonic_clock: Clock = time.monotonic_ns


class Capture(ABC, Generic[Packet]):
    """Runs ``_run`` in a thread from ``start`` to ``stop``, at the pace the settings ask for.

    - Live: by the device; packets that the receiver is too slow for are dropped, oldest first.
    - Paced file: each packet leaves at its hop's end by the clock.
    - Otherwise as fast as the receiver takes the packets, and none is dropped.
    """

    def __init__(
        self, name: str, settings: Settings, output: Any, source: Source[Any], clock: Clock
    ) -> None:
        """``output`` takes the packets: a function, or a method of a Ray actor."""
        self._settings = settings
        self._source = source
        self._clock = clock
        self._epoch = 0
        self._live = settings.source.file is None
        self._hop_ns = settings.window.hop_ns
        self._hop = 0
        self._begins_at = 0
        self.seen_at: int | None = None
        """When the thread last came by, on the monotonic clock (ns)."""
        self._muted = threading.Event()
        self._stopping = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._guarded, name=name, daemon=True)
        self._channel: Channel[Packet] = channel_to(
            output, settings.paced, f"{name} to its receiver"
        )

    def open(self) -> str:
        """Opens the source and says in one line what it is. Raises SourceError."""
        return self._source.open()

    def start(self, epoch: int, resumed: bool = False) -> None:
        """Begins to send; session time 0 is ``epoch`` on the monotonic clock (ns), now or soon.

        ``resumed``: another one has sent what was before, this one goes on with the present hop.
        """
        self._epoch = epoch
        if resumed:
            self._hop = max(self._now // self._hop_ns, 0)
            self._begins_at = self._hop * self._hop_ns
            if isinstance(self._source, Seekable):
                self._source.skip_to(self._begins_at)
        self._source.start(epoch)
        self._thread.start()

    def mute(self, muted: bool) -> None:
        """While muted, nothing that the source delivers is looked at or passed on."""
        if muted:
            self._muted.set()
        else:
            self._muted.clear()

    def stats(self) -> dict[str, float]:
        """Counts since the start: ``packets`` made, those of them ``waiting``, ``dropped`` and
        ``failed``, and what the source lost before: ``source_dropped``.

        Raises PipelineError where capture has broken off, or, in a session that is not paced, a
        packet was not delivered.
        """
        if self._failure is not None:
            raise PipelineError(f"{self._thread.name}: {self._failure}")
        self._channel.check()
        return {
            **self._channel.stats(),
            "packets": self._hop,
            "source_dropped": self._source.dropped,
        }

    @property
    def running(self) -> bool:
        """Whether capture has begun and neither ended nor broken off."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Ends capture and delivers what waits; takes at most a few seconds."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(STOP_TIMEOUT)
        self._source.close()
        self._channel.close(STOP_TIMEOUT)

    @property
    def _now(self) -> int:
        """Session time, ns."""
        return self._clock() - self._epoch

    @property
    def _hop_end(self) -> int:
        return (self._hop + 1) * self._hop_ns

    @property
    def _is_last(self) -> bool:
        """Whether the session's duration ends with this hop."""
        duration = self._settings.duration
        return duration is not None and self._hop_end >= round(duration * SECOND)

    def _came_by(self) -> None:
        self.seen_at = time.monotonic_ns()

    def _wait_until(self, moment: int) -> None:
        """Returns at session time ``moment`` or when capture stops; at once where nothing paces."""
        if self._settings.paced:
            self._stopping.wait(max(0, moment - self._now) / SECOND)
            self._came_by()

    def _guarded(self) -> None:
        try:
            self._run()
        except Exception as error:
            self._failure = error
        finally:
            self.seen_at = None
            self._source.close()

    @abstractmethod
    def _run(self) -> None:
        """Reads the source and sends packets until it ends or ``_stopping`` is set."""
