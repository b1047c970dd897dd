"""Fits reliability's ramps: `python -m models.training.reliability --data DATA --work FOLDER`.

Does every kind of damage at five severities to the voices, faces and words of the people in
``SPEAKERS["fit"]`` and ``VIDEOS["fit"]``, measures, fits, and prints how the ramps do on people
left out of the fit by turns. Each finished session is kept in FOLDER and taken up again: a new
folder is needed where damage, measures or features have changed. About half an hour of one core.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table as Lines
from scipy.stats import spearmanr  # type: ignore[import-untyped]

from models.rehearsal import hear
from models.reliability import audio, face, words
from models.reliability.scores import Ramps
from models.training.reliability.fit import (
    CLEAN_SHARES,
    Bounds,
    Doubles,
    Fitted,
    Table,
    fit_in_turns,
    product,
)
from models.training.reliability.people import READERS, SPEAKERS, VIDEOS, Person, Recordings, noises
from models.training.reliability.rows import (
    SEVERITIES,
    Rows,
    case_damage,
    cases,
    load,
    picture_rows,
    save,
    sound_rows,
    words_rows,
)
from models.training.reliability.stage import Stage
from models.training.reliability.targets import CLEAN, Case, harms, table
from streamer.packets import Stream
from streamer.settings import load_settings

SECONDS: Mapping[Stream, float] = {"audio": 9.0, "vision": 7.0, "text": 28.0}
"""Length of a session."""

START = 2.0
"""Seconds of it without damage: some kinds go by the level there was."""

USED: Mapping[Stream, range] = {
    "audio": range(11, 18, 3),
    "vision": range(11, 14),
    "text": range(11, 56),
}
"""The windows that count: damaged from beginning to end, and every third of sound, as neighbours
share most of it."""

UNDAMAGED_SECONDS, UNDAMAGED_USED = 28.0, range(11, 56, 2)
"""The same for voices that are only heard undamaged. Longer, as it is their worst seconds that tell
where a ramp over one second may begin."""

TABLES: Mapping[str, tuple[Stream, str, Ramps, Mapping[str, str]]] = {
    "audio": ("audio", "", audio.RULES, audio.REASONS),
    "recent_audio": ("audio", "recent_", audio.RECENT_RULES, audio.REASONS),
    "vision": ("vision", "", face.RULES, face.REASONS),
    "recent_vision": ("vision", "recent_", {}, face.REASONS),
    "text": ("text", "", words.RULES, words.REASONS),
}
"""Each table of ramps: its stream, what its measures' names begin with, the ramps that are given by
rule, and the measures, by reason, that get one here."""

BOUNDS: Mapping[str, Bounds] = {
    "audio": Bounds(),
    # A second holds so little that many a clean one looks damaged: fewer on the ramp, and no step.
    "recent_audio": Bounds(CLEAN_SHARES[:2], audio.RECENT_GOOD, way=0.25),
    "vision": Bounds(limits=face.GOOD),
    "recent_vision": Bounds(limits=face.GOOD),
    "text": Bounds(),
}
"""What the fit of each table keeps to."""

HOLDS_ANYTHING: Mapping[Stream, str] = {"audio": "snr_db", "vision": "sharpness"}
"""A measure that is there where there is a voice, or a face."""

Measured = Mapping[str, Mapping[Case, Rows]]
"""Rows of each case, by person."""

Begin = Callable[[Person, Stage], Callable[..., Rows]]
"""What measures a session of a person under damages, which it is given as arguments."""


def main() -> None:
    """Measures, fits, prints and writes."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("models/reliability/fitted.json"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    measured: dict[Stream, Measured] = {
        "audio": dict(_sounds(options.data, options.work)),
        "vision": dict(_pictures(options.data, options.work)),
        "text": dict(_words(options.data, options.work)),
    }
    console = Console(width=120)
    values: dict[str, dict[str, list[float]]] = {}
    for name, fitted in fits(measured, console).items():
        values[name] = {key: [ramp.bad, ramp.good, ramp.least] for key, ramp in fitted.items()}
    lines = (f"{json.dumps(name)}: {json.dumps(ramps)}" for name, ramps in values.items())
    options.out.write_text("{" + ",\n".join(lines) + "}\n")  # a table a line, for diffs


def fits(measured: Mapping[Stream, Measured], console: Console) -> dict[str, dict[str, Fitted]]:
    """The ramps of all TABLES, and those over the network's own reliability, by stream."""
    fitted: dict[str, dict[str, Fitted]] = {"model": {}}
    for name, (stream, prefix, rules, reasons) in TABLES.items():
        people = measured[stream]
        windows = table(people, harms(list(people.values())), prefix)
        if prefix:
            # The last second is only judged where it holds a voice or a face.
            windows = windows.of(~np.isnan(windows.measures[HOLDS_ANYTHING[stream]]))
        names = [key for key in reasons if key not in rules] + ([] if prefix else ["model"])
        given = _given(rules, windows)
        ramps = fit_in_turns(windows, names, given, BOUNDS[name])
        console.print(_lines(name, ramps, windows, names, given, BOUNDS[name]))
        if not prefix:
            fitted["model"][stream] = ramps.pop("model", Fitted(0.0, 1e-3, 0.0))
        fitted[name] = ramps
    return fitted


def _sounds(data: Path, work: Path) -> Iterator[tuple[str, Mapping[Case, Rows]]]:
    noise = noises(data, "fit")
    people = Recordings(data, load_settings())
    for number, name in enumerate(SPEAKERS["fit"]):
        person = people.voice(name, SECONDS["audio"])
        damaged = partial(_sound_rows, USED["audio"])
        yield name, _kept("audio", person, noise[5 * number :], damaged, USED["audio"], work)
    for name in (*SPEAKERS["clean"], *READERS["fit"]):
        person = people.voice(name, UNDAMAGED_SECONDS)
        undamaged = partial(_sound_rows, UNDAMAGED_USED)
        yield name, _kept("audio", person, [], undamaged, UNDAMAGED_USED, work)


def _pictures(data: Path, work: Path) -> Iterator[tuple[str, Mapping[Case, Rows]]]:
    people = Recordings(data, load_settings())
    for video in VIDEOS["fit"]:
        person = people.face(video, SECONDS["vision"])
        yield person.name, _kept("vision", person, [Path()], _picture_rows, USED["vision"], work)


def _words(data: Path, work: Path) -> Iterator[tuple[str, Mapping[Case, Rows]]]:
    people = Recordings(data, load_settings())
    for name in READERS["fit"]:
        person = people.voice(name, SECONDS["text"])
        yield name, _kept("text", person, [Path()], _words_rows, USED["text"], work)


def _kept(
    stream: Stream, person: Person, noise: list[Path], begin: Begin, used: range, work: Path
) -> Mapping[Case, Rows]:
    """Rows of all cases, of the windows that are ``used``, kept in ``work``; without any ``noise``
    only of the undamaged session."""
    file = work / f"{stream}-{person.name}.npz"
    if not file.exists():
        measure = begin(person, _stage())
        rows = {CLEAN: measure()}
        for of, kind, severity, recording in cases(noise):
            if of == stream:
                rows[kind, severity] = measure(case_damage(of, kind, severity, recording, START))
        save(rows, file)
    return {case: rows.of(used) for case, rows in load(file).items()}


@cache
def _stage() -> Stage:
    """Loaded once for everybody, and only where a session is missing."""
    return Stage.load(load_settings(options={"source.file": "session"}))


def _sound_rows(used: range, person: Person, stage: Stage) -> Callable[..., Rows]:
    return partial(sound_rows, person, stage, used)


def _picture_rows(person: Person, stage: Stage) -> Callable[..., Rows]:
    return partial(picture_rows, person, stage)


def _words_rows(person: Person, stage: Stage) -> Callable[..., Rows]:
    return partial(words_rows, hear(person.samples, stage.settings, stage.whisper), stage)


def _given(rules: Ramps, windows: Table) -> Doubles:
    """Product (n,) of what the ``rules`` say."""
    given = np.ones(len(windows.targets))
    for name, ramp in rules.items():
        if name in windows.measures:
            values = windows.measures[name]
            given *= [1.0 if np.isnan(value) else ramp(float(value)) for value in values]
    return given


def _lines(
    name: str,
    ramps: Mapping[str, Fitted],
    windows: Table,
    names: list[str],
    given: Doubles,
    bounds: Bounds,
) -> Lines:
    """Mean product by kind and severity, and Spearman, each person's from the others' ramps."""
    scores = np.ones(len(windows.targets))
    for part in np.array_split(np.unique(windows.people), 3):
        held_out = np.isin(windows.people, part)
        ramps_of_others = fit_in_turns(windows.of(~held_out), names, given[~held_out], bounds)
        scores[held_out] = product(ramps_of_others, windows.of(held_out)) * given[held_out]
    header = (name, *(f"{s:g}" for s in (0.0, *SEVERITIES)), "Spearman")
    lines = Lines(*header, title=", ".join(f"{key} {ramp}" for key, ramp in ramps.items()))
    clean = windows.kinds == ""
    for kind in sorted(set(windows.kinds) - {""}):
        use = clean | (windows.kinds == kind)
        keys = [*zip(windows.people[use], windows.severities[use], strict=True)]
        cells = {key: scores[use][[k == key for k in keys]].mean() for key in set(keys)}
        found = spearmanr([key[1] for key in cells], [*cells.values()]).statistic
        means = [
            np.mean([v for key, v in cells.items() if key[1] == s]) for s in (0.0, *SEVERITIES)
        ]
        lines.add_row(kind, *(f"{value:.2f}" for value in means), f"{found:.2f}")
    return lines


if __name__ == "__main__":
    main()
