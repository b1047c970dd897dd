"""From finished runs to figures, targets, report and pictures: what is known comes out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.study.grid import Failure
from models.study.report import markdown
from models.study.results import over_seeds
from models.study.run import write
from models.study.settings import StudySettings
from models.study.store import Task, plain
from models.study.summary import summarise
from models.study.tables import PROTOCOLS, table
from tests.report_fixtures import NAME, SPEED, run, study_settings, weighing

MODELS: dict[str, Callable[[Any], Any]] = {
    "ours": lambda severity: np.exp(-2 * severity),
    "oracle": lambda severity: np.exp(-2 * severity),
    "paper": lambda severity: np.exp(-0.05 * severity),
    "concat": np.ones_like,
    "mult": np.ones_like,
}


pytestmark = [pytest.mark.slow, pytest.mark.parallel]


@pytest.fixture(scope="module")
def settings() -> StudySettings:
    return study_settings()


@pytest.fixture(scope="module")
def results(settings: StudySettings) -> dict[str, Any]:
    runs = [
        run(Task(NAME, model, seed), weighing(trust, seed), settings, weighing(trust, seed, True))
        for model, trust in MODELS.items()
        for seed in settings.seeds
    ]
    runs += [
        run(Task(NAME, "ours", seed, "II/0.5"), weighing(MODELS["ours"], seed + 10), settings)
        for seed in settings.seeds
    ]
    failed = [Failure(Task(NAME, "late", 1), "out of | memory")]
    found: dict[str, Any] = plain(summarise(runs, failed, SPEED, settings))
    return found


def test_truth_of_reliability(results: dict[str, Any]) -> None:
    models = results["datasets"][NAME]["models"]
    for stream in ("text", "audio", "vision"):
        assert models["ours"]["truth"]["spearman"][stream] < -0.95
        assert models["ours"]["truth"]["largest_fall"][stream]["0.5"] == 1
    assert models["concat"]["truth"]["spearman"]["audio"] is None
    assert models["oracle"]["truth"]["foretells"]["audio"]["levels"] > 0.5


def test_a_model_that_weighs_by_the_noise_leads_where_streams_differ(
    results: dict[str, Any],
) -> None:
    lead = results["datasets"][NAME]["lead"]["concat"]["error"]
    assert lead["one"]["low"] > 0
    assert lead["clean"]["low"] <= 1e-6


def test_other_samples_reliability_only_hurts_a_model_that_uses_it(
    results: dict[str, Any],
) -> None:
    permuted = results["datasets"][NAME]["permuted"]
    strong = permuted["ours"]["mixed/2"]["error"]["lead"]
    assert strong["low"] > 0
    assert permuted["paper"]["mixed/2"]["error"]["lead"]["estimate"] < strong["estimate"] / 2
    assert permuted["ours"]["II/0.5"]["error"]["lead"]["estimate"] == pytest.approx(0, abs=0.02)


def test_what_has_nothing_left_counts_apart(results: dict[str, Any]) -> None:
    figures = results["datasets"][NAME]
    for model in figures["models"].values():
        whole, left = model["accuracy"], model["left"]
        assert left["clean"] == whole["clean"]
        assert left["II"] == whole["II"]
        assert left["III"]["estimate"] != whole["III"]["estimate"]
    ours = figures["models"]["ours"]
    # This model says 0, not negative, of a sample with nothing left, right in about a half.
    assert ours["left"]["III"]["estimate"] > ours["accuracy"]["III"]["estimate"]
    assert set(ours["below_left"]["majority"]) <= set(ours["below"]["majority"])


def test_leads_and_targets_follow_from_the_runs(results: dict[str, Any]) -> None:
    targets = {target["aim"]: target for target in results["targets"]}
    figures = results["datasets"][NAME]
    truth = next(t for aim, t in targets.items() if aim.startswith("Spearman"))
    assert truth["met"] is True
    assert "paper" in truth["figure"]
    special = next(t for aim, t in targets.items() if "each specialist" in aim)
    assert special["met"] is not None
    used = next(t for aim, t in targets.items() if aim.startswith("permuting r"))
    assert used["met"] is (
        figures["permuted"]["ours"]["mixed/0.5"]["accuracy"]["lead"]["estimate"] >= 0.03
    )
    assert figures["lead"]["oracle"]["accuracy"]["III"] == {"estimate": 0, "low": 0, "high": 0}
    assert figures["oracle_lead"]["concat"] == figures["lead"]["concat"]


def test_every_protocol_has_a_table_of_its_own(results: dict[str, Any]) -> None:
    page = markdown(
        results, {NAME: [f"{NAME}-landscape.png"], f"{NAME}-2": ["other-landscape.png"]}
    )
    titles = ["Clean", *PROTOCOLS.values(), "Protocol III: the landscape"]
    assert [page.count(f"### {title}") for title in titles] == [1] * len(titles)
    assert "out of \\| memory" in page
    assert f"![{NAME}-landscape.png]({NAME}-landscape.png)" in page
    assert "other-landscape" not in page
    shares = next(line for line in page.splitlines() if line.startswith("| share"))
    assert shares.count("%") == 8


def test_figures_of_the_page_are_those_of_the_results(results: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(results))
    accuracy = changed["datasets"][NAME]["models"]["concat"]["accuracy"]
    accuracy["III"] |= {"estimate": 0.1234, "low": 0.1111, "high": 0.2222}
    assert "12.3 [11.1, 22.2]" in markdown(changed, {})
    assert "12.3 [11.1, 22.2]" not in markdown(results, {})


def test_pictures_and_page_are_written_from_the_file_alone(
    results: dict[str, Any], tmp_path: Path
) -> None:
    write(json.loads(json.dumps(results)), tmp_path)
    page = (tmp_path / "report.md").read_text()
    pictures = sorted(path.name for path in tmp_path.glob("*.png"))
    assert f"{NAME}-landscape.png" in pictures
    assert all(f"({name})" in page for name in pictures)


def test_means_over_seeds_leave_out_what_is_not_there() -> None:
    seeds = [{"a": [1.0, None], "b": "text", "c": None}, {"a": [3.0, 4.0], "b": "text", "c": None}]
    assert over_seeds(seeds) == {"a": [2.0, 4.0], "b": "text", "c": None}


def test_a_table_keeps_its_columns() -> None:
    lines = table(("a", "b"), [("1", "x|y")])
    assert lines == ["| a | b |", "| --- | --- |", "| 1 | x\\|y |"]
