"""Error of the fused value against labels, with damage to one stream, with reliability and without.

Words, voice and face of a pair are of one class but of different people, all of the test split.
Each clip's raw signal is damaged and goes through the live extractors and evidence; the kinds that
need moving pictures are left out, as the faces are stills.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from models.qamoe import Prediction, QAMoE
from models.reliability import combine
from models.study.reliability.cases import SPOKEN, kind_name
from models.study.reliability.people import Doubles, People
from models.study.reliability.settings import ReliabilityStudySettings
from models.study.statistics import Draws
from models.training.pairing import targets
from models.training.reliability.clips import Clip, kinds_of_clips
from models.training.reliability.stage import fully
from streamer.packets import STREAMS, Stream

Figures = dict[str, Any]


@dataclass(frozen=True)
class Answers:
    """Absolute errors (pairs,) on the scale -1..1: with reliability, without, and without of the
    control, where there is one."""

    weighed: Doubles
    trusting: Doubles
    control: Doubles | None


class Damageable(Protocol):
    """Clips of each stream, as they are and damaged; see models.training.reliability.clips."""

    @property
    def labels(self) -> Mapping[Stream, Sequence[int]]: ...

    def clean(self, stream: Stream) -> Sequence[Clip]: ...

    def damaged(self, stream: Stream, kind: str, severity: float) -> Sequence[Clip]: ...


def labelled(
    clips: Damageable,
    network: QAMoE,
    count: int,
    settings: ReliabilityStudySettings,
    control: QAMoE | None = None,
) -> Figures:
    """For each kind of damage the mean errors over its severities, their ratio, and the gain with
    its interval, on ``count`` pairs; first over all kinds, each weighing the same, over those of
    each stream, and without damage. ``control`` is a network that was trained on damage to do
    without reliability."""
    rng = np.random.default_rng(settings.bootstrap.seed)
    pairs = _pairs(clips.labels, count, rng)
    people = People.draw([str(voice) for voice in pairs["audio"]], settings.bootstrap)
    clean = _answers(network, control, pairs, {m: clips.clean(m) for m in STREAMS})
    rows = {"undamaged": _row([clean], pairs, people)}
    every: dict[Stream, list[Answers]] = {m: [] for m in STREAMS}
    for stream, kind in kinds_of_clips():
        found = []
        for severity in settings.sessions.severities:
            streams = {m: clips.clean(m) for m in STREAMS}
            streams[stream] = clips.damaged(stream, kind, severity)
            found.append(_answers(network, control, pairs, streams))
        rows[kind_name(stream, kind)] = _row(found, pairs, people)
        every[stream] += found
    return {
        "all kinds": _row([one for found in every.values() for one in found], pairs, people),
        **{f"all of {SPOKEN[m]}": _row(found, pairs, people) for m, found in every.items()},
        **rows,
    }


def _pairs(
    labels: Mapping[Stream, Sequence[int]], count: int, rng: np.random.Generator
) -> dict[Stream, Sequence[int]]:
    """Numbers of clips, ``count`` for each stream, of one class at each place."""
    wanted = rng.integers(0, 3, count)
    return {
        stream: [int(rng.choice(np.flatnonzero(np.array(of) == label))) for label in wanted]
        for stream, of in labels.items()
    }


@torch.inference_mode()
def _answers(
    network: QAMoE,
    control: QAMoE | None,
    pairs: Mapping[Stream, Sequence[int]],
    streams: Mapping[Stream, Sequence[Clip]],
) -> Answers:
    chosen = {m: [streams[m][number] for number in pairs[m]] for m in STREAMS}
    features, masks = {}, {}
    for stream, clips in chosen.items():
        features[stream], masks[stream] = _padded(clips)

    def published(stream: Stream, own: Tensor) -> Tensor:
        pairs = zip(own.tolist(), chosen[stream], strict=True)
        return torch.tensor([combine(stream, r, clip.evidence) for r, clip in pairs])

    values = torch.tensor([[clip.value for clip in chosen[m]] for m in STREAMS]).T
    truth = targets(values, torch.ones_like(values, dtype=torch.bool))
    # Like the estimator: a stream whose evidence is 0 takes no part.
    taking_part = {
        m: masks[m] & torch.tensor([clip.evidence.score > 0 for clip in chosen[m]])[:, None]
        for m in STREAMS
    }

    def off(answer: Prediction) -> Doubles:
        return (answer.value - truth).abs().numpy()

    return Answers(
        off(network(features, taking_part, trust=published)),
        off(network(features, masks, trust=fully)),
        None if control is None else off(control(features, masks, trust=fully)),
    )


def _padded(clips: Sequence[Clip]) -> tuple[Tensor, Tensor]:
    longest = max(1, *(len(clip.mask) for clip in clips))
    size = max(clip.features.shape[1] for clip in clips)
    features = torch.zeros(len(clips), longest, size)
    masks = torch.zeros(len(clips), longest, dtype=torch.bool)
    for place, clip in enumerate(clips):
        if len(clip.mask):
            features[place, : len(clip.mask)] = torch.from_numpy(clip.features)
            masks[place, : len(clip.mask)] = torch.from_numpy(clip.mask)
    return features, masks


def _row(
    found: Sequence[Answers], pairs: Mapping[Stream, Sequence[int]], people: People
) -> dict[str, Any]:
    persons = [str(voice) for voice in pairs["audio"]]

    def error(errors: Sequence[Doubles]) -> Draws:
        return people.mean(persons, np.mean(errors, axis=0))

    weighed = error([answers.weighed for answers in found])
    trusting = error([answers.trusting for answers in found])
    row = {
        "error with reliability": people.told(weighed),
        "without": people.told(trusting),
        "ratio": people.told(weighed / trusting),
        "gain": people.told(trusting - weighed),
    }
    controls = [answers.control for answers in found if answers.control is not None]
    if controls:
        control = error(controls)
        row |= {"control": people.told(control), "ratio to it": people.told(weighed / control)}
    return row
