"""The analyzer's actor: packets of all streams in, messages out to the feed."""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch

from actors.analysis import Analysis, device_of, live_estimator, words_encoder
from actors.channel import DELIVERY_TIMEOUT, PACKETS_WAITING, Channel, channel_to
from actors.notes import Notes
from models.identity import made_of
from streamer.errors import PipelineError
from streamer.feed.compose import Envelope
from streamer.feed.messages import Message, SentimentMessage
from streamer.packets import SECOND, Closing, Opening, Stream
from streamer.recording.records import Record
from streamer.settings import Settings
from streamer.tracing.spans import Spans
from streamer.windows import Packet

TICK_SECONDS = 0.02
"""How often a paced session looks for windows that are overdue."""

STOP_TIMEOUT = 2.0

LEAD = PACKETS_WAITING
"""Hops that a stream may be ahead of the next window where nothing paces it: then it waits for the
slowest one, as for any receiver."""


class Analyzer:
    """Analyses from ``start`` on; says ``bye`` in ``stop``.

    ``output`` takes lists of what is to be told and, where a recording is made, of what it was
    told from, as that may be kept: a function, or a method of a Ray actor. ``session_epoch`` counts
    the analyzers that this session has had before. Raises SettingError and AssetError as
    ``live_estimator`` does.
    """

    def __init__(
        self,
        settings: Settings,
        session: str,
        streams: Collection[Stream],
        output: Any,
        session_epoch: int = 0,
        clock: Callable[[], int] = time.monotonic_ns,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._session = session
        self._session_epoch = session_epoch
        self._clock = clock
        self._wall_clock = wall_clock
        torch.set_num_threads(1)
        self._notes: Notes | None = None
        self._made_of: dict[str, str] = {}
        if settings.feed.record is not None:
            self._notes = Notes(words_encoder(settings), settings.feed.transcripts)
            self._made_of = made_of(settings, device_of(settings))
        self._streams = tuple(streams)
        self.spans = Spans(settings.trace.is_wanted)
        self._estimator = live_estimator(settings, self._notes)
        self._analysis = self._new_analysis()
        self._channel: Channel[list[Record]] = channel_to(
            output, settings.paced, "analyzer to feed"
        )
        self._epoch: int | None = None
        self._lock = threading.RLock()
        self._told_more = threading.Condition(self._lock)
        self._failure: Exception | None = None
        self.seen_at: int | None = None
        """When the ticking thread last came by, on the monotonic clock (ns)."""
        self._stopping = threading.Event()
        self._computing = ThreadPoolExecutor(1, "analyzer computes")
        self._ticker = threading.Thread(target=self._tick, name="analyzer ticks", daemon=True)

    def open(self) -> str:
        """What it runs on."""
        return f"QA-MoE on {device_of(self._settings)}"

    def start(self, epoch: int, resumed: bool = False) -> None:
        """Begin: ``epoch`` is the value of the monotonic clock (ns) at session time 0.

        ``resumed``: another one was there before; this one begins with the present hop's window.
        """
        now = self._clock() - epoch
        first_hop = max(now // self._settings.window.hop_ns, 0) if resumed else 0
        envelope = self._envelope(now / SECOND)
        with self._lock:
            if resumed:
                self._analysis = self._new_analysis(first_hop)
            self._analysis.envelope = envelope
            self._epoch = epoch
            if self._notes is not None:
                if resumed:
                    self._notes.take()  # they were for an analysis that has not begun
                opening = Opening(
                    self._session_epoch, envelope.epoch, self._streams, self._made_of, first_hop
                )
                self._channel.put([opening])
        if self._settings.paced:
            self._ticker.start()

    def push(self, packet: Packet) -> None:
        """Take in a packet of any stream and tell what it completes.

        Faster than real time it first waits until the packet is not too far ahead of the others.
        Raises PipelineError where that takes too long.
        """
        with self._lock:
            if not (self._settings.paced or self._is_near(packet)):
                self._wait_for_others(packet)
            self._analysis.add(packet)
            if self._notes is not None:
                self._notes.add(packet)
        self._look()

    def set_controls(self, muted: Collection[Stream], paused: bool) -> None:
        """See Analysis."""
        with self._lock:
            self._analysis.set_controls(muted, paused)

    def set_faults(self, faults: Mapping[Stream, str], given_up: Collection[Stream] = ()) -> None:
        """See Analysis."""
        with self._lock:
            self._analysis.set_faults(faults, given_up)

    def stats(self) -> dict[str, float]:
        """Messages waiting, dropped or failed on their way to the feed, whether all is told:
        ``finished``, and how many steps of the ``retreat`` it has gone down.

        Raises as ``finished`` does.
        """
        finished = float(self.finished())
        return {**self._channel.stats(), "finished": finished, "retreat": self._analysis.steps_down}

    def finished(self) -> bool:
        """Whether all streams have ended and all their windows are told.

        Raises PipelineError where a window could not be analysed or told.
        """
        with self._lock:
            if self._failure is not None:
                raise PipelineError(f"analyzer: {type(self._failure).__name__}: {self._failure}")
            self._channel.check()
            return self._analysis.finished and not self._channel.pending

    def stop(self, reason: str) -> None:
        """Tell the last health message, with state ``bye``; once."""
        with self._lock:
            if self._stopping.is_set():
                return
            self._stopping.set()
            self._told_more.notify_all()
            self._channel.put([self._analysis.bye(reason)])
        self._channel.close(STOP_TIMEOUT)

    def _is_near(self, packet: Packet) -> bool:
        return packet.hop < self._analysis.next_hop + LEAD or self._stopping.is_set()

    def _wait_for_others(self, packet: Packet) -> None:
        if not self._told_more.wait_for(lambda: self._is_near(packet), DELIVERY_TIMEOUT):
            raise PipelineError(
                f"analyzer: for {DELIVERY_TIMEOUT:g} s nothing has come of the slowest stream"
            )

    def _tick(self) -> None:
        try:
            while not self._stopping.wait(TICK_SECONDS):
                self.seen_at = time.monotonic_ns()
                self._look()
        except Exception as error:
            self._failure = error

    def _look(self) -> None:
        """Tell what there is to tell, in the one thread that computes: for every other one that
        ever did, torch and its libraries would hold some 6 MB."""
        self._computing.submit(self._tell).result()

    def _tell(self) -> None:
        with self._lock:
            if self._epoch is not None and not self._stopping.is_set():
                self._tell_ready(self._epoch)
                self._told_more.notify_all()

    def _tell_ready(self, epoch: int) -> None:
        self._analysis.late_dropped = self._channel.lost
        told = list(self._measured(self._analysis.ready(self._clock() - epoch)))
        items: list[Record]
        if self._notes is not None:
            items = [*self._notes.take(), *told]
        else:
            items = [item for item in told if not isinstance(item, Closing)]
        if items:
            self._channel.put(items)

    def _measured(self, told: Iterator[Message | Closing]) -> Iterator[Message | Closing]:
        """The same, with the time that each window's estimate took noted."""
        begun = self.spans.clock()
        for item in told:
            if isinstance(item, SentimentMessage):
                self.spans.add_for(item, "estimate", self._settings.window.hop, begun)
            yield item
            begun = self.spans.clock()

    def _new_analysis(self, first_hop: int = 0) -> Analysis:
        return Analysis(
            self._settings,
            self._streams,
            self._estimator,
            self._envelope(),
            self._wall_clock,
            first_hop,
        )

    def _envelope(self, since: float = 0.0) -> Envelope:
        """``since``: seconds since session time 0."""
        return Envelope(
            self._session,
            self._settings.participant,
            self._wall_clock() - since,
            self._settings.paced,
            self._session_epoch,
        )
