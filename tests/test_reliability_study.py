"""The study of reliability: what it plays, and one small run of it from end to end."""

import json
from pathlib import Path

import pytest
import yaml

from models.study.reliability.courses import load
from models.study.reliability.sessions import sessions, tasks
from models.study.reliability.settings import VOICES, load_reliability_settings
from models.study.run import evaluate
from models.training.reliability.people import READERS, SPEAKERS, VIDEOS
from models.training.reliability.rows import KINDS
from streamer.errors import SettingError

PACKAGED = Path("configs/evaluate/reliability.yaml")


def settings_file(folder: Path, **changed: object) -> Path:
    values = yaml.safe_load(PACKAGED.read_text())
    values["sessions"] |= changed
    file = folder / "reliability.yaml"
    file.write_text(yaml.safe_dump(values | {"labelled": None, "noise": None, "cores": 1}))
    return file


def test_nobody_is_fitted_to_and_reported() -> None:
    for of in (SPEAKERS, READERS, VIDEOS):
        assert not set(of["fit"]) & set(of["report"])
    assert not set(SPEAKERS["clean"]) & {*SPEAKERS["fit"], *SPEAKERS["report"]}


def test_every_kind_is_done_to_every_voice_every_face_and_what_is_read() -> None:
    settings = load_reliability_settings(PACKAGED).sessions
    faces = set(sessions(settings).values())
    played = {(task.stream, task.kind, task.group) for task in tasks(settings)}
    voices = settings.speakers
    readers = [voice for voice in voices if voice in READERS["report"]]
    assert {(None, "", voice) for voice in voices} <= played
    for stream, groups in (("audio", voices), ("vision", faces), ("text", readers)):
        wanted = {(stream, kind, group) for kind in KINDS[stream] for group in groups}
        assert wanted == {task for task in played if task[0] == stream}


def test_a_voice_has_the_same_face_whoever_else_takes_part(tmp_path: Path) -> None:
    one = load_reliability_settings(settings_file(tmp_path, speakers=[VOICES[3]]))
    every = load_reliability_settings(settings_file(tmp_path, speakers=list(VOICES)))
    assert sessions(one.sessions)[VOICES[3]] == sessions(every.sessions)[VOICES[3]]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"kinds": ["audio:fog"]}, "audio:fog: must be one of audio:mute"),
        ({"speakers": ["ravdess-01"]}, "ravdess-01: must be one of ravdess-21"),
        ({"severities": [0.5, 1.5]}, "less than or equal to 1"),
        ({"onset": -1}, "greater than 0"),
    ],
)
def test_wrong_settings_are_one_line(tmp_path: Path, changed: dict[str, object], says: str) -> None:
    with pytest.raises(SettingError, match=says):
        load_reliability_settings(settings_file(tmp_path, **changed))


@pytest.mark.slow
@pytest.mark.parallel
def test_a_small_study_plays_keeps_and_reports(data_folder: Path, tmp_path: Path) -> None:
    file = settings_file(
        tmp_path, speakers=["ravdess-21"], kinds=["audio:mute"], severities=[0.5, 1.0]
    )
    out = tmp_path / "study"
    evaluate(file, data_folder, out)
    results = json.loads((out / "results.json").read_text())
    mute = results["levels"]["kinds"]["audio:mute"]
    assert mute["spearman"]["estimate"] < -0.9
    assert "## Targets" in (out / "report.md").read_text()
    kept = sorted((out / "sessions").glob("*.npz"))
    assert [course.severity for file in kept for course in load(file)] == [0.5, 1.0, 0.0]
    before = [file.stat().st_mtime_ns for file in kept]
    evaluate(file, data_folder, out)
    assert [file.stat().st_mtime_ns for file in kept] == before
