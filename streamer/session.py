"""A session: the actors of one participant on Ray, from readiness to bye."""

import contextlib
import secrets
import threading
import time
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from streamer import cluster
from streamer.errors import SettingError, UserError
from streamer.feed.address import check_bind
from streamer.feed.keys import server_keys
from streamer.media import probe
from streamer.packets import SECOND, STREAMS, Stream
from streamer.recording.writer import check_file
from streamer.settings import Settings

LEAD_SECONDS = 0.3
"""The epoch lies a little ahead, so that every actor has started by then."""

CAPTURES = ("camera", "microphone")

CALL_TIMEOUT = 10.0
STOP_TIMEOUT = 6.0


class Session:
    """Context manager: entering makes all actors ready, leaving takes everything down.

    Raises what the stages raise, as UserError with one line: SourceError for a device or file,
    AssetError for a model, SettingError, PipelineError where an actor is not ready in time.
    """

    def __init__(self, settings: Settings) -> None:
        """What is plainly wrong is found here, before Ray takes seconds to start."""
        check_bind(settings.feed.bind, locked=settings.feed.keys is not None)
        if settings.feed.keys is not None:
            server_keys(settings.feed.keys)
        if settings.feed.record is not None:
            check_file(Path(settings.feed.record), settings.feed.record_overwrite)
        self.streams = streams_of(settings)
        self.name = settings.session or secrets.token_hex(4)
        self.address = ""
        self.descriptions: dict[str, str] = {}
        self._settings = _absolute(settings)
        self._actors: dict[str, Any] = {}
        self._resources = contextlib.ExitStack()
        self.stop_requested = threading.Event()
        self._muted: frozenset[Stream] = frozenset()
        self._paused = False

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as resources:
            resources.enter_context(cluster.running(self._settings.ray))
            self._build()
            self._open()
            self._resources = resources.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._actors.clear()
        self._resources.close()

    def start(self) -> None:
        """Let the signals flow."""
        self._call("feed", "start")
        epoch = time.monotonic_ns() + round(LEAD_SECONDS * SECOND * self._settings.paced)
        for name in ("analyzer", *CAPTURES):
            if name in self._actors:
                self._call(name, "start", epoch)

    def finished(self) -> bool:
        """Whether every source has ended and all is published.

        Raises PipelineError where an actor has died or a source has broken off.
        """
        self.stats()
        return bool(self._call("analyzer", "finished"))

    def stats(self) -> dict[str, dict[str, float]]:
        """What each actor counts."""
        return {name: self._call(name, "stats") for name in self._actors if name != "analyzer"}

    def stop(self, reason: str) -> None:
        """Stop the sources, publish what is there, say bye. A dead actor does not stop this."""
        for name in (*CAPTURES, "transcriber", "analyzer", "feed"):
            if name in self._actors:
                why = () if name in (*CAPTURES, "transcriber") else (reason,)
                with contextlib.suppress(UserError):
                    self._call(name, "stop", *why, timeout=STOP_TIMEOUT)

    def set_controls(self, muted: Collection[Stream], paused: bool) -> None:
        """Stop looking at ``muted`` streams, at all of them while ``paused``; without a microphone
        there are no words. Raises PipelineError where an actor does not answer."""
        silenced = {*muted, "text"} if "audio" in muted else set(muted)
        for name, stream in zip(CAPTURES, ("vision", "audio"), strict=True):
            if name in self._actors:
                self._call(name, "mute", paused or stream in silenced)
        self._call("analyzer", "set_controls", frozenset(silenced), paused)
        self._muted, self._paused = frozenset(muted), paused

    def _build(self) -> None:
        settings = self._settings
        feed = self._actor("feed", "actors.feed:Feed", settings, self.name)
        analyzer = self._actor(
            "analyzer", "actors.analyzer:Analyzer", settings, self.name, self.streams, feed.push
        )
        if "audio" in self.streams:
            transcriber = self._actor(
                "transcriber", "actors.transcriber:Transcriber", settings, analyzer.push
            )
            self._actor("microphone", "actors.microphone:Microphone", settings, transcriber.push)
        if "vision" in self.streams:
            self._actor("camera", "actors.camera:Camera", settings, analyzer.push)

    def _actor(self, name: str, stage: str, *arguments: Any) -> Any:
        wants_gpu = name == "analyzer" and self._settings.analyzer.device != "cpu"
        handle = cluster.actor(wants_gpu, stage, *arguments)
        self._actors[name] = handle
        return handle

    def _open(self) -> None:
        opening = {name: handle.open.remote() for name, handle in self._actors.items()}
        deadline = time.monotonic() + self._settings.ray.readiness_timeout
        for name, reference in opening.items():
            self.descriptions[name] = cluster.get(name, reference, deadline - time.monotonic())
        self.address = self.descriptions["feed"]

    def _call(self, name: str, *call: Any, timeout: float = CALL_TIMEOUT) -> Any:
        return cluster.get(name, self._actors[name].call.remote(*call), timeout)


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
