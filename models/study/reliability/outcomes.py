"""What invented words do to the fused value: guarded, as heard, and with Whisper's limits alone."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from models.estimator import Estimator
from models.features.voice import encode
from models.rehearsal import hear, windows
from models.study.reliability.noises import Noise
from models.training.reliability.stage import Stage
from models.transcription import Hypothesis, Recognizer
from streamer.packets import SAMPLE_RATE, SECOND, Estimate, Evidence, Window

Line = Literal["guard", "limits", "bare"]
LINES: tuple[Line, ...] = ("bare", "limits", "guard")
"""Every word Whisper hears, all but those of hypotheses beyond its own limits, and the product."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One window on one line: its words, whether they took part in the fused value, and by how
    much the value moved for them. Where the estimate abstains, its value counts as 0, neutral."""

    words: str
    used: bool
    moved: float


@dataclass(frozen=True, slots=True)
class Judged:
    """One window of ``noise``, by line."""

    noise: Noise
    outcomes: Mapping[Line, Outcome]


def judge(noise: Noise, stage: Stage) -> list[Judged]:
    """Every full window of a session that consists of ``noise``."""
    length = stage.settings.window.length_ns
    sent = hear(noise.samples, stage.settings, stage.whisper)
    revisions = [w for w in windows(sent, stage.settings) if w.end - w.start == length]
    closed = list({window.hop: window for window in revisions}.values())
    without = {
        window.hop: estimate.value or 0.0
        for window, estimate in _estimated((_silent(w) for w in closed), stage.estimator())
    }
    heard = [_hypothesis(window, noise, stage) for window in closed]
    lines: dict[Line, Iterator[tuple[Window, Estimate]]] = {
        "guard": _estimated(revisions, stage.estimator()),
        "limits": _estimated(
            (_saying(w, Hypothesis() if h.failed else h) for w, h in zip(closed, heard)),  # noqa: B905
            _believer(stage),
        ),
        "bare": _estimated(map(_saying, closed, heard), _believer(stage)),
    }
    outcomes = {line: _outcomes(estimated, without) for line, estimated in lines.items()}
    return [Judged(noise, {line: outcomes[line][hop] for line in LINES}) for hop in without]


class _Believer(Estimator):
    def _heard_well(self, *_: object) -> Evidence:
        return Evidence(1.0, None, {})


def _believer(stage: Stage) -> Estimator:
    """One that believes every word."""
    floor = stage.settings.analyzer.reliability_floor
    return _Believer(stage.network, stage.words, stage.voice, floor)


def _hypothesis(window: Window, noise: Noise, stage: Stage) -> Hypothesis:
    first, last = (time * SAMPLE_RATE // SECOND for time in (window.start, window.end))
    encoded = encode(stage.whisper, noise.samples[first:last])
    seconds = (last - first) / SAMPLE_RATE
    return Recognizer(stage.whisper).hear(encoded, seconds, window.start)


def _saying(window: Window, heard: Hypothesis) -> Window:
    return replace(window, words=heard.words, words_age=0)


def _silent(window: Window) -> Window:
    return replace(window, words=(), heard=None)


def _estimated(
    sequence: Iterable[Window], estimator: Estimator
) -> Iterator[tuple[Window, Estimate]]:
    return ((window, estimator.estimate(window)) for window in sequence)


def _outcomes(
    estimated: Iterable[tuple[Window, Estimate]], without: Mapping[int, float]
) -> dict[int, Outcome]:
    """By hop, over all revisions of its window; ``without`` are the values without words."""
    outcomes: dict[int, Outcome] = {}
    for window, estimate in estimated:
        before = outcomes.get(window.hop, Outcome("", False, 0.0))
        moved = abs((estimate.value or 0.0) - without[window.hop])
        outcomes[window.hop] = Outcome(
            " ".join(word.text for word in window.words) or before.words,
            before.used or estimate.reliability["text"].value > 0,
            max(before.moved, moved),
        )
    return outcomes
