"""The study as a page of Markdown, every figure from results.json."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from models.study.targets import decimal_span, percent, span

Figures = Mapping[str, Any]

METRICS = (
    "acc2_nonneg",
    "acc2_nonzero",
    "f1_nonneg",
    "f1_nonzero",
    "acc5",
    "acc7",
    "mae",
    "pearson",
    "coverage_90",
    "calibration_error",
)
SHARES = ("acc", "f1_", "coverage")
"""Metrics that begin so are shares, shown as points."""

PROTOCOLS = {
    "I-a": "Protocol I-a: only these streams are there",
    "I-b": "Protocol I-b: a share eta of all streams is missing, one of each sample kept",
    "II": "Protocol II: noise lambda on every stream",
    "II+": "Beyond the training: noise lambda on every stream",
    "one": "Noise lambda on one stream alone",
    "mixed": "Noise lambda on one stream of each sample, in turn",
}
BELOW = ("cells below majority", "below training's majority")
MEAN_OF = {"II": "area under the curve"}

NOTES = """\
Accuracy is that of the sign, negative or not, in points; MAE is in the corpus's own unit. Brackets
hold {level} % intervals of a paired bootstrap over seeds and people ({draws} draws); a figure
without brackets is the mean over the seeds. Each model was chosen on the validation split.
The protocols are different tests: figures of different tables are not to be compared."""


def markdown(results: Figures, pictures: Sequence[str]) -> str:
    """The page; ``pictures`` are files beside it, the data set's name within theirs."""
    settings = results["settings"]
    lines = ["# QA-MoE on the Continuous Reliability Spectrum", "", *_setup(settings)]
    lines += ["", "## Targets", "", *_targets(results)]
    for name, figures in results["datasets"].items():
        lines += ["", f"## {name}", "", *_dataset(figures, settings)]
        lines += _pictures([file for file in pictures if file.startswith(f"{name}-")])
    lines += ["", "## Speed", "", *_speed(results["speed"], settings)]
    if results["failures"]:
        rows = [(failure["task"], failure["reason"]) for failure in results["failures"]]
        lines += ["", "## Trainings that failed", "", *table(("training", "why"), rows)]
    return "\n".join(lines) + "\n"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table."""
    rule = ["---"] * len(header)
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in (header, rule, *rows)]
    return ["| " + " | ".join(row) + " |" for row in cells]


def _setup(settings: Figures) -> list[str]:
    bootstrap = settings["bootstrap"]
    notes = NOTES.format(level=round(100 * bootstrap["level"]), draws=bootstrap["draws"])
    budget = ", ".join(f"{key} {value}" for key, value in settings["budget"].items())
    seeds = ", ".join(str(seed) for seed in settings["seeds"])
    return [
        notes,
        "",
        f"Seeds {seeds}; budget of every model: {budget}.",
    ]


def _targets(results: Figures) -> list[str]:
    words = {True: "met", False: "**not met**", None: "-"}
    rows = [
        (target["dataset"], target["aim"], target["figure"], words[target["met"]])
        for target in results["targets"]
    ]
    return table(("data set", "target", "figure", ""), rows)


def _dataset(figures: Figures, settings: Figures) -> Iterator[str]:
    yield (
        f"{figures['samples']} test samples of {figures['people']} people; streams "
        f"{', '.join(figures['streams'])}. Always answering the class that is most frequent here "
        f"is right in {percent(figures['majority'])} %, the one most frequent in training in "
        f"{percent(figures['training_majority'])} %."
    )
    yield from _clean(figures)
    for protocol, title in PROTOCOLS.items():
        yield from _protocol(figures, protocol, title)
    yield from _landscape(figures, settings)
    yield from _truth(figures)
    yield from _permuted(figures)
    yield from _specialists(figures)
    yield from _sensitivity(figures, settings)


def _clean(figures: Figures) -> list[str]:
    row = _rows_of(figures, "clean")
    if not row:
        return []
    models = figures["models"]
    first = next(iter(models.values()))["metrics"][row[0]]
    shown = [metric for metric in METRICS if metric in first]
    rows = [
        (model, *(_metric(metric, found["metrics"][row[0]][metric]) for metric in shown))
        for model, found in models.items()
    ]
    return ["", "### Clean", "", *table(("model", *shown), rows)]


def _protocol(figures: Figures, protocol: str, title: str) -> list[str]:
    """Accuracy under each condition; of all of them accuracy with its interval, and MAE."""
    at = _rows_of(figures, protocol)
    if not at:
        return []
    names = [figures["conditions"][i]["name"] for i in at]
    mean = MEAN_OF.get(protocol, "mean")
    rows = [
        (
            model,
            *(percent(found["metrics"][i]["acc2_nonneg"]) for i in at),
            span(found["accuracy"][protocol]),
            f"{found['error'][protocol]['estimate']:.3f}",
        )
        for model, found in figures["models"].items()
    ]
    return ["", f"### {title}", "", *table(("model", *names, f"{mean}", f"MAE, {mean}"), rows)]


def _landscape(figures: Figures, settings: Figures) -> Iterator[str]:
    at = _rows_of(figures, "III")
    if not at:
        return
    yield from ("", "### Protocol III: the landscape, noise lambda and missing rate eta", "")
    rows = []
    for model, found in figures["models"].items():
        accuracy, error = found["accuracy"], found["error"]
        seeds = accuracy["III"]["spread"]
        rows.append(
            (
                model,
                span(accuracy["III"]),
                "-" if seeds is None else percent(seeds),
                span(accuracy["III worst"]),
                f"{error['III']['estimate']:.3f}",
                *(str(len(cells)) for cells in found["below"].values()),
            )
        )
    names = ("mean accuracy", "sd over seeds", "worst cell", "mean MAE", *BELOW)
    yield from table(("model", *names), rows)
    ours = settings["roles"]["ours"]
    yield from ("", f"How far {ours} is above each (points; MAE in its unit), and the oracle:", "")
    yield from _leads(figures)
    left: dict[float, list[float]] = {}
    for i in at:
        condition = figures["conditions"][i]
        left.setdefault(condition["missing"], []).append(condition["nothing_left"])
    yield from ("", "Share of samples with nothing left:", "")
    shares = [percent(sum(found) / len(found)) + " %" for found in left.values()]
    yield from table(("eta", *(f"{rate:g}" for rate in left)), [("share", *shares)])


def _leads(figures: Figures) -> list[str]:
    names = ("mean accuracy", "worst cell", "MAE", "oracle: mean accuracy", "oracle: worst cell")
    rows = []
    for other, lead in figures["lead"].items():
        oracle = figures["oracle_lead"].get(other)
        rows.append(
            (
                other,
                span(lead["accuracy"]["III"]),
                span(lead["accuracy"]["III worst"]),
                decimal_span(lead["error"]["III"]),
                "-" if oracle is None else span(oracle["accuracy"]["III"]),
                "-" if oracle is None else span(oracle["accuracy"]["III worst"]),
            )
        )
    return table(("above", *names), rows)


def _truth(figures: Figures) -> list[str]:
    rows = []
    for model, found in figures["models"].items():
        truth = found["truth"]
        falls = truth["largest_fall"]
        if all(share is None for shares in falls.values() for share in shares.values()):
            continue
        rows += [
            (
                model,
                stream,
                _decimals(truth["spearman"][stream]),
                _decimals(truth["spearman_beyond"][stream]),
                ", ".join(f"{level}: {_share(share)}" for level, share in falls[stream].items()),
                _decimals(truth["foretells"][stream]["samples"]),
                _decimals(truth["foretells"][stream]["levels"]),
            )
            for stream in figures["streams"]
        ]
    header = (
        "model",
        "stream",
        "Spearman of r with lambda up to 1",
        "up to 2",
        "falls most of all streams (lambda: %)",
        "Pearson of 1 - r with the rise in error, over samples",
        "over levels",
    )
    return ["", "### Is reliability true?", "", *table(header, rows)] if rows else []


def _permuted(figures: Figures) -> Iterator[str]:
    """How many points each condition costs when r comes from other samples."""
    under = {model: found for model, found in figures["permuted"].items() if found}
    if not under:
        return
    yield from ("", "### Is reliability used?", "")
    yield "Points lost when each stream's r comes from another sample in which it is there:"
    yield ""
    names = list(next(iter(under.values())))
    rows = [
        (model, *(span(found[name]["accuracy"]["lead"]) for name in names))
        for model, found in under.items()
    ]
    yield from table(("model", *names), rows)


def _specialists(figures: Figures) -> list[str]:
    if not figures["specialists"]:
        return []
    rows = [
        (condition, *(span(found["accuracy"][part]) for part in ("model", "other", "lead")))
        for condition, found in figures["specialists"].items()
    ]
    header = ("condition", "one checkpoint", "specialist", "difference")
    return ["", "### One checkpoint beside specialists", "", *table(header, rows)]


def _sensitivity(figures: Figures, settings: Figures) -> list[str]:
    rows = [
        (k, span(accuracy["clean"]), span(accuracy["III"]), span(accuracy["III worst"]))
        for k, accuracy in of_each_k(figures, settings).items()
    ]
    header = ("k", "clean", "landscape, mean", "worst cell")
    return ["", "### Experts a sample", "", *table(header, rows)] if len(rows) > 1 else []


def of_each_k(figures: Figures, settings: Figures) -> dict[str, Figures]:
    """Accuracy figures of ours by the number of experts a sample goes to."""
    models = figures["models"]
    named = settings["sensitivity"]["models"].items()
    return {str(k): models[name]["accuracy"] for k, name in named if name in models}


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
    return [note, "", *table(header, rows)]


def _pictures(files: Sequence[str]) -> list[str]:
    return [line for file in files for line in ("", f"![{file}]({file})")]


def _rows_of(figures: Figures, protocol: str) -> list[int]:
    return [i for i, c in enumerate(figures["conditions"]) if c["protocol"] == protocol]


def _metric(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    return percent(value) if name.startswith(SHARES) else f"{value:.3f}"


def _decimals(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _share(value: float | None) -> str:
    return "-" if value is None else percent(value)
