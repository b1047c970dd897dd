"""What reliability is fitted to: severity, and the harm that damage does to the features."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.training.reliability.rows import SEVERITIES, Rows, cases, load, save
from models.training.reliability.targets import CLEAN, Case, harms, table
from streamer.packets import Floats

WINDOWS, WIDTH = 6, 4


def rows(means: Floats, **measures: Floats) -> Rows:
    return Rows(measures, np.linspace(0.5, 1, len(means), dtype=np.float32), means)


def usual(seed: int) -> Floats:
    return np.random.default_rng(seed).normal(size=(WINDOWS, WIDTH)).astype(np.float32)


def people(damaged: Mapping[Case, float]) -> list[dict[Case, Rows]]:
    """Three, whose representation each case moves as far as said, or takes away, for NaN."""
    return [
        {CLEAN: rows(usual(n)), **{case: rows(usual(n) + move) for case, move in damaged.items()}}
        for n in range(3)
    ]


def test_harm_is_nothing_for_the_same_and_all_for_what_is_lost() -> None:
    found = harms(people({("same", 1.0): 0.0, ("lost", 1.0): np.nan, ("far", 1.0): 1e4}))
    assert found == {CLEAN: 0, ("same", 1.0): 0, ("lost", 1.0): 1, ("far", 1.0): 1}


def test_harm_is_a_share_of_what_is_between_people() -> None:
    everybody = people({("noise", 0.5): 0.1, ("noise", 1.0): 0.2})
    between = [
        np.linalg.norm(one[CLEAN].means[:, None] - other[CLEAN].means[None], axis=2).ravel()
        for place, one in enumerate(everybody)
        for other in everybody[:place]
    ]
    found = harms(everybody)
    share = 0.1 * np.sqrt(WIDTH) / np.median(np.concatenate(between))
    assert found["noise", 0.5] == pytest.approx(share, rel=1e-4)
    assert found["noise", 1.0] == pytest.approx(2 * share, rel=1e-4)


def test_windows_without_anything_to_lose_do_not_count() -> None:
    everybody = people({("noise", 1.0): 0.3})
    silent = [
        {case: rows(np.where(np.arange(WINDOWS)[:, None] == 3, np.nan, part.means))
         for case, part in person.items()}
        for person in everybody
    ]  # fmt: skip
    assert harms(silent)[CLEAN] == 0
    assert 0 < harms(silent)["noise", 1.0] < 1


def test_only_the_windows_that_count_are_taken() -> None:
    level = np.arange(WINDOWS, dtype=np.float32)
    part = rows(usual(0), level_db=level).of(range(1, WINDOWS, 2))
    np.testing.assert_array_equal(part.measures["level_db"], level[1::2])
    np.testing.assert_array_equal(part.means, usual(0)[1::2])
    assert len(part.model) == len(part.means)


@given(st.lists(st.floats(-5, 5), min_size=len(SEVERITIES), max_size=len(SEVERITIES)))
@settings(max_examples=30)
def test_harm_never_falls_with_severity(moves: list[float]) -> None:
    found = harms(people({("a", s): move for s, move in zip(SEVERITIES, moves, strict=True)}))
    harm = [found["a", severity] for severity in SEVERITIES]
    assert harm == sorted(harm)
    assert all(0 <= value <= 1 for value in found.values())


def test_the_table_holds_all_windows_with_their_targets() -> None:
    level = np.arange(WINDOWS, dtype=np.float32)
    clean = rows(usual(0), level_db=level, recent_level_db=-level)
    spoilt = rows(usual(0), recent_level_db=level, recent_snr_db=level)
    everybody = {"ann": {CLEAN: clean, ("gap", 0.5): spoilt}, "bob": {CLEAN: clean}}
    harm = {CLEAN: 0.0, ("gap", 0.5): 0.2}
    window, recent = (table(everybody, harm, prefix) for prefix in ("", "recent_"))
    assert set(window.measures) == {"level_db", "model"}
    assert set(recent.measures) == {"level_db", "snr_db", "model"}
    count = WINDOWS
    assert window.people.tolist() == ["ann"] * 2 * count + ["bob"] * count
    assert window.kinds.tolist() == [""] * count + ["gap"] * count + [""] * count
    np.testing.assert_allclose(window.targets, [1] * count + [0.65] * count + [1] * count)
    nothing = np.full(count, np.nan)
    np.testing.assert_array_equal(
        window.measures["level_db"], np.concatenate([level, nothing, level])
    )
    np.testing.assert_array_equal(recent.measures["level_db"][:count], -level)
    np.testing.assert_array_equal(window.measures["model"][:count], clean.model)


def test_rows_come_back_as_they_were_kept(tmp_path: Path) -> None:
    gone = usual(1)
    gone[2] = np.nan
    kept = {
        CLEAN: rows(usual(0), snr_db=gone[:, 0], recent_snr_db=gone[:, 1]),
        ("packet_loss", 0.25): rows(gone),
    }
    save(kept, tmp_path / "audio-ann.npz")
    assert [file.name for file in tmp_path.iterdir()] == ["audio-ann.npz"]
    found = load(tmp_path / "audio-ann.npz")
    assert list(found) == list(kept)
    for case, before in kept.items():
        assert list(found[case].measures) == list(before.measures)
        for name, values in before.measures.items():
            np.testing.assert_array_equal(found[case].measures[name], values)
        np.testing.assert_array_equal(found[case].model, before.model)
        np.testing.assert_array_equal(found[case].means, before.means)


def test_surroundings_are_heard_by_turns() -> None:
    noise = [Path("dog"), Path("rain")]
    found = [(severity, file) for _, kind, severity, file in cases(noise) if kind == "surroundings"]
    assert [severity for severity, _ in found] == list(SEVERITIES)
    assert [file for _, file in found] == [noise[turn % 2] for turn in range(len(SEVERITIES))]
    assert {file for _, kind, _, file in cases(noise) if kind != "surroundings"} == {None}
    assert list(cases([])) == []
