"""One trainer for all models of the study: the same degraded views, budget and selection."""

import copy
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR

from models.qamoe import Prediction
from models.study.data import Dataset
from models.study.protocols import Condition, Corrupted
from models.study.routed import Routed
from models.study.variants import WIDTH, Model, build
from models.study.views import (
    as_batch,
    clean_inputs,
    known_quality,
    sequences,
    training_views,
    validation_views,
)
from models.training.losses import task_loss
from models.training.spectrum import Batch
from streamer.packets import Floats, Stream

GRADIENT_LIMIT = 1.0

CHUNK = 250
"""Samples that are answered at a time: what a pass makes of more does not stay in the processor's
cache, and a whole split takes four times as long."""

VARIANCE_RATE = 10.0
"""Learning rate of a variance path with a loss of its own, in units of the others': it has to be
done when the task is, which on small data sets is after a few passes."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """``epochs`` passes over the training split in batches of ``batch``, but at least
    ``least_steps`` steps, which a small data set needs. The learning rate rises to
    ``learning_rate`` in the first tenth and then falls to nothing. The model is judged
    ``validations`` times, and the training ends early where it was no better ``patience`` times in
    a row."""

    epochs: int = 30
    least_steps: int = 500
    batch: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    validations: int = 30
    patience: int = 12
    width: int = WIDTH


@dataclass(frozen=True)
class Trained:
    """The best model, its validation loss (mean absolute error in units of the label), and what
    its training took: passes over the data until the end, and seconds."""

    model: Model
    valid_loss: float
    epochs: float
    seconds: float


@dataclass(frozen=True)
class Answers:
    """For n samples: ``values`` (n,) in [-1, 1] with standard ``deviations`` (n,),
    ``class_probabilities`` (n, 3); per stream ``reliability`` (n,) in [0, 1], 0 where absent, and
    ``routing`` (n, experts), for models that route."""

    values: Floats
    deviations: Floats
    class_probabilities: Floats
    reliability: dict[Stream, Floats]
    routing: dict[Stream, Floats]


def train(
    model_name: str,
    dataset: Dataset,
    budget: Budget,
    seed: int,
    specialise: Condition | None = None,
    device: str = "cpu",
) -> Trained:
    """Trains on the spectrum, or as a specialist on the one condition ``specialise``.

    The same seed gives the same model, and every model sees the same degraded views. Selection is
    on the validation split under fixed conditions, the same for every model and seed.
    """
    started = time.perf_counter()
    with torch.random.fork_rng(), _one_thread():
        torch.manual_seed(seed)
        model = build(model_name, dataset.sizes, budget.width).to(device)
        model.adapt({m: x.to(device) for m, x in clean_inputs(dataset.train).items()})
        loss, epochs = _fit(model, dataset, budget, seed, specialise)
    return Trained(model, loss, epochs, time.perf_counter() - started)


def predict(trained: Trained, corrupted: Corrupted, permute: int | None = None) -> Answers:
    """The model's answers to a whole split.

    With ``permute`` (a seed) each stream's reliability goes to another sample of those in which
    the stream is present: if the answers stay as good, reliability is not used (Quality-Aware
    Fusion Diagnostic, 2026). Raises ValueError where the model has no reliability to permute.
    """
    return answers(trained.model, corrupted, permute)


def answers(model: Model, corrupted: Corrupted, permute: int | None = None) -> Answers:
    """As predict, of a model that need not be trained."""
    model.train(False)
    with torch.inference_mode(), _one_thread():
        found = _in_chunks(model, corrupted)
        if permute is not None:
            moved = _permuted(model, corrupted, found.reliability, permute)
            found = _in_chunks(model, corrupted, moved)
    return found


def _in_chunks(
    model: Model, corrupted: Corrupted, reliability: Mapping[Stream, Floats] | None = None
) -> Answers:
    parts = []
    for start in range(0, len(corrupted.split), CHUNK):
        rows = slice(start, start + CHUNK)
        given = reliability and {m: r[rows] for m, r in reliability.items()}
        parts.append(_as_answers(_forward(model, corrupted[rows], given)))
    return Answers(
        values=np.concatenate([part.values for part in parts]),
        deviations=np.concatenate([part.deviations for part in parts]),
        class_probabilities=np.concatenate([part.class_probabilities for part in parts]),
        reliability=_joined([part.reliability for part in parts]),
        routing=_joined([part.routing for part in parts]),
    )


def _as_answers(prediction: Prediction) -> Answers:
    return Answers(
        values=_array(prediction.value),
        deviations=_array((0.5 * prediction.log_variance).exp()),
        class_probabilities=_array(prediction.class_logits.softmax(dim=1)),
        reliability={m: _array(r) for m, r in prediction.reliability.items()},
        routing={m: _array(gates) for m, gates in prediction.routing.items()},
    )


def _joined(parts: Sequence[Mapping[Stream, Floats]]) -> dict[Stream, Floats]:
    return {m: np.concatenate([part[m] for part in parts]) for m in parts[0]}


def _fit(
    model: Model, dataset: Dataset, budget: Budget, seed: int, specialise: Condition | None
) -> tuple[float, float]:
    """The least validation loss, with which ``model`` is left, and the passes it took."""
    device = _device(model)
    batches = -(-len(dataset.train) // budget.batch)
    steps = max(budget.epochs * batches, budget.least_steps)
    interval = max(steps // budget.validations, 1)
    optimiser, schedule = _optimiser(model, budget, steps)
    validation = validation_views(dataset, specialise)
    views = training_views(dataset, budget.batch, seed, specialise)
    losses: list[float] = []
    best = copy.deepcopy(model.state_dict())
    for step in range(1, steps + 1):
        clean, corrupted = next(views)
        _descend(model, optimiser, as_batch(clean, corrupted, device), corrupted)
        schedule.step()
        if step % interval:
            continue
        losses.append(_validation_loss(model, validation))
        if losses[-1] == min(losses):
            best = copy.deepcopy(model.state_dict())
        if len(losses) - int(np.argmin(losses)) > budget.patience:
            break
    model.load_state_dict(best)
    model.train(False)
    return min(losses), step / batches


def _descend(model: Model, optimiser: AdamW, batch: Batch, corrupted: Corrupted) -> None:
    model.train(True)
    prediction = _forward(model, corrupted)
    loss = task_loss(prediction, batch) + model.own_loss(prediction, batch)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    # Apart, since at first the gradients of the variance would drown the task's.
    for part in _parts(model):
        torch.nn.utils.clip_grad_norm_(part, GRADIENT_LIMIT)
    optimiser.step()


def _parts(model: Model) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The weights that the task trains, and those of a variance path with a loss of its own."""
    apart = isinstance(model, Routed) and model.variance_path == "input"
    task: list[nn.Parameter] = []
    variance: list[nn.Parameter] = []
    for name, weights in model.named_parameters():
        (variance if apart and name.startswith("to_variance.") else task).append(weights)
    return task, variance


def _optimiser(model: Model, budget: Budget, steps: int) -> tuple[AdamW, OneCycleLR]:
    parts = [part for part in _parts(model) if part]
    rates = [budget.learning_rate, budget.learning_rate * VARIANCE_RATE][: len(parts)]
    optimiser = AdamW([{"params": part} for part in parts], weight_decay=budget.weight_decay)
    return optimiser, OneCycleLR(optimiser, rates, total_steps=steps, pct_start=0.1)


def _validation_loss(model: Model, validation: list[Corrupted]) -> float:
    errors = [
        np.abs(answers(model, corrupted).values - corrupted.split.labels).mean()
        for corrupted in validation
    ]
    return float(np.mean(errors))


def _forward(
    model: Model, corrupted: Corrupted, reliability: Mapping[Stream, Floats] | None = None
) -> Prediction:
    device = _device(model)
    seen = sequences(corrupted.split, device)
    features = {stream: values.features for stream, values in seen.items()}
    masks = {stream: values.mask for stream, values in seen.items()}
    known = known_quality(corrupted, device)
    prediction: Prediction
    if reliability is None:
        prediction = model(features, masks, known=known)
    else:
        given = {m: torch.from_numpy(r).to(device) for m, r in reliability.items()}
        prediction = model(features, masks, known=known, reliability=given)
    return prediction


def _permuted(
    model: Model, corrupted: Corrupted, reliability: Mapping[Stream, Floats], seed: int
) -> dict[Stream, Floats]:
    """``reliability`` (n,) of each stream, given to other samples in which the stream is there."""
    if not isinstance(model, Routed):
        raise ValueError(f"{type(model).__name__}: has no reliability to permute")
    rng = np.random.default_rng(seed)
    moved: dict[Stream, Floats] = {}
    for stream, values in reliability.items():
        present = np.flatnonzero(corrupted.present[stream])
        moved[stream] = values.copy()
        moved[stream][present] = values[rng.permutation(present)]
    return moved


def _device(model: Model) -> torch.device:
    return next(model.parameters()).device


def _array(values: Tensor) -> Floats:
    array: Floats = values.float().cpu().numpy()
    return array


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums come out the same on any number of cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
