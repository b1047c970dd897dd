"""A whole study: trainings, figures, report and pictures."""

import json
from pathlib import Path
from typing import Any

from models.study import datasets
from models.study.community import load_pickle
from models.study.data import Dataset
from models.study.grid import Grid, Outcome
from models.study.plots import draw
from models.study.progress import progress
from models.study.reliability.run import evaluate_reliability
from models.study.report import markdown
from models.study.settings import load_study_settings
from models.study.speed import speed
from models.study.store import RunStore, Task, plain
from models.study.summary import summarise
from models.study.tasks import perform, setup, study_tasks
from streamer.errors import PipelineError
from streamer.setting_files import read_settings
from streamer.settings import RaySettings


def evaluate(config: Path, data: Path, out: Path, quick: bool = False) -> None:
    """Runs the study that ``config`` describes on the research data in ``data``, that of
    reliability where it says so; ``quick`` cuts it down to minutes, as configs/evaluate/quick.yaml
    or reliability-quick.yaml say.

    Writes results.json, report.md and pictures into ``out``, and each finished training into
    ``out/runs``; what is there from an earlier call is not trained again.
    Raises SettingError or SourceError where config or data cannot be used, PipelineError, after the
    report is written, where a training failed.
    """
    if read_settings(config).get("study") == "reliability":
        evaluate_reliability(config, data, out, quick)
        return
    settings = load_study_settings(config, quick)
    store = RunStore(out / "runs", setup(settings))
    tasks = study_tasks(settings)

    def work(task: Task, dataset: Dataset) -> Outcome:
        return perform(task, dataset, settings)

    def load(name: str) -> Dataset:
        if name in settings.pickles:
            return load_pickle(data / settings.pickles[name], name)
        return datasets.load(name, data)

    grid = Grid(
        work,
        load,
        store,
        cores=settings.grid.cores,
        task_timeout=settings.grid.task_timeout,
        cluster=RaySettings(
            address=None,
            readiness_timeout=settings.grid.readiness_timeout,
            object_store_mb=settings.grid.object_store_mb,
        ),
    )
    with progress() as shown:
        bar = shown.add_task("trainings", total=len(tasks))
        failures = grid.run(tasks, lambda _: shown.advance(bar))
    # Only now, when nothing else runs.
    times = speed(
        settings.models, load(settings.speed.dataset), settings.budget.width, settings.speed.repeats
    )
    results = plain(
        summarise([store.read(t) for t in tasks if store.has(t)], failures, times, settings)
    )
    write(results, out)
    if failures:
        first = failures[0]
        raise PipelineError(
            f"{len(failures)} of {len(tasks)} trainings failed, the first {first.task.key}: "
            f"{first.reason}; run again to try them anew"
        )


def write(results: dict[str, Any], out: Path) -> None:
    """results.json, and what is made from it alone: report.md and the pictures."""
    (out / "results.json").write_text(json.dumps(results, indent=1, allow_nan=False) + "\n")
    (out / "report.md").write_text(markdown(results, draw(results, out)))
