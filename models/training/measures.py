"""The figures of words, voice and face alone, each with its bootstrap interval."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import numpy.typing as npt

from models.study.statistics import Draws, Resamples, interval
from streamer.packets import Flags

Values = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int64]

DRAWS = 1000
SEED = 1111


def resampled(people: Sequence[object]) -> Draws:
    """Weights (1 + DRAWS, n) of n samples, first as they are, then with the ``people`` they are of
    drawn anew; all of one person's come together. Videos or pictures may stand for people."""
    _, numbers = np.unique(np.array([str(person) for person in people]), return_inverse=True)
    rng = np.random.default_rng(SEED)
    return Resamples.draw(1, numbers, DRAWS, rng).sample_weights


def share(right: Flags, counted: Flags, weights: Draws) -> Draws:
    """Of the samples (n,) that are ``counted``, the share that is ``right``, for each draw; NaN in
    a draw that has none of them."""
    total = weights @ counted.astype(np.float64)
    return np.divide(
        weights @ (right & counted), total, out=np.full_like(total, np.nan), where=total > 0
    )


def balanced(answer: Classes, truth: Classes, counted: Flags, weights: Draws) -> Draws:
    """Mean over the classes that occur of the share of each that is named rightly."""
    shares = [
        share(answer == truth, counted & (truth == sign), weights)
        for sign in np.unique(truth[counted])
    ]
    return np.asarray(np.nanmean(shares, axis=0))


def correlation(values: Values, wanted: Values, weights: Draws) -> Draws:
    """Pearson's correlation of ``values`` with ``wanted``, both (n,), for each draw."""

    def mean(products: Values) -> Draws:
        means: Draws = weights @ products
        return means

    ours, theirs = values - values.mean(), wanted - wanted.mean()
    covariance = mean(ours * theirs) - mean(ours) * mean(theirs)
    variances = [mean(side**2) - mean(side) ** 2 for side in (ours, theirs)]
    return np.asarray(covariance / np.sqrt(variances[0] * variances[1]))


def figure(draws: Draws) -> dict[str, float]:
    """``estimate`` and the ``low`` and ``high`` end of its 95 % interval; draws in which there was
    nothing to count are left out."""
    known = np.concatenate([draws[:1], draws[1:][np.isfinite(draws[1:])]])
    return {name: round(value, 4) for name, value in asdict(interval(known)).items()}
