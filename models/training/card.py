"""The model card of a checkpoint: what it is, what it was made of, what it can and cannot do."""

from collections.abc import Sequence
from statistics import mean, stdev

from models.training.evaluate import LEVELS, SUBSETS, Report
from models.training.part_card import part_rows
from streamer.packets import STREAMS

CARD = """\
# QA-MoE, live checkpoint

Estimates how positive or negative a person's *expressed* sentiment is, in [-1, 1], and the
reliability r of each stream, in [0, 1], from any subset of words, voice and face. Written by
`qamoe-stream train`; `results.json` beside this file holds all figures, also of each seed.

## What it is
QA-MoE (arXiv 2604.05704): {experts} shared GLU experts, width {width}. Shipped: variance path
"{path}", top {top_k}, seed {seed}. "representation" is the paper's path (variance from the
representation, trained only through the task); "input" is ours (a path of its own from the stream's
features, trained on the distance between the degraded and the clean representation). {variants}
were trained with seeds {seeds}; variant and seed were chosen on the validation people by the truth
of r, then by error. No weight was fitted and nothing was picked on the test people and texts.

Beside the fusion (`model.safetensors`) lies what its features are computed with:
`words.safetensors`, what tuning changed in MiniLM-L6; `voice.safetensors`, three heads on
Whisper's encoder and prosody; `face.safetensors`, the expression network. The hash of the feature
definition and of these files is in `config.json`; others are refused.

## What it was trained on
| stream | corpus | kept apart | terms |
| --- | --- | --- | --- |
| words | MiniLM tuned on CMU-MOSEI's transcripts with their labels and MELD's dialogue, half of \
them with a transcriber's errors; fusion on MOSEI's, labels / 3 | by video, MOSEI's split \
| research use |
| voice | RAVDESS (English), nEMO (Polish), EMO-DB (German), acted | by speaker | RAVDESS and nEMO \
CC BY-NC-SA 4.0, EMO-DB research use |
| face | FER2013, stills of 48 px, for the expression network and the fusion | the challenge's \
split, duplicates removed; persons unknown \
| challenge data, research use |

By these terms the checkpoint is for research and other non-commercial use. Noise for damaged views
of the voice: ESC-10 (CC BY 3.0).

- **The streams of a sample are paired from different people**: no corpus here holds words, voice
  and face of one labelled moment, so each sample takes one example of each stream, all of the same
  class. Figures for more than one stream show what such pairs allow. In real conversation streams
  agree less, and gains from fusion will be smaller.
- Emotions are mapped to values: anger and disgust -0.5, fear and sadness -0.45, neutral and calm 0,
  happiness 0.45. Surprise has no sign and is left out, as is EMO-DB's boredom, neither neutral nor
  clearly negative. Texts are classed by their label rounded on the scale -3..3.
- The target is the words' label where there are words, else the mean of the other streams' values.
- Faces are stills: each becomes a sequence by a slow random walk around it, seen for a random
  stretch of 30 to 100 % of the window. The walk's extent follows that of recorded clips.
- Voices come also at other levels (-24..6 dB) and cut, and of two in five only the last 0.2 to
  3.8 s of speech are heard, which all counts as clean. Each is held against up to 30 other clips of
  its speaker, as a session holds a voice against its own past.
- Degradation in training: lambda per stream and eta per batch from U(0, 1). Words are really
  dropped and the rest encoded anew; voice and face get Gaussian noise of lambda training
  deviations, and 30 % of the samples also damage of the raw signal (environmental noise at
  -5..15 dB; blur, sensor noise, darkness, glare, a cover).

## The parts alone
Each with a readout of its own, on test data that is not paired; 95 % intervals over videos,
speakers or pictures. `python -m models.training.{{words,voice,face}}.figures --data DATA` computes
them.

{parts}

## Error on the test people, {pairs} pairs, classes equally frequent
Mean ± standard deviation over seeds. Chance is a balanced accuracy of .333. Protocol I-a (the
other streams are absent), no noise.

{subsets}

Words alone on all of MOSEI's test texts as they come, without pairing (values on -1..1: times 3
for MOSEI's scale):

{natural}

## Reliability on the test people
r of a stream, clean and under noise on that stream alone. "Largest fall" is the share of samples in
which, of all streams, the corrupted one lost the largest part of its r; for words at lambda = 1
nothing is left, so r is 0 by construction. Spearman is over all samples and levels.

Read these with care. In either path no stream's variance sees another stream, so the r of the
others never moves, and "largest fall" comes down to whether the corrupted stream's r falls at all.
"Raw damage" of faces counts pictures in which no face is found any more, whose r is 0 in either
path: only what lies beyond the paper's path there is the doing of ours.

{reliability}

{weighing}## Recorded clips that no corpus contains
The last 4 s of real clips: value, r, and root mean square of the standardised features (1 on the
training data) as a measure of the domain shift.

{clips}

## Limits
- Acted voices, posed or searched-for faces, opinion videos: expressed sentiment in these, in
  English words only. Groups of people are not represented evenly, and no fairness was measured.
- The clips have no labels, but a speech held before a crowd (jfk.flac) is hardly negative: corpora
  of acted voices teach that loud and strained means angry. The voice's value varies most between
  seeds, and the error tables give the spread.
- **A spoiled picture in which a face is still found is hardly told from a clean one by r**:
  blendshapes look plausible also where they are wrong, and the expression network was trained not
  to mind. The measured evidence has to see blur, darkness and covers.
- r is learned from synthetic damage. It says how far the representation is likely to have moved,
  not how probable a wrong answer is.
- Not for judging people at work or in education: forbidden in the EU (AI Act, Art. 5(1)(f)).
"""

WEIGHING = """\
## Going by the published reliability
In a session an answer weighs `published ** exponent`: the published reliability is what was
measured on the signal times a ramp over r, see docs/reliability.md. So after the training above
the network is trained further, on clips of the training people that were damaged in the raw
signal, one kind each, and read as a session reads them. "curve" trains the three exponents alone,
"fusion" everything after the encoders, "both" both; "control" is "fusion" without reliability.
The encoders, and with them r and every published value, stay as they are.

Error on the validation people, mean ± standard deviation over seeds: one stream damaged, every
kind alike, with reliability and as if all were reliable; and undamaged. A later variant is only
taken where its error is less by {worth:.0%}.

{table}

Shipped: {parts}, seed {seed}; exponents {exponents}.

"""


def model_card(figures: Report) -> str:
    """The card in Markdown, of the figures that models.training.run gathers."""
    variants = figures["variants"]
    return CARD.format(
        path=figures["shipped"]["variance_path"],
        top_k=figures["shipped"]["top_k"],
        seed=figures["shipped"]["seed"],
        experts=figures["settings"]["network"]["experts"],
        width=figures["settings"]["network"]["width"],
        variants=" and ".join(variants),
        seeds=", ".join(map(str, figures["settings"]["seeds"])),
        pairs=figures["settings"]["test_pairs"],
        subsets=_subset_table(_with_shipped(figures)),
        natural=_natural_table(variants),
        reliability=_reliability_table(variants),
        weighing=weighing_section(figures),
        clips=_clip_table(figures["clips"]),
        parts=_table(["data", "measure", "figure"], part_rows(figures["parts"])),
    )


def _subset_table(variants: Report) -> str:
    keys = ("balanced_accuracy", "mae", "pearson")
    rows = [
        [variant, name, *(_spread(reports, "subsets", name, key) for key in keys)]
        for variant, reports in variants.items()
        for name in SUBSETS
    ]
    return _table(["variant", "streams", "balanced accuracy", "MAE", "Pearson"], rows)


def _with_shipped(figures: Report) -> Report:
    """The variants, and what the fusion that was trained further makes of the same pairs."""
    after = figures.get("weighing")
    if after is None or "test" not in after:
        return dict(figures["variants"])
    return {**figures["variants"], "shipped, trained further": [{"test": after["test"]}]}


def weighing_section(figures: Report) -> str:
    """The card's section about the published reliability in the fusion, if there is any."""
    if "weighing" not in figures:
        return ""
    found = figures["weighing"]
    reports = {"before": [found["before"]], **found["variants"], "control": found["control"]}
    rows = []
    for name, of in reports.items():
        # The control has no use for reliability, not even without damage.
        used = "without" if name == "control" else "with"
        damaged = "-" if name == "control" else _over(of, "with", "damaged")
        rows.append([name, damaged, _over(of, "without", "damaged"), _over(of, used, "undamaged")])
    shipped = found["shipped"]
    seed = found["seeds"].index(shipped["seed"])
    exponents = found["variants"][shipped["parts"]][seed]["exponents"]
    return WEIGHING.format(
        table=_table(["variant", "damaged, with", "without", "undamaged"], rows),
        worth=figures["settings"]["weighing"]["worth"],
        exponents=", ".join(f"{stream} {value:.2f}" for stream, value in exponents.items()),
        **shipped,
    )


def _over(reports: Sequence[Report], how: str, what: str) -> str:
    """Mean and standard deviation over the seeds of an error on the validation people."""
    return _told([report[how][what] for report in reports], 4)


def _natural_table(variants: Report) -> str:
    keys = ("balanced_accuracy", "acc2_nonzero", "mae", "pearson")
    rows = [
        [variant, *(_spread(reports, "text_natural", key) for key in keys)]
        for variant, reports in variants.items()
    ]
    return _table(["variant", "balanced accuracy", "Acc-2 (non-zero)", "MAE", "Pearson"], rows)


def _reliability_table(variants: Report) -> str:
    columns: dict[str, tuple[str, ...]] = {
        "clean": ("clean",),
        **{f"λ = {level:g}": ("at_level", str(level)) for level in LEVELS},
        "Spearman(r, λ)": ("spearman",),
        "largest fall, λ = 0.5": ("largest_fall", "0.5"),
        "largest fall, λ = 1": ("largest_fall", "1.0"),
        "raw damage": ("raw_damage",),
        "falls under raw damage": ("raw_damage_fall",),
    }
    rows = [
        [variant, stream, *(_spread(reports, "reliability", stream, *k) for k in columns.values())]
        for variant, reports in variants.items()
        for stream in STREAMS
    ]
    return _table(["variant", "stream", *columns], rows)


def _clip_table(clips: Report) -> str:
    columns = ("value", "audio_r", "audio_rms", "vision_r", "vision_rms")
    rows = [
        [name, *(f"{figures[key]:.2f}" if key in figures else "-" for key in columns)]
        for name, figures in clips.items()
    ]
    return _table(["clip", "value", "r voice", "rms voice", "r face", "rms face"], rows)


def _spread(reports: Sequence[Report], *keys: str) -> str:
    """Mean and standard deviation over the seeds of the test figure under ``keys``."""
    values = []
    for report in reports:
        figure = report["test"]
        for key in keys:
            figure = figure.get(key, {})
        if isinstance(figure, float):
            values.append(figure)
    return _told(values) if values else "-"


def _told(values: Sequence[float], digits: int = 3) -> str:
    spread = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{spread}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
