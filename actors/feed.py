"""The feed's actor: messages in, onto the socket, and with what they were told from into a
recording. It outlives analyzers, so ``seq`` goes on."""

import threading
import time
from collections.abc import Callable, Sequence

import msgspec

from actors.recorder import Recorder
from streamer.errors import PipelineError
from streamer.feed.keys import server_keys
from streamer.feed.messages import HealthMessage, Message
from streamer.feed.publisher import Publisher
from streamer.recording.records import Record
from streamer.settings import Settings

POLL_SECONDS = 0.02
"""How often it looks for newcomers."""

SUBSCRIBER_PATIENCE_SECONDS = 5.0
"""How long a session at maximal speed waits for somebody to listen before it begins."""


class Feed:
    """Binds the feed when it is built; ``stop`` sees to it that the last message is a ``bye``.

    Raises SettingError or SourceError for an address that cannot be bound, SettingError for keys
    that cannot be used, or a recording that cannot be made.
    """

    def __init__(
        self, settings: Settings, session: str, wall_clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._session = session
        self._wall_clock = wall_clock
        self._publisher = Publisher(
            settings.feed.bind,
            settings.feed.encoding,
            blocking=not settings.paced,
            keys=None if settings.feed.keys is None else server_keys(settings.feed.keys),
            wall_clock=wall_clock,
        )
        self._recorder: Recorder | None = None
        if settings.feed.record is not None:
            self._recorder = Recorder(settings.feed.record, settings, session, wall_clock)
        self._last: dict[str, Message] = {}
        self._health: HealthMessage | None = None
        self._lock = threading.Lock()
        self._failure: Exception | None = None
        self._stopping = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="feed ticks", daemon=True)

    def open(self) -> str:
        """The address of the feed."""
        self._ticker.start()
        return self._publisher.address

    def start(self) -> None:
        """Wait for somebody to listen, where a file would be over before anybody could."""
        if not self._settings.paced:
            self._publisher.wait_for_subscriber(SUBSCRIBER_PATIENCE_SECONDS)

    def push(self, items: Sequence[Record]) -> None:
        """Publish the messages among ``items``, in their order, and keep it all where a recording
        is made."""
        with self._lock:
            if not self._stopping.is_set():
                self._tell(items)

    def snapshot(self) -> list[Message]:
        """The last message of every topic."""
        with self._lock:
            return list(self._last.values())

    def stats(self) -> dict[str, float]:
        """Messages that a subscriber's full queue has lost. Raises PipelineError where looking for
        newcomers has failed."""
        if self._failure is not None:
            raise PipelineError(f"feed: {type(self._failure).__name__}: {self._failure}")
        return {"dropped": self._publisher.dropped}

    def stop(self, reason: str) -> None:
        """Say ``bye`` where the analyzer has not, and close the feed; once."""
        with self._lock:
            if self._stopping.is_set():
                return
            if self._health is None or self._health.state != "bye":
                self._tell([self._bye(reason)])
            self._stopping.set()
            if self._recorder is not None:
                self._recorder.close(reason)
            self._publisher.close(linger_ms=1000)

    def _tell(self, items: Sequence[Record]) -> None:
        told = [self._publish(item) if isinstance(item, Message) else item for item in items]
        if self._recorder is not None:
            self._recorder.put(told)

    def _publish(self, message: Message) -> Message:
        if isinstance(message, HealthMessage):
            message = msgspec.structs.replace(
                message,
                publisher_dropped=message.publisher_dropped + self._publisher.dropped,
                publisher_refused=self._publisher.refused,
                reason=message.reason or (self._recorder and self._recorder.complaint),
            )
        published = self._publisher.publish(message)
        self._last[message.schema] = published
        if isinstance(published, HealthMessage):
            self._health = published
        return published

    def _bye(self, reason: str) -> HealthMessage:
        if self._health is not None:
            return msgspec.structs.replace(self._health, state="bye", reason=reason)
        return HealthMessage(
            session=self._session,
            participant=self._settings.participant,
            seq=0,
            captured_at=self._wall_clock(),
            published_at=self._wall_clock(),
            state="bye",
            reason=reason,
            uptime_s=0.0,
            windows=0,
            late_windows=0,
            publisher_dropped=0,
            streams={},
        )

    def _tick(self) -> None:
        try:
            while not self._stopping.wait(POLL_SECONDS):
                with self._lock:
                    if not self._stopping.is_set():
                        self._publisher.poll()
        except Exception as error:
            self._failure = error
