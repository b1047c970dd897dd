"""Signals to damage, and how the damage is done in these tests."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from models.degradation import AudioDamage, VideoDamage, WordsDamage
from models.reliability import LOW, Ramp
from streamer.packets import SAMPLE_RATE, SECOND, Evidence, Floats, Image, Word, Words
from streamer.settings import DamageSettings

FRAME_RATE = 15
HOP = SECOND // 2
SEED = 7


def damage(
    stream: str, kind: str, severity: float = 1.0, start: float = 1, end: float | None = 2,
    **more: Any,
) -> DamageSettings:  # fmt: skip
    values = {"stream": stream, "kind": kind, "severity": severity, "start": start, "end": end}
    return DamageSettings.model_validate(values | more)


def sound(seconds: float, seed: int = 0) -> Floats:
    """White noise at -20 dBFS."""
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal(round(seconds * SAMPLE_RATE))).astype(np.float32)


def voice(seconds: float) -> Floats:
    """A buzz of 120 Hz in syllables, at about -20 dBFS: what speech coders are made for."""
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    buzz = sum(np.cos(2 * np.pi * 120 * k * times) / k for k in range(1, 30))
    return (0.08 * buzz * np.sin(np.pi * 3 * times) ** 2).astype(np.float32)


def in_pieces(
    damages: Sequence[DamageSettings], samples: Floats, cuts: Sequence[int] = (), seed: int = SEED
) -> Floats:
    applied = AudioDamage(damages, np.random.default_rng(seed))
    edges = [0, *sorted(cuts), len(samples)]
    return np.concatenate(
        [applied.apply(samples[a:b], a * SECOND // SAMPLE_RATE) for a, b in pairwise(edges)]
    )


def pictures(count: int) -> list[Image]:
    """Noise, another in each picture."""
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(count)]


def shown(
    damages: Sequence[DamageSettings], images: Sequence[Image], seed: int = SEED,
    landmarks: Floats | None = None,
) -> list[Image | None]:  # fmt: skip
    applied = VideoDamage(damages, np.random.default_rng(seed))
    return [
        applied.apply(image, index * SECOND // FRAME_RATE, landmarks)
        for index, image in enumerate(images)
    ]


def spoken(words: Sequence[Word], hops: Sequence[int]) -> list[Words]:
    """Packets that end with ``hops`` and bring each of ``words`` once it is over."""
    packets, before = [], 0
    for hop in hops:
        until = (hop + 1) * HOP
        new = tuple(word for word in words if before < word.end <= until)
        packets.append(Words(hop, new, until, no_speech=0.1, log_probability=-0.3, compression=1.2))
        before = until
    return packets


def heard(
    damages: Sequence[DamageSettings], packets: Sequence[Words], seed: int = SEED
) -> list[Words]:
    applied = WordsDamage(damages, np.random.default_rng(seed), HOP)
    return [applied.apply(packet) for packet in packets]


def worst(evidence: Evidence, window: Mapping[str, Ramp], recent: Mapping[str, Ramp]) -> str | None:
    """What the measure with the least score of all is called, be it bad enough to be said or not;
    None where none is below 1."""
    ramps = {**window, **{f"recent_{name}": ramp for name, ramp in recent.items()}}
    scores = {
        name: ramps[name](value) for name, value in evidence.measures.items() if name in ramps
    }
    name = min(scores, key=lambda name: scores[name])
    assert evidence.score <= scores[name]
    assert (evidence.reason is None) == (evidence.score >= LOW)
    return ramps[name].reason if scores[name] < 1 else None
