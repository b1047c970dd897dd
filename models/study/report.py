"""The study as a page of Markdown, every figure from results.json."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from models.study import tables
from models.study.targets import percent

Figures = Mapping[str, Any]

NOTES = """\
Accuracy is that of the sign, negative or not, in points; MAE is in the corpus's own unit. Brackets
hold {level} % intervals of a paired bootstrap over seeds and people ({draws} draws); a figure
without brackets is the mean over the seeds. Each model was chosen on the validation split.
The protocols are different tests: figures of different tables are not to be compared."""


def markdown(results: Figures, pictures: Mapping[str, Sequence[str]]) -> str:
    """The page; ``pictures`` are, by data set, files beside it."""
    settings = results["settings"]
    lines = ["# QA-MoE on the Continuous Reliability Spectrum", "", *_setup(settings)]
    lines += ["", "## Targets", "", *_targets(results)]
    for name, figures in results["datasets"].items():
        lines += ["", f"## {name}", "", *_dataset(figures, settings)]
        lines += [line for file in pictures.get(name, ()) for line in ("", f"![{file}]({file})")]
    lines += ["", "## Speed", "", *_speed(results["speed"], settings)]
    if results["failures"]:
        rows = [(failure["task"], failure["reason"]) for failure in results["failures"]]
        lines += ["", "## Trainings that failed", "", *tables.table(("training", "why"), rows)]
    return "\n".join(lines) + "\n"


def _setup(settings: Figures) -> list[str]:
    bootstrap = settings["bootstrap"]
    notes = NOTES.format(level=round(100 * bootstrap["level"]), draws=bootstrap["draws"])
    budget = ", ".join(f"{key} {value}" for key, value in settings["budget"].items())
    seeds = ", ".join(str(seed) for seed in settings["seeds"])
    lines = [notes, "", f"Seeds {seeds}; budget of every model: {budget}."]
    for name, exception in settings["exceptions"].items():
        changed = {key: exception[key] for key in ("epochs", "validations")}
        told = ", ".join(f"{key} {value}" for key, value in changed.items() if value is not None)
        if told:
            lines[-1] += f" On {name}: {told}."
    return lines


def _targets(results: Figures) -> list[str]:
    words = {True: "met", False: "**not met**", None: "-"}
    rows = [
        (target["dataset"], target["aim"], target["figure"], words[target["met"]])
        for target in results["targets"]
    ]
    return tables.table(("data set", "target", "figure", ""), rows)


def _dataset(figures: Figures, settings: Figures) -> Iterator[str]:
    yield (
        f"{figures['samples']} test samples of {figures['people']} people; streams "
        f"{', '.join(figures['streams'])}. Always answering the class that is most frequent here "
        f"is right in {percent(figures['majority'])} %, the one most frequent in training in "
        f"{percent(figures['training_majority'])} %."
    )
    yield from tables.clean(figures)
    for protocol, title in tables.PROTOCOLS.items():
        yield from tables.protocol(figures, protocol, title)
    yield from tables.landscape(figures, settings)
    yield from tables.classes(figures, settings)
    yield from tables.truth(figures)
    yield from tables.permuted(figures)
    yield from tables.specialists(figures)
    yield from tables.sensitivity(figures, settings)


def _speed(speed: Figures, settings: Figures) -> list[str]:
    rows = [
        (model, f"{found['window_ms']:.2f}", f"{found['windows_per_second']:.0f}",
         f"{found['parameters']:,}")
        for model, found in speed["models"].items()
    ]  # fmt: skip
    note = (
        f"One thread, width {settings['budget']['width']}, windows of {speed['dataset']}; "
        f"medians of {speed['repeats']} passes."
    )
    header = ("model", "one window, ms", f"windows/s at batch {speed['batch']}", "parameters")
    return [note, "", *tables.table(header, rows)]
