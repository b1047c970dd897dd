"""A session: the actors of one participant on Ray, from readiness to bye."""

import contextlib
import math
import secrets
import threading
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from streamer import cluster
from streamer.clock import SessionClock
from streamer.errors import SettingError, UserError
from streamer.feed.address import check_feed, remove_socket
from streamer.media import probe
from streamer.packets import SECOND, STREAMS, Stream
from streamer.pipeline import Part, Pipeline
from streamer.recording.writer import check_file
from streamer.retreat import ladder
from streamer.settings import Settings
from streamer.signals import held_back
from streamer.supervision import Limits, Vitals
from streamer.supervisor import Supervisor
from streamer.tracing.windows import Work

LEAD_SECONDS = 0.3
"""The epoch lies a little ahead, so that every actor has started by then."""

CAPTURES = ("camera", "microphone")

RETREATING = ("camera", "transcriber")

ESSENTIAL = ("analyzer", "feed")

STOPPED_SECONDS = 0.4
"""Without an answer from a process that the system says is stopped."""

FORGIVEN_SECONDS = 60.0
"""Of good health, after which a restart no longer counts."""

STOP_TIMEOUT = 6.0
PACED_STOP_TIMEOUT = 2.0
"""Live, somebody waits for the end, and little is left to be told."""


class Session:
    """Context manager: entering makes all actors ready, leaving takes everything down.

    Raises what the stages raise, as UserError with one line: SourceError for a device or file,
    AssetError for a model, SettingError, PipelineError where an actor is not ready in time.
    """

    def __init__(self, settings: Settings) -> None:
        """What is plainly wrong is found here, before Ray takes seconds to start."""
        check_feed(settings.feed)
        if settings.feed.record is not None:
            check_file(Path(settings.feed.record), settings.feed.record_overwrite)
        self.streams = streams_of(settings)
        self.name = settings.session or secrets.token_hex(4)
        self.address = ""
        self.descriptions: dict[str, str] = {}
        self.stop_requested = threading.Event()
        self._settings = _absolute(settings)
        self._resources = contextlib.ExitStack()
        self._pipeline: Pipeline | None = None
        self._supervisor: Supervisor | None = None
        self._epoch = 0
        self._muted: frozenset[Stream] = frozenset()
        self._paused = False

    def __enter__(self) -> Self:
        settings = self._settings
        with contextlib.ExitStack() as resources:
            resources.callback(remove_socket, settings.feed.bind)  # of a feed that was killed
            machine = resources.enter_context(cluster.running(settings.ray))
            self._pipeline = Pipeline(parts_of(settings, self.name, self.streams), machine.is_local)
            self.descriptions = self._pipeline.open(settings.ray.readiness_timeout)
            self.address = self.descriptions["feed"]
            self._supervisor = Supervisor(
                self._pipeline,
                dict.fromkeys(self._pipeline.parts, limits_of(settings)),
                self.address,
                self._resumed,
                self.retreat,
                lambda: machine.has_died,
                essential=ESSENTIAL if settings.paced else tuple(self._pipeline.parts),
                spares=settings.paced and settings.supervision.spare,
            )
            self._resources = resources.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with held_back():
            if self._supervisor is not None:
                self._supervisor.stop()
            self._pipeline = self._supervisor = None
            self._resources.close()

    def start(self) -> None:
        """Let the signals flow."""
        pipeline, supervisor = self._entered
        pipeline.call("feed", "start", 0)
        self._epoch = time.monotonic_ns() + round(LEAD_SECONDS * SECOND * self._settings.paced)
        for name in ("analyzer", *CAPTURES):
            if name in pipeline.parts:
                pipeline.call(name, "start", self._epoch)
        supervisor.start()

    def finished(self) -> bool:
        """Whether every source has ended and all is published, as of the last look; never waits.

        Raises PipelineError where the session cannot go on.
        """
        _, supervisor = self._entered
        if supervisor.failure is not None:
            raise supervisor.failure
        return supervisor.finished

    def stop(self, reason: str) -> None:
        """Stop the sources, publish what is there, say bye. Actors that do not answer are left
        out."""
        pipeline, supervisor = self._entered
        supervisor.stop()
        pipeline.leave_out({*pipeline.parts} - {*supervisor.healthy})
        for group in (CAPTURES, ("transcriber",), ("analyzer",), ("feed",)):
            names = [name for name in group if name in supervisor.healthy]
            why = () if group[0] in (*CAPTURES, "transcriber") else (reason,)
            answers = {name: pipeline.ask(name, "stop", *why) for name in names}
            patience = PACED_STOP_TIMEOUT if self._settings.paced else STOP_TIMEOUT
            deadline = time.monotonic() + patience
            for name, answer in answers.items():
                with contextlib.suppress(UserError):
                    cluster.get(name, answer, deadline - time.monotonic())
                    last = pipeline.beat(name)
                    supervisor.hear(name, cluster.get(name, last, deadline - time.monotonic()))

    def set_controls(self, muted: Collection[Stream], paused: bool) -> None:
        """Stop looking at ``muted`` streams, at all of them while ``paused``; without a microphone
        there are no words. An actor that is being replaced hears of it when it is back.

        Raises PipelineError where an actor does not answer.
        """
        pipeline, supervisor = self._entered
        self._muted, self._paused = frozenset(muted), paused
        for name in (*CAPTURES, "analyzer"):
            for call in self._controls(name) if name in supervisor.healthy else ():
                pipeline.call(name, *call)

    @property
    def processes(self) -> dict[str, int]:
        """The number of each actor's process on this machine, as it was heard of last."""
        pipeline, _ = self._entered
        return pipeline.processes

    @property
    def vitals(self) -> dict[str, Vitals]:
        """What is known of each actor; nothing before it has started."""
        return {} if self._supervisor is None else self._supervisor.vitals

    @property
    def epoch(self) -> int:
        """The value of the monotonic clock (ns) at session time 0; 0 before the start."""
        return self._epoch

    def take_work(self) -> list[Work]:
        """What the stages have measured since the last time, where the settings want it."""
        return [] if self._supervisor is None else self._supervisor.take_work()

    def swell(self, name: str, megabytes: int) -> None:
        """Let an actor hold so much more memory: for rehearsing faults."""
        pipeline, _ = self._entered
        pipeline.swell(name, megabytes)

    def retreat(self, steps_down: int) -> None:
        """Let the parts leave out what so many steps down say; the analyzer decides how many."""
        pipeline, supervisor = self._entered
        step = ladder(self._settings, self.streams)[steps_down]
        for name in RETREATING:
            if name in supervisor.healthy:
                pipeline.ask(name, "retreat", step)

    def _controls(self, name: str) -> list[tuple[Any, ...]]:
        """The calls that make a part do as the controls say."""
        silenced = self._muted | {"text"} if "audio" in self._muted else self._muted
        if name == "analyzer":
            return [("set_controls", silenced, self._paused)]
        if name in CAPTURES:
            stream = "vision" if name == "camera" else "audio"
            return [("mute", self._paused or stream in silenced)]
        return []

    def _resumed(self, name: str) -> list[tuple[Any, ...]]:
        _, supervisor = self._entered
        start = ("start", self._epoch, True)
        if name == "feed":
            alone = "analyzer" not in supervisor.healthy and not self._paused
            return [(*start, alone)]
        return [start, *self._controls(name)]

    @property
    def _entered(self) -> tuple[Pipeline, Supervisor]:
        if self._pipeline is None or self._supervisor is None:
            raise RuntimeError("a session has to be entered")
        return self._pipeline, self._supervisor


def parts_of(settings: Settings, name: str, streams: tuple[Stream, ...]) -> Iterator[Part]:
    """The actors that a session of this name needs."""
    clock = SessionClock.now()
    yield Part(
        "feed",
        "actors.feed:Feed",
        (settings, name),
        is_light=True,
        options={"wall_clock": clock},
    )
    yield Part(
        "analyzer",
        "actors.analyzer:Analyzer",
        (settings, name, streams),
        receives="feed",
        wants_gpu=settings.analyzer.device != "cpu",
        options={"wall_clock": clock},
    )
    if "audio" in streams:
        sound: tuple[Stream, ...] = ("text", "audio")
        yield Part("transcriber", "actors.transcriber:Transcriber", (settings,), "analyzer", sound)
        microphone = "actors.microphone:Microphone"
        yield Part("microphone", microphone, (settings,), "transcriber", sound, is_light=True)
    if "vision" in streams:
        yield Part("camera", "actors.camera:Camera", (settings,), "analyzer", ("vision",))


def limits_of(settings: Settings) -> Limits:
    """What each actor is allowed. Faster than real time nobody waits for an answer, and one that
    dies cannot be replaced: the feed would not be the same."""
    allowed = settings.supervision
    return Limits(
        silent=allowed.silent if settings.paced else math.inf,
        stopped=STOPPED_SECONDS if settings.paced else math.inf,
        progress=allowed.progress if settings.paced else math.inf,
        start=settings.ray.readiness_timeout,
        memory=allowed.memory_mb * 2**20,
        restarts=allowed.restarts if settings.paced else 0,
        forgiven=FORGIVEN_SECONDS,
    )


def streams_of(settings: Settings) -> tuple[Stream, ...]:
    """The streams that are on: what the settings want and the source has.

    Raises SettingError where that is none, SourceError for a file that cannot be read.
    """
    hears, sees = settings.microphone.device != "off", settings.camera.device != "off"
    if settings.source.file is not None:
        media = probe(settings.source.file)
        hears, sees = hears and media.has_audio, sees and media.has_video
    on = {"text": hears, "audio": hears, "vision": sees}
    if not (hears or sees):
        raise SettingError("microphone and camera are both off: there is nothing to analyse")
    return tuple(stream for stream in STREAMS if on[stream])


def _absolute(settings: Settings) -> Settings:
    """Actors run in another folder."""
    source, feed = settings.source, settings.feed
    if source.file is not None:
        source = source.model_copy(update={"file": str(Path(source.file).resolve())})
    if feed.record is not None:
        feed = feed.model_copy(update={"record": str(Path(feed.record).absolute())})
    return settings.model_copy(update={"source": source, "feed": feed})
