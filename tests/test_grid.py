"""The grid: every task once, failures and overdue ones set apart, finished ones not run again."""

import time
from pathlib import Path

import numpy as np
import pytest

from models.study.data import Dataset, Split
from models.study.grid import Grid, Outcome, Work
from models.study.store import RunStore, Task
from streamer.settings import RaySettings

CLUSTER = RaySettings(address=None, readiness_timeout=60, object_store_mb=100)
TASKS = [Task("small", model, seed) for model in ("ours", "other") for seed in (1, 2)]


def dataset(name: str) -> Dataset:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(6, 2, 3)).astype(np.float32)
    split = Split(
        {"audio": features},
        {"audio": np.ones((6, 2), np.bool_)},
        np.linspace(-1, 1, 6, dtype=np.float32),
        np.array(list("aabbcc")),
    )
    return Dataset(name, split, split, split, 1.0)


def maker() -> Work:
    """The work as a local function: Ray sends it whole, for its workers do not know the tests."""

    def work(task: Task, data: Dataset) -> Outcome:
        if task.model == "broken":
            raise ValueError("this model is broken")
        if task.model == "endless":
            time.sleep(600)
        total = float(data.test.features["audio"].sum())
        return {"total": total, "nan": float("nan")}, {"labels": data.test.labels}

    return work


def grid(store: RunStore, timeout: float = 120) -> Grid:
    return Grid(maker(), dataset, store, cores=2, task_timeout=timeout, cluster=CLUSTER)


def test_a_store_knows_only_whole_runs_of_its_own_set_up(tmp_path: Path) -> None:
    store = RunStore(tmp_path, {"epochs": 3})
    task = TASKS[0]
    assert not store.has(task)
    store.write(task, *maker()(task, dataset("small")))
    assert store.has(task)
    assert not store.has(TASKS[1])
    assert not RunStore(tmp_path, {"epochs": 4}).has(task)
    run = store.read(task)
    assert run.figures["nan"] is None
    np.testing.assert_array_equal(run.arrays["labels"], dataset("small").test.labels)
    written = tmp_path / f"{task.key}.json"
    assert len(written.read_text().splitlines()) == 1
    written.write_text(written.read_text()[:40])
    assert not store.has(task)


def test_keys_are_unique_file_names() -> None:
    tasks = [*TASKS, Task("small", "ours", 1, "I-a/T"), Task("small", "ours", 1, "I-a/TA")]
    keys = {task.key for task in tasks}
    assert len(keys) == len(tasks)
    assert not any("/" in key or "." in key for key in keys)


@pytest.mark.slow
@pytest.mark.parallel
def test_failures_do_not_stop_the_others_and_a_second_run_only_runs_the_rest(
    tmp_path: Path,
) -> None:
    store = RunStore(tmp_path, {})
    broken = Task("small", "broken", 1)
    seen: list[Task] = []
    failures = grid(store).run([broken, *TASKS], seen.append)
    assert [failure.task for failure in failures] == [broken]
    assert "this model is broken" in failures[0].reason
    assert sorted(seen, key=str) == sorted([broken, *TASKS], key=str)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(before) == 2 * len(TASKS)
    assert grid(store).run(TASKS, seen.append) == []
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


@pytest.mark.slow
@pytest.mark.parallel
def test_an_overdue_task_is_stopped(tmp_path: Path) -> None:
    endless = Task("small", "endless", 1)
    failures = grid(RunStore(tmp_path, {}), timeout=8).run([endless, TASKS[0]], lambda _: None)
    assert [failure.task for failure in failures] == [endless]
    assert "8 s" in failures[0].reason
