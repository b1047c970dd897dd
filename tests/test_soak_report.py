"""What a long run's samples tell: slopes that are there are found, and no others."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.soak_report import (
    HOUR,
    End,
    Incident,
    Sample,
    Start,
    growth_of,
    keep,
    kept,
    report,
    slope_of,
)

WARM_UP = 600.0


def samples(memory: Callable[[float], tuple[float, int]], minutes: int = 60) -> list[Sample]:
    return [
        Sample(at, {"camera": memory(at)}, 400.0 + math.sin(at), None, at, int(at))
        for at in map(float, range(0, 60 * minutes, 5))
    ]


def test_a_slope_is_found_among_outliers_and_none_where_there_is_none() -> None:
    rising = [(at, at / HOUR * 50 + (1000 if at % 100 == 0 else 0)) for at in range(0, 3600, 10)]
    found = slope_of(rising)
    assert found is not None
    assert found[0] == pytest.approx(50, rel=0.05)
    flat = slope_of([(at, math.sin(at)) for at in range(0, 3600, 10)])
    assert flat is not None
    assert flat[1] < 0 < flat[2]
    assert slope_of(rising[:3]) is None


def test_a_leak_is_found() -> None:
    leaking = samples(lambda at: (500 * (1 + 0.05 * at / HOUR), 1))
    growth = growth_of(leaking, "camera", WARM_UP)
    assert growth is not None
    assert growth[0] == pytest.approx(5, rel=0.1)
    assert growth[1] <= growth[0] <= growth[2]


@pytest.mark.parametrize(
    "memory",
    [
        pytest.param(lambda at: (500 if at < 900 else 900, at < 900), id="a restart"),
        pytest.param(lambda at: (400 + min(at, 300), at < 900), id="loading"),
        pytest.param(lambda at: (500 + 5 * (at % 60), 1), id="given back every minute"),
        pytest.param(lambda at: (500 if at < 2700 else at, at < 2700), id="one that lived shortly"),
    ],
)
def test_nothing_else_is_one(memory: Callable[[float], tuple[float, int]]) -> None:
    assert growth_of(samples(memory), "camera", WARM_UP) == (0, 0, 0)


@pytest.mark.parametrize(("minutes", "told"), [(10, False), (19, False), (20, True)])
def test_of_less_than_ten_settled_minutes_nothing_is_told(minutes: int, told: bool) -> None:
    growth = growth_of(samples(lambda _: (1.0, 1), minutes), "camera", WARM_UP)
    assert (growth is not None) == told


def test_a_run_that_was_cut_off_is_told_up_to_there(tmp_path: Path) -> None:
    out = tmp_path / "soak.jsonl"
    lines = [
        Start("60 minutes with a fault every 120 s", 1, WARM_UP, 0.5),
        *samples(lambda _: (500.0, 1), 21),
        Incident(130.0, "camera hangs", 1.25, 0.5),
        Incident(260.0, "feed killed", None, 2.5),
        End(1255.0, 0, 2, "interrupted"),
    ]
    for line in lines:
        keep(out, line)
    assert "interrupted" in report(kept(out))
    out.write_text(out.read_text()[:-5])
    told = report(kept(out))
    assert kept(out)[-1] == lines[-2]
    assert "really run: 20.9 minutes, 0.35 hours of media" in told
    assert "cut off" in told
    assert "faults: 2, recovered 1, the slowest after 1.2 s; longest silence 2.5 s" in told
    assert "| 260 s | feed killed | **never** | 2.5 s |" in told
    assert "| camera | 500 MB | +0.0 % (+0.0 to +0.0) | 1 |" in told
