"""Tasks side by side on Ray, a bounded number at a time, each in a process with one thread."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.study.data import Dataset
from models.study.store import Arrays, RunStore, Task
from streamer import cluster
from streamer.settings import RaySettings

Outcome = tuple[Mapping[str, Any], Arrays]
"""Figures and arrays of one task."""

Work = Callable[[Task, Dataset], Outcome]

POLL = 1.0
"""Seconds after which overdue tasks are looked for."""


@dataclass(frozen=True)
class Failure:
    """A task that did not come to its end, and why, in one line."""

    task: Task
    reason: str


@dataclass(frozen=True)
class Grid:
    """``work`` runs in a process of its own; ``load`` gives it the data set of a name. ``cores``
    tasks run at a time, and one that takes more than ``task_timeout`` seconds is stopped."""

    work: Work
    load: Callable[[str], Dataset]
    store: RunStore
    cores: int
    task_timeout: float
    cluster: RaySettings
    clock: Callable[[], float] = time.monotonic

    def run(self, tasks: Sequence[Task], done: Callable[[Task], None]) -> list[Failure]:
        """Runs the ``tasks`` that the store does not have, and stores each at its end.

        Tasks of one data set should stand together: it is loaded once for all of them. ``done`` is
        called for each task, also if it was there or fails; a failure does not stop the others.
        Raises PipelineError where Ray does not start, and whatever ``load`` raises.
        """
        finished = [task for task in tasks if self.store.has(task)]
        for task in finished:
            done(task)
        waiting = deque(task for task in tasks if task not in set(finished))
        if not waiting:
            return []
        with cluster.running(self.cluster):
            return self._run(waiting, done)

    def _run(self, waiting: deque[Task], done: Callable[[Task], None]) -> list[Failure]:
        import ray  # only now: it reads its environment, which streamer.cluster sets, once

        start = ray.remote(self.work).options(num_cpus=0, max_retries=0)
        running: dict[Any, tuple[Task, float]] = {}
        failures = []
        dataset: tuple[str, Any] = "", None
        while waiting or running:
            while waiting and len(running) < self.cores:
                task = waiting.popleft()
                if dataset[0] != task.dataset:
                    # All workers share this one copy; Ray drops it after its last task.
                    dataset = task.dataset, ray.put(self.load(task.dataset))
                deadline = self.clock() + self.task_timeout
                running[start.remote(task, dataset[1])] = task, deadline
            ready, _ = ray.wait(list(running), timeout=POLL)
            overdue = [ref for ref, (_, deadline) in running.items() if self.clock() > deadline]
            for reference in dict.fromkeys([*ready, *overdue]):
                task, _ = running.pop(reference)
                reason = self._collect(task, reference, reference in ready)
                failures += [Failure(task, reason)] if reason else []
                done(task)
        return failures

    def _collect(self, task: Task, reference: Any, ready: bool) -> str | None:
        """Stores the outcome; or why there is none."""
        import ray
        from ray.exceptions import RayError

        if not ready:
            ray.cancel(reference, force=True)
            return f"took longer than {self.task_timeout:g} s"
        try:
            self.store.write(task, *ray.get(reference, timeout=self.task_timeout))
        except RayError as error:
            return (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()
        return None
