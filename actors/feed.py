"""The feed's actor: messages in, onto the socket, and with what they were told from into a
recording. It outlives analyzers, so ``seq`` goes on."""

import threading
import time
from collections.abc import Callable, Sequence

import msgspec

from actors.recorder import Recorder
from actors.stand_in import REASON, StandIn
from streamer.errors import PipelineError
from streamer.feed.keys import server_keys
from streamer.feed.messages import (
    HealthMessage,
    Message,
    Reliability,
    SentimentMessage,
    Span,
)
from streamer.feed.publisher import Publisher
from streamer.packets import SECOND, STREAMS
from streamer.recording.records import Record
from streamer.settings import Settings
from streamer.tracing.spans import Spans

POLL_SECONDS = 0.02
"""How often it looks for newcomers."""

SUBSCRIBER_PATIENCE_SECONDS = 5.0
"""How long a session at maximal speed waits for somebody to listen before it begins."""

GATHERING_SECONDS = 0.5
"""How long it then waits for others who wait already: they try to connect ten times a second."""


class Feed:
    """Binds the feed when it is built; ``stop`` sees to it that the last message is a ``bye``.

    One that takes the place of another is given its address as ``bind`` and a ``session_epoch`` of
    its own, that no message stays below: its ``seq`` begins anew, its recording goes on. In real
    time it ``stands_in`` for an analyzer that is silent, unless told not to. Raises SettingError or
    SourceError for an address that cannot be bound, SettingError for keys that cannot be used, or a
    recording that cannot be made.
    """

    def __init__(
        self,
        settings: Settings,
        session: str,
        wall_clock: Callable[[], float] = time.time,
        bind: str | None = None,
        session_epoch: int = 0,
        stands_in: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._session = session
        self._wall_clock = wall_clock
        self._clock = clock
        self._publisher = Publisher(
            bind or settings.feed.bind,
            settings.feed.encoding,
            blocking=not settings.paced,
            keys=None if settings.feed.keys is None else server_keys(settings.feed.keys),
            wall_clock=wall_clock,
        )
        self._recorder: Recorder | None = None
        if settings.feed.record is not None:
            self._recorder = Recorder(
                settings.feed.record, settings, session, wall_clock, resumed=session_epoch > 0
            )
        self._session_epoch = session_epoch
        self._stand_in: StandIn | None = None
        if settings.paced and stands_in:
            self._stand_in = StandIn(settings.window.length, settings.window.hop)
        self._outdated = 0
        self.spans = Spans(settings.trace.is_wanted)
        self.seen_at: int | None = None
        """When the ticking thread last came by, on the monotonic clock (ns)."""
        self._health: HealthMessage | None = None
        self._lock = threading.Lock()
        self._failure: Exception | None = None
        self._stopping = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="feed ticks", daemon=True)

    def open(self) -> str:
        """The address of the feed."""
        self._ticker.start()
        return self._publisher.address

    def start(self, epoch: int, resumed: bool = False, alone: bool = False) -> None:
        """Wait for somebody to listen, where a file would be over before anybody could.

        ``resumed``: stand in for an analyzer that may be gone as well, in a session whose time 0
        was at ``epoch`` on the monotonic clock (ns); ``alone``: it is known to be, so at once.
        """
        if resumed and self._stand_in is not None:
            reason, told_at = None, self._clock()
            if alone:  # as if it had stood in a hop ago, so that the next window is due
                reason, told_at = REASON, told_at - self._settings.window.hop
            with self._lock:
                self._stand_in.take(self._window_at(told_at, epoch, reason), told_at)
        if not self._settings.paced:
            self._publisher.wait_for_subscriber(SUBSCRIBER_PATIENCE_SECONDS, GATHERING_SECONDS)

    def push(self, items: Sequence[Record]) -> None:
        """Publish the messages among ``items``, in their order, and keep it all where a recording
        is made."""
        with self._lock:
            if not self._stopping.is_set():
                self._tell(items)

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
            self._recorder.put([item for item in told if item is not None])

    def _publish(self, message: Message) -> Message | None:
        """What was published; None for what had been told meanwhile."""
        epoch = max(message.session_epoch, self._session_epoch)
        message = msgspec.structs.replace(message, session_epoch=epoch)
        if self._stand_in is not None:
            if self._stand_in.has_told(message):
                self._outdated += 1
                return None
            self._stand_in.take(message, self._clock())
        if isinstance(message, HealthMessage):
            self._health = message
            message = msgspec.structs.replace(
                message,
                publisher_dropped=message.publisher_dropped
                + self._publisher.dropped
                + self._outdated,
                publisher_refused=self._publisher.refused,
                reason=message.reason or (self._recorder and self._recorder.complaint),
            )
        begun = self.spans.clock()
        published = self._publisher.publish(message)
        if isinstance(message, SentimentMessage):
            self.spans.add_for(message, "publish", self._settings.window.hop, begun)
        return published

    def _window_at(self, at: float, epoch: int, reason: str | None) -> SentimentMessage:
        """The newest one that had ended by ``at``, of which this feed knows nothing but when that
        was."""
        window, so_far = self._settings.window, at - epoch / SECOND
        end = max(so_far // window.hop, 0) * window.hop
        nothing = Reliability(0.0, 0.0, 0.0, reason)
        return SentimentMessage(
            session=self._session,
            participant=self._settings.participant,
            seq=0,
            session_epoch=self._session_epoch,
            window=Span(max(end - window.length, 0.0), end),
            revision=0,
            captured_at=self._wall_clock() - (self._clock() - epoch / SECOND - end),
            published_at=self._wall_clock(),
            sentiment=None,
            reason=reason,
            reliability=dict.fromkeys(STREAMS, nothing),
            routing={},
            words_age_ms=None,
            latency_ms=1000 * (so_far - end),
        )

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

    def _stand_in_where_due(self) -> None:
        if self._stand_in is not None:
            self._tell(list(self._stand_in.due(self._clock())))

    def _tick(self) -> None:
        try:
            while not self._stopping.wait(POLL_SECONDS):
                self.seen_at = time.monotonic_ns()
                with self._lock:
                    if not self._stopping.is_set():
                        self._publisher.poll()
                        self._stand_in_where_due()
        except Exception as error:
            self._failure = error
