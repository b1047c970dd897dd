"""The analyzer: packets of all streams in, windows through QA-MoE, messages out on the feed."""

import threading
import time
from collections.abc import Callable, Collection

import torch

from actors.health import Health
from models.checkpoint import load
from models.checkpoint_files import checkpoint_folder, tuned_weights
from models.estimator import Estimator
from models.features.voice_reader import VoiceReader
from models.features.words import WordsEncoder
from streamer.assets import Assets
from streamer.errors import PipelineError, SettingError
from streamer.feed.compose import Envelope, sentiment_message, transcript_message
from streamer.feed.messages import HealthMessage
from streamer.feed.publisher import Publisher
from streamer.packets import SECOND, Stream, Window
from streamer.settings import Settings
from streamer.windows import Packet, WindowAssembler

TICK_SECONDS = 0.02
"""How often a paced session looks for windows that are overdue."""

SUBSCRIBER_PATIENCE_SECONDS = 5.0
"""How long a session at maximal speed waits for somebody to listen before it begins."""


class Analyzer:
    """Binds the feed when it is built; analyses from ``start`` on; says ``bye`` in ``stop``.

    Raises SettingError or SourceError for an address that cannot be bound, AssetError for a
    checkpoint or a word model that cannot be read.
    """

    def __init__(
        self,
        settings: Settings,
        session: str,
        streams: Collection[Stream],
        clock: Callable[[], int] = time.monotonic_ns,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._session = session
        self._clock = clock
        self._wall_clock = wall_clock
        torch.set_num_threads(1)
        self._publisher = Publisher(
            settings.feed.bind,
            settings.feed.encoding,
            blocking=not settings.paced,
            wall_clock=wall_clock,
        )
        self._estimator = Estimator(
            load(checkpoint_folder(settings), _device(settings)),
            WordsEncoder(
                Assets(settings.assets).path("minilm-l6"), tuned_weights(settings, "text")
            ),
            VoiceReader.load(tuned_weights(settings, "audio")),
            settings.analyzer.reliability_floor,
        )
        self._assembler = WindowAssembler(
            settings.window,
            streams,
            settings.camera.frame_rate,
            round(settings.window.deadline * SECOND) if settings.paced else None,
        )
        self._health = Health(settings.window.hop_ns, streams)
        self._windows = 0
        self._last_hop = -1
        self._epoch: int | None = None
        self._envelope = Envelope(session, settings.participant, wall_clock(), settings.paced)
        self._lock = threading.RLock()
        self._failure: Exception | None = None
        self._stopping = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="analyzer ticks", daemon=True)

    def open(self) -> str:
        """The address of the feed."""
        return self._publisher.address

    def start(self, epoch: int) -> None:
        """Begin: ``epoch`` is the value of the monotonic clock (ns) at session time 0."""
        if not self._settings.paced:
            self._publisher.wait_for_subscriber(SUBSCRIBER_PATIENCE_SECONDS)
        since = (self._clock() - epoch) / SECOND
        self._envelope = Envelope(
            self._session,
            self._settings.participant,
            self._wall_clock() - since,
            self._settings.paced,
        )
        self._epoch = epoch
        if self._settings.paced:
            self._ticker.start()

    def push(self, packet: Packet) -> None:
        """Take in a packet of any stream and publish what it completes."""
        with self._lock:
            self._health.count(packet)
            self._assembler.add(packet)
            self._publish_ready()

    def finished(self) -> bool:
        """Whether all streams have ended and all their windows are published.

        Raises PipelineError where a window could not be analysed or published.
        """
        with self._lock:
            if self._failure is not None:
                raise PipelineError(f"analyzer: {type(self._failure).__name__}: {self._failure}")
            return self._assembler.finished

    def stop(self, reason: str) -> None:
        """Publish the last health message, with state ``bye``, and close the feed; once."""
        with self._lock:
            if self._stopping.is_set():
                return
            self._stopping.set()
            self._publisher.publish(self._health_message("bye", reason))
            self._publisher.close(linger_ms=1000)

    def _tick(self) -> None:
        try:
            while not self._stopping.wait(TICK_SECONDS):
                with self._lock:
                    if self._stopping.is_set():
                        return
                    self._publish_ready()
                    self._publisher.poll()
        except Exception as error:
            self._failure = error

    def _publish_ready(self) -> None:
        if self._epoch is None:
            return
        for item in self._assembler.ready(self._clock() - self._epoch):
            if isinstance(item, Window):
                self._publish_window(item)
            elif item.words and self._settings.feed.transcripts:
                now = self._wall_clock()
                self._publisher.publish(transcript_message(self._envelope, item, now))

    def _publish_window(self, window: Window) -> None:
        estimate = self._estimator.estimate(window)
        now = self._wall_clock()
        self._publisher.publish(sentiment_message(self._envelope, window, estimate, now))
        if window.revision == 0:
            self._windows += 1
            self._last_hop = window.hop
            if self._health.due(window.hop):
                self._publisher.publish(self._health_message("running", None))

    def _health_message(self, state: str, reason: str | None) -> HealthMessage:
        until = (self._last_hop + 1) * self._settings.window.hop_ns
        return HealthMessage(
            session=self._envelope.session,
            participant=self._envelope.participant,
            seq=0,
            captured_at=self._envelope.captured_at(until),
            published_at=self._wall_clock(),
            state="bye" if state == "bye" else "running",
            reason=reason,
            uptime_s=until / SECOND,
            windows=self._windows,
            late_windows=self._assembler.late,
            publisher_dropped=self._publisher.dropped,
            streams=self._health.streams(self._last_hop),
        )


def _device(settings: Settings) -> str:
    wanted = settings.analyzer.device
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise SettingError(
            "setting analyzer.device = 'cuda': this machine shows torch no GPU; use auto or cpu"
        )
    return "cuda" if available and wanted != "cpu" else "cpu"
