"""The Ray actor that every stage of the pipeline lives in."""

import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil

from actors.heap import Heap
from actors.outlet import Outlet
from streamer.errors import PipelineError
from streamer.logs.event import Line
from streamer.logs.relay import Relay
from streamer.tracing.spans import Span

Floats64 = npt.NDArray[np.float64]

SPARE_NICENESS = 10
"""By so much a spare is nicer while it loads: else these seconds of a processor make live sound
late."""


@dataclass(frozen=True, slots=True)
class Beat:
    """What a host says of itself when it is asked.

    ``memory`` is resident, in bytes; ``busy`` the seconds for which its stage has been at one and
    the same piece of work; ``counts`` what the stage counts; ``lines`` what its process has logged
    since the last one, ``spans`` what its stage has measured.
    """

    pid: int
    memory: int
    busy: float = 0.0
    counts: Mapping[str, float] = field(default_factory=dict)
    lines: tuple[Line, ...] = ()
    spans: tuple[Span, ...] = ()


class Host:
    """Holds one stage, from ``open`` on; without one it is a spare.

    The stage is not built in the constructor, so its heavy libraries are imported in the actor's
    process alone, and what goes wrong comes back to the caller as the error it is, not as the death
    of an actor.
    """

    def __init__(self) -> None:
        self._stage: Any = None
        self._outlet = Outlet()
        self._taking: dict[int, int] = {}
        self._heap = Heap()
        self._ballast: Floats64 | None = None
        self._log = Relay()
        self._log.install()

    def warm_up(self, modules: Sequence[str]) -> int:
        """Import what a stage may need one day, in its own time. Its process's number."""
        with ThreadPoolExecutor(1, initializer=_give_way) as loading:
            list(loading.map(import_module, modules))
        return os.getpid()

    def open(
        self,
        stage: str,
        arguments: Sequence[Any],
        options: Mapping[str, Any],
        output: Any = None,
        then: Sequence[tuple[Any, ...]] = (),
    ) -> str:
        """Build and open the stage; one line that says what it has got hold of.

        ``stage`` is "module:class"; ``arguments`` and ``options`` are those of its constructor,
        which gets a function as its last argument where there is an ``output`` (a method of an
        actor). ``then`` are calls of its methods that follow.
        """
        module, _, name = stage.partition(":")
        self.send_to(output)
        outlet = () if output is None else (self._outlet.deliver,)
        built = getattr(import_module(module), name)(*arguments, *outlet, **options)
        description = str(built.open())
        for method, *values in then:
            getattr(built, method)(*values)
        self._stage = built
        return description

    def send_to(self, output: Any) -> None:
        """From now on the stage's packets go to ``output``; None: to nobody."""
        self._outlet.connect(output)

    def push(self, packet: Any) -> None:
        """Hand a packet to the stage; returns when the stage has taken it."""
        if self._stage is None:
            raise PipelineError("it is not open yet")
        me = threading.get_ident()
        self._taking[me] = time.monotonic_ns()
        try:
            self._stage.push(packet)
        finally:
            del self._taking[me]

    def call(self, method: str, *arguments: Any) -> Any:
        """Call any other method of the stage."""
        return getattr(self._stage, method)(*arguments)

    def beat(self) -> Beat:
        """That it lives, and how. Raises what the stage's ``stats`` raises where it is broken."""
        self._heap.tidy()
        memory = psutil.Process().memory_info().rss
        if self._stage is None:
            return Beat(os.getpid(), memory)
        since = [*self._taking.values()]
        if (seen := getattr(self._stage, "seen_at", None)) is not None:
            since.append(seen)
        busy = (time.monotonic_ns() - min(since)) / 1e9 if since else 0.0
        counts = self._stage.stats()
        spans = getattr(self._stage, "spans", None)
        measured = () if spans is None else spans.fetch()
        return Beat(os.getpid(), memory, busy, counts, self._log.fetch(), measured)

    def swell(self, megabytes: int) -> None:
        """Hold that much more memory, as a leak would: for rehearsing faults."""
        self._ballast = np.ones(megabytes * 2**17)


def _give_way() -> None:
    """Let the other threads of this machine go first; on Linux niceness is a thread's own."""
    if sys.platform == "linux":
        os.nice(SPARE_NICENESS)
