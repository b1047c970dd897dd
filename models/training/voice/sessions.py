"""Imagined sessions: clips of one speaker in a random order, each normalised by those before it."""

from dataclasses import dataclass

import numpy as np

from models.features.voice_history import Heard, VoicePrior, blended
from models.training.extraction import Rows
from models.training.voice.material import VoiceMaterial
from streamer.packets import Floats

CHUNK = 500
"""Clips that are summed up at once."""


@dataclass(frozen=True)
class Sessions:
    """Of some clips (n,): the ``views`` they are heard in, and the ``mean`` and ``deviation``
    (n, VOICE_SIZE) that their steps are normalised by."""

    views: Rows
    mean: Floats
    deviation: Floats


def heard_clips(material: VoiceMaterial) -> Heard:
    """The sums of every clip in every view, (views, clips)."""
    clips = np.arange(len(material.examples))
    parts = [
        Heard.of(material.steps(view, chunk), material.mask[view, chunk])
        for view in range(len(material.mask))
        for chunk in np.array_split(clips, 1 + len(clips) // CHUNK)
    ]
    shape = (len(material.mask), len(clips))
    return Heard(
        np.concatenate([part.count for part in parts]).reshape(shape),
        np.concatenate([part.total for part in parts]).reshape(*shape, -1),
        np.concatenate([part.squares for part in parts]).reshape(*shape, -1),
    )


def voice_prior(material: VoiceMaterial, heard: Heard, rows: Rows) -> VoicePrior:
    """Statistics of the clean clips in ``rows``: every speaker of a corpus counts alike, and so
    does every corpus."""
    means, variances = [], []
    for corpus in np.unique(material.corpora[rows]):
        of_corpus = rows[material.corpora[rows] == corpus]
        speakers = []
        for person in np.unique(material.people[of_corpus]):
            clips = of_corpus[material.people[of_corpus] == person]
            count = max(heard.count[0, clips].sum(), 1)
            mean = heard.total[0, clips].sum(axis=0) / count
            variance = heard.squares[0, clips].sum(axis=0) / count - np.square(mean)
            speakers.append((mean, np.maximum(variance, 0)))
        means.append(np.mean([mean for mean, _ in speakers], axis=0))
        variances.append(np.mean([variance for _, variance in speakers], axis=0))
    return VoicePrior(
        np.mean(means, axis=0).astype(np.float32), np.mean(variances, axis=0).astype(np.float32)
    )


def draw_sessions(
    material: VoiceMaterial,
    heard: Heard,
    prior: VoicePrior,
    rows: Rows,
    rng: np.random.Generator,
    longest: int,
    view: int | None = None,
) -> Sessions:
    """Cuts each speaker's clips in ``rows``, in a random order, into sessions of up to ``longest``
    clips: their logarithms are uniform, as every session begins without a history. Each session
    is heard in one random view, or in ``view``; then a session has ``longest`` clips."""
    views = np.zeros(len(rows), np.int64)
    before = Heard(
        np.zeros(len(rows), np.float32), *(np.zeros_like(heard.total[0, rows]) for _ in range(2))
    )
    people = material.people[rows]
    for person in np.unique(people):
        at = rng.permutation(np.flatnonzero(people == person))
        while len(at):
            length = longest if view is not None else int(np.exp(rng.uniform(0, np.log(longest))))
            session, at = at[:length], at[length:]
            views[session] = rng.integers(len(material.mask)) if view is None else view
            clips = (views[session], rows[session])
            before.count[session] = _earlier(heard.count[clips])
            before.total[session] = _earlier(heard.total[clips])
            before.squares[session] = _earlier(heard.squares[clips])
    return Sessions(views, *blended(prior, before))


def _earlier(values: Floats) -> Floats:
    """Sums over the entries before each."""
    result = np.zeros_like(values)
    result[1:] = np.cumsum(values[:-1], axis=0)
    return result
