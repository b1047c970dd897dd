"""A whole study of reliability: sessions, figures, report and pictures."""

import hashlib
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib import resources
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models import checkpoint
from models.checkpoint_files import FUSION, checkpoint_folder
from models.features.definition import definition_hash
from models.study.progress import progress
from models.study.reliability.courses import Course, load, save
from models.study.reliability.invented import measured
from models.study.reliability.labelled import labelled
from models.study.reliability.report import write
from models.study.reliability.sessions import Player, Task, tasks
from models.study.reliability.settings import ReliabilityStudySettings, load_reliability_settings
from models.study.reliability.summary import summarise
from models.training.reliability.clips import Clips, Readers
from models.training.reliability.stage import Stage
from streamer.packets import STREAMS
from streamer.settings import Settings, load_settings
from streamer.signals import heed


def evaluate_reliability(config: Path, data: Path, out: Path, quick: bool = False) -> None:
    """Runs the study that ``config`` describes on the research data in ``data``.

    Writes results.json, report.md and pictures into ``out``, and what was published through each
    session into ``out/sessions``; what is there from an earlier call is not played again.
    Raises SettingError, SourceError or AssetError where config, data or models cannot be used.
    """
    settings = load_reliability_settings(config, quick)
    courses = played(settings, data, out / "sessions")
    live = _live()
    results = summarise(
        courses,
        window=live.window.length,
        hop=live.window.hop,
        bootstrap=settings.bootstrap,
        labelled=errors(settings, data),
        invented=None if settings.noise is None else invented(data, settings.noise.stride),
    )
    write(results, courses, out)


def played(settings: ReliabilityStudySettings, data: Path, folder: Path) -> list[Course]:
    """The courses of all tasks, played side by side and kept in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    waiting = tasks(settings.sessions)
    files = {task: folder / f"{task.key}-{_setup(settings)}.npz" for task in waiting}
    with (
        progress() as shown,
        ProcessPoolExecutor(
            settings.cores, get_context("spawn"), _begin, (settings, data)
        ) as pool,
    ):  # fmt: skip
        bar = shown.add_task("sessions", total=len(waiting))
        left = {pool.submit(_play, task): task for task in waiting if not files[task].exists()}
        shown.advance(bar, len(waiting) - len(left))
        for future in as_completed(left):
            save(future.result(), files[left[future]])
            shown.advance(bar)
    return [course for task in waiting for course in load(files[task])]


def errors(settings: ReliabilityStudySettings, data: Path) -> dict[str, Any] | None:
    """Errors against labels on damaged pairs, where they are asked for."""
    if settings.labelled is None:
        return None
    torch.set_num_threads(1)
    stage = Stage.load(_live())
    rng = np.random.default_rng(settings.bootstrap.seed)
    counts = dict.fromkeys(STREAMS, settings.labelled.clips)
    clips = Clips(data, counts, Readers.of(stage), rng, "test")
    compared = settings.labelled.control
    control = None
    if compared is not None:
        features = definition_hash(checkpoint_folder(stage.settings))
        control = checkpoint.load(compared, features=features)
    return labelled(clips, stage.network, settings.labelled.pairs, settings, control)


def invented(data: Path, stride: int) -> dict[str, dict[str, Any]]:
    """Shares of windows, in per cent, in which words take part that nobody spoke."""
    return {
        name: {
            "windows": row["windows"],
            "recordings": row["sources"],
            "Whisper's words as they are, %": 100 * row["bare"]["used"],
            "Whisper's limits, %": 100 * row["limits"]["used"],
            "guard, %": {
                "estimate": 100 * row["guard"]["used"],
                "low": 100 * row["guard"]["interval"][0],
                "high": 100 * row["guard"]["interval"][1],
            },
        }
        for name, row in measured(data, stride).items()
    }


class _Worker:
    """What a process keeps between tasks."""

    player: Player


def _begin(settings: ReliabilityStudySettings, data: Path) -> None:
    heed()
    torch.set_num_threads(1)
    _Worker.player = Player(settings.sessions, data, Stage.load(_live()))


def _play(task: Task) -> list[Course]:
    return _Worker.player.play(task)


def _live() -> Settings:
    """Of a session that is not paced."""
    return load_settings(options={"source.file": "session", "source.speed": "max"})


def _setup(settings: ReliabilityStudySettings) -> str:
    """Changes with what a session depends on: its settings and the live ones, ramps, features and
    weights."""
    live = load_settings()
    folder = checkpoint_folder(live)
    ramps = resources.files("models.reliability").joinpath("fitted.json").read_text()
    network = hashlib.sha256((folder / FUSION).read_bytes()).hexdigest()
    parts = (
        settings.sessions.model_dump_json(exclude={"speakers", "kinds"}),
        live.model_dump_json(), ramps, definition_hash(folder), network,
    )  # fmt: skip
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:8]
