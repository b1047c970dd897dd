"""The face's figures on FER2013's test split, clean and damaged, with intervals.

Run as ``python -m models.training.face.figures --data DATA``.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.checkpoint_files import SHIPPED, TUNED
from models.features.crop import CROP_SIDE
from models.features.expression import Expression
from models.study.statistics import Draws
from models.training.face.augment import augmented
from models.training.face.crops import CENTRE, FacePictures, face_crops
from models.training.face.damage import MEDIUM_DAMAGE
from models.training.face.joint import SIGNS, Classes, Doubles, JointHead, sign_shares, signs_of
from models.training.measures import balanced, figure, resampled, share
from streamer.assets import Assets
from streamer.packets import Floats, Image
from streamer.settings import load_settings

SEED = 1111
BATCH = 128
SPEED_CROPS = 200

MAJORITY = 0
"""The class of most pictures, negative: what counts as said where no face was found."""

Figures = dict[str, Any]
"""Nested figures that JSON can hold; each measured one has estimate, low and high."""


@dataclass(frozen=True)
class Answers:
    """What was said of ``pictures``: probabilities (n, 7) by the joint head and by the network
    alone, and the classes' shares in training (3,)."""

    pictures: FacePictures
    joint: Doubles
    network: Doubles
    prior: Doubles


def face_figures(
    data: Path,
    face_landmarker: Path,
    weights: Path = SHIPPED / TUNED["vision"],
    on_step: Callable[[], None] = lambda: None,
) -> Figures:
    """All figures of the ``weights`` on FER2013 in ``data``; minutes, once the crops are cached.

    ``all`` counts every picture, with the whole picture as the crop where no face was found;
    ``found`` the pictures with a face, whose share is ``coverage``; ``live`` every picture, with
    MAJORITY as the answer where no face was found, for then the live line says nothing.
    """
    expression = Expression.load(weights)
    train = face_crops(data, face_landmarker, "train", on_step=on_step)
    # The network knows the training crops as they are too well: the head must not trust it so.
    changed = augmented(train.crops, CROP_SIDE, np.random.default_rng(SEED))
    head = JointHead.fit(train, embedded(expression, changed))
    prior = sign_shares(train.labels)

    def answered(view: str) -> Answers:
        test = face_crops(data, face_landmarker, "test", view, on_step)
        embedding = embedded(expression, test.crops[CENTRE])
        logits = torch.from_numpy(expression.classified(embedding))
        network = torch.softmax(logits, 1).numpy().astype(np.float64)
        return Answers(test, head.probabilities(test, embedding), network, prior)

    clean = answered("clean")
    damaged = {kind: answered(kind) for kind in MEDIUM_DAMAGE}
    draws = resampled(range(len(clean.pictures)))
    return {
        "clean": _clean(clean, draws),
        "damaged": _damaged(damaged, draws),
        "milliseconds_per_crop": _milliseconds(expression, clean.pictures.crops[CENTRE]),
        "pictures": len(clean.pictures),
        "pictures_with_sign": int(np.count_nonzero(_signs(clean.pictures) >= 0)),
    }


def embedded(expression: Expression, crops: Image) -> Floats:
    """Embedding (n, EXPRESSION_SIZE) of ``crops`` (n, 48, 48)."""
    return np.concatenate(
        [expression.embed(crops[start : start + BATCH]) for start in range(0, len(crops), BATCH)]
    )


def _clean(answers: Answers, draws: Draws) -> Figures:
    pictures = answers.pictures
    everyone = np.ones(len(pictures), np.bool_)
    seven = {
        f"{name}_{which}": figure(share(said.argmax(axis=1) == pictures.labels, counted, draws))
        for name, said in (("joint", answers.joint), ("network", answers.network))
        for which, counted in (("all", everyone), ("found", pictures.found))
    }
    three = {name: figure(values) for name, values in _balanced(answers, draws).items()}
    return {"coverage": float(pictures.found.mean()), "accuracy_7": seven, "balanced_3": three}


def _damaged(damaged: dict[str, Answers], draws: Draws) -> Figures:
    values = {kind: _balanced(answers, draws) for kind, answers in damaged.items()}
    names = next(iter(values.values()))
    mean = {name: np.mean([of_kind[name] for of_kind in values.values()], axis=0) for name in names}
    coverage = {kind: float(answers.pictures.found.mean()) for kind, answers in damaged.items()}
    coverage["mean"] = float(np.mean(list(coverage.values())))
    return {
        kind: {"coverage": coverage[kind],
               "balanced_3": {name: figure(v) for name, v in rows.items()}}
        for kind, rows in (*values.items(), ("mean", mean))
    }  # fmt: skip


def _balanced(answers: Answers, draws: Draws) -> dict[str, Draws]:
    truth = _signs(answers.pictures)
    everyone = truth >= 0
    found = answers.pictures.found & everyone
    joint = signs_of(answers.joint, answers.prior)
    network = signs_of(answers.network, answers.prior)
    live = np.where(answers.pictures.found, joint, MAJORITY)
    return {
        "joint_all": balanced(joint, truth, everyone, draws),
        "joint_found": balanced(joint, truth, found, draws),
        "joint_live": balanced(live, truth, everyone, draws),
        "network_all": balanced(network, truth, everyone, draws),
        "network_found": balanced(network, truth, found, draws),
    }


def _signs(pictures: FacePictures) -> Classes:
    return np.array(SIGNS)[pictures.labels]


def _milliseconds(expression: Expression, crops: Image) -> float:
    """Median time of one crop at a time, as the camera's pictures come."""
    times = []
    for crop in crops[:SPEED_CROPS]:
        start = time.perf_counter()
        expression.embed(crop[None])
        times.append(time.perf_counter() - start)
    return round(1000 * float(np.median(times)), 2)


def main() -> None:
    """Prints the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=SHIPPED / TUNED["vision"])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    task = Assets(load_settings().assets).file("face-landmarker", "face_landmarker.task")
    print(json.dumps(face_figures(arguments.data, task, arguments.weights), indent=2))


if __name__ == "__main__":
    main()
