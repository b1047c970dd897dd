"""Test conditions on the Continuous Reliability Spectrum, and applying them with fixed masks.

- "clean": all streams as they are;
- "I-a": fixed subsets of the streams;
- "I-b": a share eta of all streams missing, at least one of each sample kept (as GCNet does);
- "II": noise lambda on every stream; "II+" goes on to 2;
- "III": noise lambda, then each stream missing with probability eta: an 8 x 8 landscape;
- "one:<stream>:<lambda>": noise on one stream only.

lambda = 1 is Gaussian noise of one standard deviation of the training data. Where text is a
sequence, its steps are dropped with probability min(lambda, 1) in its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import get_args

import numpy as np

from models.study.data import Split
from streamer.errors import SettingError
from streamer.packets import Flags, Floats, Stream

PROTOCOLS = ("clean", "I-a", "I-b", "II", "II+", "III", "one:<stream>:<lambda>")

LEVELS = tuple(round(0.1 * step, 1) for step in range(8))
"""lambda and eta of protocols I-b, II (both without 0) and III (both axes)."""

STRONG_LEVELS = (1.0, 1.5, 2.0)
"""lambda of "II+"."""

MAX_NOISE = 2.0


@dataclass(frozen=True)
class Condition:
    """One test condition, ``name`` unique within its ``protocol``.

    ``noise`` is each stream's lambda in [0, 2]; ``missing`` is eta in [0, 1]; a stream that is not
    in ``present`` is absent from every sample; ``keep_one`` keeps at least one stream a sample.
    """

    protocol: str
    name: str
    noise: Mapping[Stream, float]
    present: tuple[Stream, ...]
    missing: float = 0.0
    keep_one: bool = False


@dataclass(frozen=True)
class Corrupted:
    """A split under a condition: ``split`` with zeros under its masks; ``severity[stream]`` (n,),
    the lambda that was applied, in [0, 2]; ``present[stream]`` (n,), whether anything is left."""

    split: Split
    severity: Mapping[Stream, Floats]
    present: Mapping[Stream, Flags]

    def __getitem__(self, rows: slice) -> "Corrupted":
        """The samples ``rows``."""
        return Corrupted(
            self.split[rows],
            {stream: values[rows] for stream, values in self.severity.items()},
            {stream: values[rows] for stream, values in self.present.items()},
        )

    @property
    def nothing_left(self) -> float:
        """Share of the samples in which no stream is present, in [0, 1]."""
        return float(1 - np.mean(np.any(list(self.present.values()), axis=0)))


def conditions(protocol: str, streams: tuple[Stream, ...]) -> tuple[Condition, ...]:
    """The conditions of one of PROTOCOLS. Raises SettingError where there is no such protocol."""
    clean = Condition("clean", "clean", dict.fromkeys(streams, 0.0), streams)

    def noisy(level: float) -> Condition:
        return replace(
            clean, protocol=protocol, name=f"{level:g}", noise=dict.fromkeys(streams, level)
        )

    match protocol.split(":"):
        case ["clean"]:
            return (clean,)
        case ["I-a"]:
            return tuple(
                replace(clean, protocol=protocol, name="+".join(subset), present=subset)
                for count in range(1, len(streams) + 1)
                for subset in combinations(streams, count)
            )
        case ["I-b"]:
            return tuple(
                replace(clean, protocol=protocol, name=f"{rate:g}", missing=rate, keep_one=True)
                for rate in _rates_with_one_kept(len(streams))
            )
        case ["II"]:
            return tuple(noisy(level) for level in LEVELS[1:])
        case ["II+"]:
            return tuple(noisy(level) for level in STRONG_LEVELS)
        case ["III"]:
            return tuple(
                replace(noisy(level), name=f"{level:g}/{rate:g}", missing=rate)
                for level in LEVELS
                for rate in LEVELS
            )
        case ["one", stream, level]:
            return (_one_stream(clean, stream, level),)
    raise SettingError(f"protocol {protocol!r}: must be one of {', '.join(PROTOCOLS)}")


def _rates_with_one_kept(streams: int) -> tuple[float, ...]:
    # With one of three streams kept no more than 2/3 can be missing, which the literature rounds
    # to 0.7; with one of two, no more than a half.
    highest = 1 - 1 / streams
    return tuple(rate for rate in LEVELS[1:] if rate < highest + 0.05)


def _one_stream(clean: Condition, stream: str, level: str) -> Condition:
    known = [name for name in get_args(Stream) if name == stream and name in clean.present]
    if not known:
        allowed = ", ".join(clean.present)
        raise SettingError(f"protocol one:{stream}:{level}: the stream must be one of {allowed}")
    try:
        intensity = float(level)
    except ValueError:
        intensity = np.nan
    if not 0 <= intensity <= MAX_NOISE:
        raise SettingError(f"protocol one:{stream}:{level}: lambda must lie in [0, {MAX_NOISE:g}]")
    noise = {name: intensity * (name == stream) for name in clean.present}
    return replace(clean, protocol="one", name=f"{stream}:{intensity:g}", noise=noise)


def deviations(split: Split) -> dict[Stream, Floats]:
    """Each stream's standard deviation (size,) over all steps that hold something."""
    return {
        stream: features[split.masks[stream]].std(axis=0, dtype=np.float64).astype(np.float32)
        if split.masks[stream].any()
        else np.zeros(features.shape[2], np.float32)
        for stream, features in split.features.items()
    }


def corrupt(
    split: Split, condition: Condition, deviation: Mapping[Stream, Floats], seed: int
) -> Corrupted:
    """``split`` under ``condition``; ``deviation[stream]`` (size,) of the training data.

    The masks and the noise follow from the seed, the condition's protocol and name, and the shape
    of the split alone, so every model is tested on the same.
    """
    rng = np.random.default_rng([seed, *f"{condition.protocol}/{condition.name}".encode()])
    features: dict[Stream, Floats] = {}
    masks: dict[Stream, Flags] = {}
    for stream, clean in split.features.items():
        level = condition.noise.get(stream, 0.0)
        mask = split.masks[stream]
        if stream == "text" and mask.shape[1] > 1:
            mask = mask & (rng.random(mask.shape) >= level)
        elif level > 0:
            noise = rng.standard_normal(clean.shape, dtype=np.float32)
            clean = clean + np.float32(level) * deviation[stream] * noise
        features[stream], masks[stream] = clean, mask
    kept = _kept(masks, condition, rng)
    masks = {stream: mask & kept[stream][:, None] for stream, mask in masks.items()}
    features = {stream: values * masks[stream][..., None] for stream, values in features.items()}
    severity = {
        stream: np.full(len(split), condition.noise.get(stream, 0.0), np.float32)
        for stream in features
    }
    present = {stream: np.asarray(mask.any(axis=1)) for stream, mask in masks.items()}
    return Corrupted(replace(split, features=features, masks=masks), severity, present)


def _kept(
    masks: Mapping[Stream, Flags], condition: Condition, rng: np.random.Generator
) -> dict[Stream, Flags]:
    """Which streams (n,) of each sample are left."""
    held = np.stack([mask.any(axis=1) & (m in condition.present) for m, mask in masks.items()], 1)
    if condition.keep_one:
        left = _keep_at_least_one(held, condition.missing, rng)
    else:
        left = held & (rng.random(held.shape) >= condition.missing)
    return dict(zip(masks, left.T, strict=True))


def _keep_at_least_one(held: Flags, missing: float, rng: np.random.Generator) -> Flags:
    """``held`` (n, streams) without a share ``missing`` of what it holds, but never a sample's
    last: one at random is spared, the rest is drawn from what remains, to the exact count."""
    spared = np.zeros_like(held)
    draw = np.where(held, rng.random(held.shape), -1.0)
    spared[np.arange(len(held)), draw.argmax(axis=1)] = True
    spared &= held
    others = rng.permutation(np.flatnonzero(held & ~spared))
    count = round(float((1 - missing) * held.sum())) - int(spared.sum())
    spared.flat[others[: max(count, 0)]] = True
    return spared
