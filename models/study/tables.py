"""The tables of one data set, as lines of Markdown."""

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
CLASS_FIGURES = ("clean", "III", "III worst")
LEFT = "mean accuracy where a stream is left"
BELOW = ("cells below majority", "below training's majority")
MEAN_OF = {"II": "area under the curve"}


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table."""
    rule = ["---"] * len(header)
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in (header, rule, *rows)]
    return ["| " + " | ".join(row) + " |" for row in cells]


def clean(figures: Figures) -> list[str]:
    """All metrics without any corruption."""
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


def protocol(figures: Figures, protocol: str, title: str) -> list[str]:
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


def landscape(figures: Figures, settings: Figures) -> Iterator[str]:
    """Mean, worst cell and leads over the landscape, and what share of samples has nothing left."""
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
                span(found["left"]["III"]),
                f"{error['III']['estimate']:.3f}",
                *(str(len(cells)) for cells in found["below"].values()),
            )
        )
    names = ("mean accuracy", "sd over seeds", "worst cell", LEFT, "mean MAE", *BELOW)
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


def classes(figures: Figures, settings: Figures) -> list[str]:
    """Share of right classes of three: clean, over the landscape, and how far ours is above."""
    ours = settings["roles"]["ours"]
    rows = []
    for model, found in figures["models"].items():
        shares = found["classes"]
        if "III" not in shares or "clean" not in shares:
            return []
        lead = figures["lead"].get(model)
        above = ["-"] * 3 if lead is None else [span(lead["classes"][key]) for key in CLASS_FIGURES]
        rows.append((model, *(span(shares[key]) for key in CLASS_FIGURES), *above))
    names = ("clean", "landscape", "worst cell")
    header = ("model", *names, *(f"{ours} above it: {name}" for name in names))
    title = "### Three classes: negative, neutral, positive"
    return ["", title, "", *table(header, rows)]


def _leads(figures: Figures) -> list[str]:
    shown = ("mean accuracy", "worst cell", LEFT, "MAE")
    names = (*shown, *(f"oracle: {name}" for name in shown))
    rows = []
    for other, lead in figures["lead"].items():
        oracle = figures["oracle_lead"].get(other)
        rows.append((other, *_lead(lead), *(_lead(oracle) if oracle else ["-"] * 4)))
    return table(("above", *names), rows)


def _lead(lead: Figures) -> list[str]:
    return [
        span(lead["accuracy"]["III"]),
        span(lead["accuracy"]["III worst"]),
        span(lead["left"]["III"]),
        decimal_span(lead["error"]["III"]),
    ]


def truth(figures: Figures) -> list[str]:
    """How r follows lambda, and foretells the error, of the models whose r moves."""
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


def permuted(figures: Figures) -> Iterator[str]:
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


def specialists(figures: Figures) -> list[str]:
    """One checkpoint, and one that was trained for each condition alone."""
    if not figures["specialists"]:
        return []
    rows = [
        (condition, *(span(found["accuracy"][part]) for part in ("model", "other", "lead")))
        for condition, found in figures["specialists"].items()
    ]
    header = ("condition", "one checkpoint", "specialist", "difference")
    return ["", "### One checkpoint beside specialists", "", *table(header, rows)]


def sensitivity(figures: Figures, settings: Figures) -> list[str]:
    """Ours by the number of experts a sample goes to."""
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
