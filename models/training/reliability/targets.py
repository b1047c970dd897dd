"""What reliability should be: known, as the damage is done on purpose.

A window's target is 1 - (severity + harm) / 2. The harm of a kind and severity is the mean distance
between the network's representations of the damaged and the undamaged window, as a share of that
between windows of different people: 0 where damage changes nothing, 1 where nothing of the window
is left in it. Severity is known exactly and rises with every step, harm is what it means for the
answer; so reliability falls with all damage, and further with damage that matters.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from models.training.reliability.fit import Doubles, Table
from models.training.reliability.rows import Rows
from streamer.packets import Floats

Case = tuple[str, float]
"""Kind and severity; ("", 0) is undamaged."""

CLEAN: Case = ("", 0.0)


def harms(people: Sequence[Mapping[Case, Rows]]) -> dict[Case, float]:
    """Harm in [0, 1] of each case, never less than that of the same kind at a lesser severity."""
    unlike = _between([of_person[CLEAN].means for of_person in people])
    found: dict[Case, float] = {}
    for case in sorted({case for of_person in people for case in of_person}):
        distances = np.concatenate(
            [
                _distance(rows[case].means, rows[CLEAN].means, unlike)
                for rows in people
                if case in rows
            ]
        )
        found[case] = float(distances.mean())
    for kind, severity in sorted(found):
        lesser = [found[case] for case in found if case[0] == kind and case[1] < severity]
        found[kind, severity] = max(found[kind, severity], *lesser, 0.0)
    return found


def table(
    people: Mapping[str, Mapping[Case, Rows]], harm: Mapping[Case, float], prefix: str
) -> Table:
    """All windows with the measures whose names begin with ``prefix``, without it, and the
    network's own reliability as ``model``."""
    cases = [
        (person, case, rows)
        for person, of_person in people.items()
        for case, rows in of_person.items()
    ]
    names = sorted({name for _, _, rows in cases for name in _chosen(rows, prefix)})
    counts = [len(rows.model) for _, _, rows in cases]
    measures = {
        name: np.concatenate([_column(rows, prefix + name) for _, _, rows in cases])
        for name in names
    }
    measures["model"] = np.concatenate([rows.model for _, _, rows in cases])
    targets = [1 - (case[1] + harm[case]) / 2 for _, case, _ in cases]
    return Table(
        measures,
        np.repeat([case[0] for _, case, _ in cases], counts),
        np.repeat([case[1] for _, case, _ in cases], counts),
        np.repeat(targets, counts),
        np.repeat([person for person, _, _ in cases], counts),
    )


def _chosen(rows: Rows, prefix: str) -> list[str]:
    names = [name for name in rows.measures if name.startswith("recent_") == bool(prefix)]
    return [name.removeprefix(prefix) for name in names]


def _column(rows: Rows, name: str) -> Floats:
    return rows.measures.get(name, np.full(len(rows.model), np.nan, np.float32))


def _distance(damaged: Floats, clean: Floats, unlike: float) -> Doubles:
    """(n,) in [0, 1]; 1 where nothing is left, and where the clean window holds nothing, none."""
    there = np.isfinite(clean).all(axis=1)
    apart = np.linalg.norm(damaged[there] - clean[there], axis=1) / unlike
    return np.asarray(np.clip(np.nan_to_num(apart, nan=1.0), 0, 1), np.float64)


def _between(clean: Sequence[Floats]) -> float:
    """Median distance between windows of different people."""
    apart = [
        np.linalg.norm(one[:, None] - other[None], axis=2).ravel()
        for place, one in enumerate(clean)
        for other in clean[:place]
    ]
    return float(np.nanmedian(np.concatenate(apart)))
