"""What the expression network, the blendshapes and the pose say together about one picture."""

from typing import Self

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from models.features.expression import EXPRESSIONS
from models.training.corpora import EMOTION_VALUES
from models.training.face.crops import FacePictures
from streamer.packets import Floats

Doubles = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int64]

REGULARISATION = 0.03
"""Inverse strength of the penalty on the weights; best on the validation split."""

SIGNS = tuple(
    1 + int(np.sign(EMOTION_VALUES[name])) if name in EMOTION_VALUES else -1 for name in EXPRESSIONS
)
"""Class of each expression: 0 negative, 1 neutral, 2 positive; -1 for surprise, which has none."""


class JointHead:
    """Logistic regression on embedding, blendshapes, pose and whether a face was found."""

    def __init__(self, regression: Pipeline, prior: Doubles) -> None:
        self._regression = regression
        self.prior = prior
        """Share of each of the three classes in the pictures it was fitted on."""

    @classmethod
    def fit(cls, pictures: FacePictures, embedding: Floats) -> Self:
        """To ``pictures`` with their ``embedding`` (n, EXPRESSION_SIZE)."""
        regression = make_pipeline(
            StandardScaler(), LogisticRegression(C=REGULARISATION, max_iter=2000)
        )
        regression.fit(_inputs(pictures, embedding), pictures.labels)
        return cls(regression, sign_shares(pictures.labels))

    def probabilities(self, pictures: FacePictures, embedding: Floats) -> Doubles:
        """Probability (n, 7) of each of EXPRESSIONS."""
        return np.asarray(self._regression.predict_proba(_inputs(pictures, embedding)))


def signs_of(probabilities: Doubles, prior: Doubles) -> Classes:
    """Class (n,) of ``probabilities`` (n, 7): the one that gains most on its share ``prior`` (3,),
    which is what balanced accuracy asks for."""
    gained = [
        probabilities[:, np.equal(SIGNS, sign)].sum(axis=1) / prior[sign] for sign in range(3)
    ]
    return np.asarray(np.argmax(gained, axis=0))


def sign_shares(labels: Classes) -> Doubles:
    """Share (3,) of each class in ``labels`` (n,), surprise left out."""
    signs = np.array(SIGNS)[labels]
    counts = np.bincount(signs[signs >= 0], minlength=3)
    return np.asarray(counts / counts.sum())


def _inputs(pictures: FacePictures, embedding: Floats) -> Doubles:
    return np.column_stack([embedding, pictures.features, pictures.found]).astype(np.float64)
