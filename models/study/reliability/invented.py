"""How often words that nobody spoke reach the fused value, with and without the guard.

    python -m models.study.reliability.invented --data DATA [--stride N] [--json FILE]

Each sound is a session of its own, heard hop by hop as the live line does; every window of full
length counts, in each of its revisions. The guard is held against Whisper's words for the window's
sound taken as they are, with evidence 1, and against Whisper's own limits alone. Deterministic; a
dozen minutes of one core for all recordings.
"""

import argparse
import json
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from models.study.reliability.noises import HUMAN, MADE, Noise, made, read, recorded
from models.study.reliability.outcomes import LINES, Judged, judge
from models.training.reliability.stage import Stage
from streamer.errors import SourceError
from streamer.settings import load_settings

DATA = Path(os.environ.get("QAMOE_DATA", "../shared/data"))

GROUPS: Mapping[str, frozenset[str]] = {
    "made here": frozenset({"digital silence", *MADE}),
    "human sounds of ESC-10": frozenset(HUMAN),
}
"""Kinds that are also counted together; every other kind but CLIP is one of ESC-10."""

ESC10, ALL = "ESC-10", "all"
TOTALS = (*GROUPS, ESC10, ALL)

CLIP = "clip"
"""Sound of videos with music and song. Some of it may be real speech: left out of every total."""


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--stride", type=int, default=1, help="every so many recordings of a class")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = measured(options.data, options.stride)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    Console(width=120).print(table(found))


def measured(data: Path, stride: int) -> dict[str, dict[str, Any]]:
    """The ``figures`` of all sounds, of ESC-10 every so many recordings of a class.

    Raises SourceError where ESC-10 is not in ``data``, AssetError where a model is missing.
    """
    folder = data / "noise" / "esc10"
    if not folder.is_dir():
        raise SourceError(f"{folder}: no recordings of ESC-10 there")
    stage = Stage.load(load_settings())
    sounds = list(chain(made(), recorded(folder, stride), clips(data / "clips")))
    return figures([window for noise in track(sounds) for window in judge(noise, stage)])


def clips(folder: Path) -> Iterator[Noise]:
    """The sound of the videos in ``folder`` that show a face to other sound."""
    for file in sorted(folder.glob("liveportrait_*.mp4")):
        yield Noise(CLIP, file.stem, "as recorded", read(file))


def figures(judged: Iterable[Judged]) -> dict[str, dict[str, Any]]:
    """By kind, by group and in total: ``windows``, independent ``sources``, and for each line the
    shares of windows with ``words`` and of those where they were ``used``, the 95 % interval of
    the latter with as many cases as there are sources, and how far they ``moved`` the value, in
    the mean and at most."""
    parts: dict[str, list[Judged]] = {}
    for window in judged:
        for name in _names(window.noise.kind):
            parts.setdefault(name, []).append(window)
    totals_last = sorted(parts, key=lambda name: name in TOTALS and TOTALS.index(name) + 1)
    return {name: _figures(parts[name]) for name in totals_last}


def came_through(judged: Iterable[Judged]) -> list[dict[str, Any]]:
    """The words that took part despite the guard, by sound, with the number of windows."""
    counts = Counter(
        (window.noise.kind, window.noise.source, window.noise.level, window.outcomes["guard"].words)
        for window in judged
        if window.outcomes["guard"].used
    )
    names = ("kind", "source", "level", "words")
    return [dict(zip(names, key, strict=True)) | {"windows": n} for key, n in counts.items()]


def _names(kind: str) -> Iterator[str]:
    yield kind
    if kind == CLIP:
        return
    yield from (name for name, kinds in GROUPS.items() if kind in kinds)
    if kind not in GROUPS["made here"]:
        yield ESC10
    yield ALL


def _figures(judged: Sequence[Judged]) -> dict[str, Any]:
    sources = len({window.noise.source for window in judged})
    result: dict[str, Any] = {"windows": len(judged), "sources": sources}
    for line in LINES:
        outcomes = [window.outcomes[line] for window in judged]
        used = sum(outcome.used for outcome in outcomes) / len(outcomes)
        moves = [outcome.moved for outcome in outcomes]
        result[line] = {
            "words": sum(bool(outcome.words) for outcome in outcomes) / len(outcomes),
            "used": used,
            "interval": wilson(used, sources),
            "moved": sum(moves) / len(moves),
            "moved_most": max(moves),
        }
    return result


def table(figures: Mapping[str, Mapping[str, Any]]) -> Table:
    """``figures`` as a table, shares in per cent."""
    result = Table("sound", "windows", "sources", "words", "limits", "guard: words", "used",
                   "95 %", "moved, bare", "moved, guard")  # fmt: skip
    for name, row in figures.items():
        bare, limits, guard = (row[line] for line in LINES)
        low, high = guard["interval"]
        result.add_row(
            name,
            str(row["windows"]),
            str(row["sources"]),
            *(f"{100 * share:.1f}" for share in (bare["used"], limits["used"])),
            *(f"{100 * share:.2f}" for share in (guard["words"], guard["used"])),
            f"{100 * low:.1f}-{100 * high:.1f}",
            *(f"{line['moved']:.3f}" for line in (bare, guard)),
        )
    return result


def wilson(share: float, cases: int, z: float = 1.96) -> tuple[float, float]:
    """Interval in [0, 1] of a ``share`` observed in ``cases`` independent cases (Wilson, 1927);
    ``z`` = 1.96 for 95 %."""
    centre = share + z * z / (2 * cases)
    spread = z * math.sqrt(share * (1 - share) / cases + z * z / (4 * cases * cases))
    scale = 1 + z * z / cases
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


if __name__ == "__main__":
    main()
