"""Watches the actors of a session and replaces those that die, hang, stand still or swell."""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import ray

from actors.host import Beat
from streamer import cluster
from streamer.errors import PipelineError, UserError
from streamer.logs.event import Event
from streamer.logs.relay import relay
from streamer.packets import Stream
from streamer.pipeline import Part, Pipeline
from streamer.supervision import Limits, Vitals, Watch
from streamer.tracing.windows import Work

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
BEAT_SECONDS = 0.2
ANSWER_TIMEOUT = 1.0
WORK_WAITING = 5000

DIED = "it died"

SESSION_WIDE = ("analyzer", "feed")
"""Parts all of whose messages tell which of them this is."""

Then = Sequence[tuple[Any, ...]]


class Supervisor:
    """Looks at everything ten times a second, from a thread of its own, and never waits for an
    actor.

    ``limits`` for each part; ``address`` is the feed's; ``resume`` gives the calls that follow the
    opening of a part's new actor; ``retreat`` is called with how many steps the analyzer has gone
    down, when that changes and when a part has started anew; without one of the ``essential`` parts
    it is over. ``finished``: all is told that there was to tell. ``failure``: the session cannot go
    on.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        limits: Mapping[str, Limits],
        address: str,
        resume: Callable[[str], Then],
        retreat: Callable[[int], None],
        has_died: Callable[[], bool],
        *,
        essential: Collection[str],
        spares: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.finished = False
        self.failure: UserError | None = None
        self._pipeline = pipeline
        self._limits = limits
        self._address = address
        self._resume = resume
        self._retreat = retreat
        self._steps_down = 0
        self._has_died = has_died
        self._essential = essential
        self._keeps_spares = spares
        self._clock = clock
        self._watches: dict[str, Watch] = {}
        self._answers: dict[str, Any] = {}
        self._beats: dict[str, Beat] = {}
        self._replaced: Counter[str] = Counter()
        self._work: deque[Work] = deque(maxlen=WORK_WAITING)
        self._asked_at = dict.fromkeys(pipeline.parts, 0.0)
        self._session_epoch = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        now = self._clock()
        self._watches = {name: Watch(self._limits[name], now) for name in self._pipeline.parts}
        self._thread.start()

    def stop(self) -> None:
        """Leave the actors to themselves."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(ANSWER_TIMEOUT)

    @property
    def healthy(self) -> list[str]:
        """The parts that are there and answer."""
        return [name for name, watch in self._watches.items() if watch.state == "healthy"]

    @property
    def vitals(self) -> dict[str, Vitals]:
        """What is known of each part's actor."""
        return {name: self._vitals(name, watch) for name, watch in [*self._watches.items()]}

    @property
    def faults(self) -> dict[Stream, str]:
        """The streams that come to nothing because of a part, and why."""
        return {
            stream: _told(part, self._watches[part.name])
            for part in self._pipeline.parts.values()
            for stream in part.streams
            if self._watches[part.name].state != "healthy"
        }

    @property
    def given_up(self) -> tuple[Stream, ...]:
        """Of those, the ones that nothing more will come of."""
        lost = [
            stream
            for part in self._pipeline.parts.values()
            for stream in part.streams
            if self._watches[part.name].state == "given up"
        ]
        return tuple(dict.fromkeys(lost))

    def hear(self, name: str, beat: Beat) -> None:
        """Take in what a part's actor says of itself."""
        self._beats[name] = beat
        relay(beat.lines, name)
        self._work.extend(Work(name, beat.pid, span) for span in beat.spans)

    def take_work(self) -> list[Work]:
        """What the stages have measured since the last time, where they do."""
        return [self._work.popleft() for _ in range(len(self._work))]

    def _vitals(self, name: str, watch: Watch) -> Vitals:
        beat = self._beats.get(name)
        if beat is None:
            return Vitals(watch.state, self._replaced[name])
        return Vitals(watch.state, self._replaced[name], beat.memory, beat.busy, beat.counts)

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                if self._has_died():
                    raise PipelineError("Ray has died: one of its own processes is gone")
                for part in self._pipeline.parts.values():
                    self._find_fault(part)
                for part in self._pipeline.parts.values():
                    self._look_after(part)
                if self._keeps_spares:
                    self._pipeline.prepare_spares()
            except UserError as error:
                self.failure = error
                return
            except Exception as error:
                self.failure = PipelineError(f"supervisor: {type(error).__name__}: {error}")
                return

    def _find_fault(self, part: Part) -> None:
        watch, now = self._watches[part.name], self._clock()
        self._take_answer(part, watch)
        stopped = watch.is_late(now) and self._pipeline.is_stopped(part.name)
        fault = watch.overdue(now, stopped)
        if watch.state == "healthy" and self._pipeline.has_ended(part.name):
            fault = DIED
        if fault is not None:
            self._let_go(part, watch, fault)

    def _look_after(self, part: Part) -> None:
        """Start it anew, or ask how it is."""
        watch, now = self._watches[part.name], self._clock()
        if watch.due(now):
            self._replace(part, watch)
        elif (
            watch.state == "healthy"
            and part.name not in self._answers
            and now - self._asked_at[part.name] >= BEAT_SECONDS
        ):
            self._asked_at[part.name] = now
            self._answers[part.name] = self._pipeline.beat(part.name)

    def _take_answer(self, part: Part, watch: Watch) -> None:
        """Of a beat, or of an opening."""
        answer = self._answers.get(part.name)
        if answer is None or not ray.wait([answer], timeout=0)[0]:
            return
        del self._answers[part.name]
        try:
            told = cluster.get(part.name, answer, ANSWER_TIMEOUT)
        except UserError as error:
            died = isinstance(error, cluster.ActorDiedError)
            self._let_go(part, watch, DIED if died else str(error))
            return
        now = self._clock()
        if watch.state == "starting":
            watch.started(now)
            log.warning(Event("actor replaced", actor=part.name, restarts=watch.restarts))
            self._pipeline.connect(part.name)
            self._tell_faults()
            self._retreat(self._steps_down)
        else:
            self._pipeline.heard(part.name, told)
            self.hear(part.name, told)
            watch.heard(now, told.busy, told.memory)
            if part.name == "analyzer":
                self.finished = bool(told.counts.get("finished"))
                self._follow(int(told.counts.get("retreat", 0)))

    def _follow(self, steps_down: int) -> None:
        if steps_down != self._steps_down:
            self._steps_down = steps_down
            self._retreat(steps_down)

    def _let_go(self, part: Part, watch: Watch, fault: str) -> None:
        self._answers.pop(part.name, None)
        self._beats.pop(part.name, None)
        self._pipeline.discard(part.name)
        watch.failed(self._clock(), fault)
        log.warning(Event("actor failed", actor=part.name, fault=fault, restarts=watch.restarts))
        if watch.state == "given up":
            self._pipeline.leave_out([part.name])
            self._end_where_nothing_is_left(part, watch)
        self._tell_faults()

    def _end_where_nothing_is_left(self, part: Part, watch: Watch) -> None:
        streams = {stream for each in self._pipeline.parts.values() for stream in each.streams}
        if part.name in self._essential or streams == {*self.given_up}:
            again = f", after {watch.restarts} restarts" if watch.restarts else ""
            raise PipelineError(f"{part.name}: {watch.fault}{again}")
        log.error(Event("actor given up", actor=part.name, restarts=watch.restarts))

    def _replace(self, part: Part, watch: Watch) -> None:
        options: dict[str, Any] = {}
        if part.name in SESSION_WIDE:
            self._session_epoch += 1
            options["session_epoch"] = self._session_epoch
        if part.name == "feed":
            options["bind"] = self._address
        then = list(self._resume(part.name))
        if part.name == "analyzer":
            then.append(("set_faults", self.faults, self.given_up))
        watch.starting(self._clock())
        self._replaced[part.name] += 1
        self._answers[part.name] = self._pipeline.replace(part.name, options, then)

    def _tell_faults(self) -> None:
        if self._watches["analyzer"].state == "healthy":
            self._pipeline.ask("analyzer", "set_faults", self.faults, self.given_up)


def _told(part: Part, watch: Watch) -> str:
    if watch.state == "given up":
        return f"{part.name} given up after {watch.restarts} restarts: {watch.fault}"
    return f"{part.name} restarts: {watch.fault}"
