"""The study itself: settings, the mixed test set, one task, and the quick run end to end."""

import json
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import yaml

from models.study.mixture import apply, mixed_condition
from models.study.protocols import conditions, deviations
from models.study.run import evaluate
from models.study.settings import Exceptions, load_study_settings
from models.study.speed import speed
from models.study.store import Task
from models.study.tasks import PERMUTED_UNDER, perform, study_tasks
from models.study.trainer import Budget
from models.study.variants import MODELS
from streamer.errors import SettingError
from streamer.packets import STREAMS
from tests.report_fixtures import CONFIG, NAME, dataset, study_settings
from tests.test_community import make_content, write

TINY = Budget(epochs=1, least_steps=3, batch=16, validations=1, patience=1, width=8)


@pytest.mark.parametrize("quick", [False, True])
def test_shipped_settings_name_models_that_exist(quick: bool) -> None:
    settings = load_study_settings(CONFIG, quick)
    named = [*settings.models, *settings.permuted, *settings.sensitivity.models.values()]
    assert set(named) <= set(MODELS)
    assert set(settings.permuted) <= set(settings.models)
    assert (len(settings.seeds) >= 5) is not quick


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("seeds", [], "seeds"),
        ("colour", "red", "colour"),
        ("budget", {"epochs": "many"}, "budget.epochs"),
        ("budget", {"epoch": 3}, "budget"),
        ("severities", [0.5, 3.0], "severities.1"),
        ("datasets", ["mosi", "mossi"], "mossi"),
        ("permuted", ["hours"], "hours"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, key: str, value: object, says: str) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(CONFIG.read_text()) | {key: value}))
    with pytest.raises(SettingError, match=says) as raised:
        load_study_settings(file)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["- a\n- b\n", "a: [", ""])
def test_settings_that_are_no_mapping_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(text)
    with pytest.raises(SettingError, match=r"study\.yaml"):
        load_study_settings(file)


def test_tasks_are_unique_and_those_of_a_data_set_stand_together() -> None:
    settings = load_study_settings(CONFIG)
    tasks = study_tasks(settings)
    assert len(set(tasks)) == len(tasks) == len({task.key for task in tasks})
    order = [task.dataset for task in tasks]
    changes = sum(here != after for here, after in pairwise(order))
    assert changes == len(settings.datasets) - 1


def test_exceptions_hold_on_their_data_set_alone() -> None:
    exception = Exceptions(models=["concat"], epochs=3, validations=2)
    settings = study_settings(datasets=["a", "b"], exceptions={"b": exception}, seeds=[1])
    tasks = study_tasks(settings)
    assert [task.model for task in tasks if task.dataset == "b"] == ["concat"]
    assert [task.model for task in tasks if task.dataset == "a"] == settings.models
    assert settings.budget_on("b") == replace(settings.budget, epochs=3, validations=2)
    assert settings.budget_on("a") == settings.budget


def test_in_the_mixed_set_each_sample_has_one_bad_stream() -> None:
    data = dataset()
    deviation = deviations(data.train)
    mixed = apply(data.test, mixed_condition(1.0, STREAMS), deviation, 7)
    levels = np.stack([mixed.severity[m] for m in STREAMS], axis=1)
    assert (levels.sum(axis=1) == 1).all()
    for i, stream in enumerate(STREAMS):
        assert (levels[i::3, i] == 1).all()
        (alone,) = conditions(f"one:{stream}:1.0", STREAMS)
        same = apply(data.test, alone, deviation, 7).split
        for m in STREAMS:
            np.testing.assert_array_equal(
                mixed.split.features[m][i::3], same.features[m][i::3], strict=True
            )
    again = apply(data.test, mixed_condition(1.0, STREAMS), deviation, 7)
    np.testing.assert_array_equal(again.split.features["audio"], mixed.split.features["audio"])


@pytest.mark.slow
@pytest.mark.parallel
def test_one_task_measures_every_condition_and_permutes_only_some() -> None:
    settings = study_settings(budget=TINY)
    figures, arrays = perform(Task(NAME, "ours", 1), dataset(), settings)
    assert arrays["errors"].shape == (len(figures["conditions"]), len(dataset().test))
    assert {c["protocol"] for c in figures["permuted"]["conditions"]} == set(PERMUTED_UNDER)
    _, again = perform(Task(NAME, "ours", 1), dataset(), settings)
    assert all(np.array_equal(again[name], array) for name, array in arrays.items())


@pytest.mark.slow
@pytest.mark.parallel
def test_a_specialist_is_measured_under_its_own_condition_alone() -> None:
    settings = study_settings(budget=TINY)
    figures, _ = perform(Task(NAME, "ours", 1, "I-a/text"), dataset(), settings)
    assert [c["name"] for c in figures["conditions"]] == ["text"]
    with pytest.raises(SettingError, match="I-a/smell"):
        perform(Task(NAME, "ours", 1, "I-a/smell"), dataset(), settings)


def test_speed_is_measured_at_one_and_at_a_batch() -> None:
    ticks = iter(range(10_000))
    found = speed(["ours", "mult"], dataset(), 8, 2, clock=lambda: float(next(ticks)))
    assert found["batch"] == 64
    assert found["models"]["mult"]["windows_per_second"] == 64
    assert found["models"]["ours"]["window_ms"] == 1000


@pytest.mark.slow
@pytest.mark.parallel
def test_a_study_of_the_fields_own_pickle(tmp_path: Path) -> None:
    pickle = write(tmp_path, make_content(aligned=False))
    values = yaml.safe_load(CONFIG.read_text()) | {
        "datasets": ["theirs"],
        "pickles": {"theirs": str(pickle)},
        "seeds": [1],
        "roles": {"ours": "ours", "oracle": "oracle", "paper": "paper", "controls": ["concat"],
                  "others": []},
        "permuted": [],
        "severities": [0.5],
        "specialists": {"datasets": ["theirs"], "conditions": ["I-a/text+audio"]},
        "sensitivity": {"datasets": [], "models": {}},
        "budget": asdict(TINY),
        "exceptions": {},
        "speed": {"dataset": "theirs", "repeats": 1},
    }  # fmt: skip
    file = tmp_path / "study.yaml"
    file.write_text(yaml.safe_dump(values))
    evaluate(file, tmp_path, tmp_path / "out")
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    figures = results["datasets"]["theirs"]
    assert set(figures["models"]) == {"ours", "oracle", "paper", "concat"}
    assert list(figures["specialists"]) == ["I-a/text+audio"]
    assert figures["models"]["ours"]["accuracy"]["III"]["spread"] is None
    assert "acc7" in figures["models"]["ours"]["metrics"][0]


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.long
def test_the_quick_study_leaves_figures_report_and_pictures(
    data_folder: Path, tmp_path: Path
) -> None:
    evaluate(CONFIG, data_folder, tmp_path, quick=True)
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["failures"] == []
    (figures,) = results["datasets"].values()
    settings = load_study_settings(CONFIG, quick=True)
    assert set(settings.models) <= set(figures["models"])
    assert len(figures["specialists"]) == len(settings.specialists.conditions)
    page = (tmp_path / "report.md").read_text()
    for picture in tmp_path.glob("*.png"):
        assert f"({picture.name})" in page
    finished = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").iterdir()}
    evaluate(CONFIG, data_folder, tmp_path, quick=True)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").iterdir()} == finished
    assert json.loads((tmp_path / "results.json").read_text())["datasets"] == results["datasets"]
