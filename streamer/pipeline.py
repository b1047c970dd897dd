"""The actors of a session: who is there, who sends to whom, and how one takes another's place."""

import contextlib
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psutil
import ray

from actors.host import Beat
from streamer import cluster
from streamer.packets import Stream
from streamer.processes import end

CALL_TIMEOUT = 10.0
VANISH_TIMEOUT = 1.0


@dataclass(frozen=True, slots=True)
class Part:
    """One actor: the stage it hosts, with the arguments and options of its constructor, and the
    part that ``receives`` what it sends. Without it, ``streams`` come to nothing. ``is_light``: its
    libraries are loaded soon, and take little memory."""

    name: str
    stage: str
    arguments: tuple[Any, ...]
    receives: str | None = None
    streams: tuple[Stream, ...] = ()
    wants_gpu: bool = False
    is_light: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def module(self) -> str:
        return self.stage.partition(":")[0]


class Pipeline:
    """Starts an actor for every part, in their order; ``local`` says whether their processes are on
    this machine, so that one that hangs can be killed.

    A part's actor may be replaced by another one, which its senders are told of. Spare actors wait
    for that, with what takes time to import imported: one for light parts, one for the others.
    """

    def __init__(self, parts: Iterable[Part], local: bool) -> None:
        self.parts = {part.name: part for part in parts}
        self._local = local
        self._actors = {name: cluster.actor(part.wants_gpu) for name, part in self.parts.items()}
        self._processes: dict[str, psutil.Process] = {}
        self._spares: dict[bool, Any] = {}

    def open(self, timeout: float) -> dict[str, str]:
        """What each part has got hold of. Raises as ``cluster.get``."""
        opening = {name: self._open(name, {}, ()) for name in self.parts}
        deadline = time.monotonic() + timeout
        return {
            name: cluster.get(name, reference, deadline - time.monotonic())
            for name, reference in opening.items()
        }

    def call(self, name: str, *call: Any, timeout: float = CALL_TIMEOUT) -> Any:
        """What the part's method answers. Raises as ``cluster.get``."""
        return cluster.get(name, self.ask(name, *call), timeout)

    def ask(self, name: str, *call: Any) -> Any:
        """The same without waiting: a reference to the answer."""
        return self._actors[name].call.remote(*call)

    def beat(self, name: str) -> Any:
        """A reference to the Beat of the part's actor."""
        return self._actors[name].beat.remote()

    def heard(self, name: str, beat: Beat) -> None:
        """Note which process a beat came from."""
        known = self._processes.get(name)
        if self._local and (known is None or known.pid != beat.pid):
            with contextlib.suppress(psutil.Error):
                self._processes[name] = psutil.Process(beat.pid)

    @property
    def processes(self) -> dict[str, int]:
        """The number of each part's process, where it is on this machine."""
        return {name: process.pid for name, process in self._processes.items()}

    def is_stopped(self, name: str) -> bool:
        """Whether the system reports the part's process as stopped: that no load explains."""
        return self._status(name) in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)

    def has_ended(self, name: str) -> bool:
        """Whether the part's process is gone, or just going; Ray itself notices that up to a
        second later."""
        return self._status(name) in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)

    def _status(self, name: str) -> str:
        """As psutil calls it; empty where the process is not known."""
        process = self._processes.get(name)
        if process is None:
            return ""
        try:
            return str(process.status()) if process.is_running() else psutil.STATUS_DEAD
        except psutil.NoSuchProcess:
            return psutil.STATUS_DEAD
        except psutil.Error:
            return ""

    def swell(self, name: str, megabytes: int) -> None:
        """Let the part's actor hold so much more memory: for rehearsing faults."""
        self._actors[name].swell.remote(megabytes)

    def prepare_spares(self) -> None:
        """Start the spare actors that there are not."""
        for light in {part.is_light for part in self.parts.values()} - {*self._spares}:
            parts = [part for part in self.parts.values() if part.is_light == light]
            self._spares[light] = cluster.actor(any(part.wants_gpu for part in parts))
            self._spares[light].warm_up.remote([part.module for part in parts])

    def discard(self, name: str) -> None:
        """End the part's actor, whatever state it is in."""
        with contextlib.suppress(Exception):  # it may be dead already, and so may Ray
            ray.kill(self._actors[name], no_restart=True)
        process = self._processes.pop(name, None)
        if process is not None:
            end([process], VANISH_TIMEOUT)

    def replace(
        self, name: str, options: Mapping[str, Any], then: Sequence[tuple[Any, ...]]
    ) -> Any:
        """Put another actor in the place of one that was discarded; a reference that is ready when
        it is. ``options`` and ``then``: see actors.host.Host."""
        part = self.parts[name]
        spare = self._spares.pop(part.is_light, None)
        self._actors[name] = cluster.actor(part.wants_gpu) if spare is None else spare
        return self._open(name, options, then)

    def connect(self, name: str) -> None:
        """Tell a part's senders, and the part itself, whom to send to."""
        for part in self.parts.values():
            if part.receives is not None and name in (part.name, part.receives):
                self._actors[part.name].send_to.remote(self._actors[part.receives].push)

    def leave_out(self, names: Collection[str]) -> None:
        """Tell the senders of these parts not to wait for anybody in their places."""
        for part in self.parts.values():
            if part.receives in names:
                self._actors[part.name].send_to.remote(None)

    def _open(self, name: str, options: Mapping[str, Any], then: Sequence[tuple[Any, ...]]) -> Any:
        part = self.parts[name]
        output = None if part.receives is None else self._actors[part.receives].push
        options = {**part.options, **options}
        return self._actors[name].open.remote(part.stage, part.arguments, options, output, then)
