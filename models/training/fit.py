"""One training run: from a seed to the network that does best on the validation people."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from models.corruption import Condition, draw_condition
from models.qamoe import Prediction, QAMoE, QAMoEConfig
from models.training.losses import total_loss
from models.training.pairing import Material, batches, draw_pairs
from models.training.settings import FitSettings, NetworkSettings, Variant
from models.training.spectrum import Batch, Spectrum
from streamer.packets import STREAMS, Stream

STATISTICS_ROWS = 4000
"""Training examples of each stream that its mean and deviation are taken from."""

VALIDATION_POINTS = ((0.0, 0.0), (0.0, 0.5), (0.5, 0.0), (0.5, 0.5))
"""(lambda, eta) at which a network is judged on the validation people."""

VALIDATION_SEED = 71
VALIDATION_BATCH = 200


@dataclass(frozen=True)
class Run:
    """What came of one training: the best network, its epoch, and the losses of every epoch."""

    model: QAMoE
    best_epoch: int
    train_losses: tuple[float, ...]
    validation_losses: tuple[float, ...]


def fit(
    material: Material,
    network: NetworkSettings,
    variant: Variant,
    settings: FitSettings,
    seed: int,
    on_epoch: Callable[[], None] = lambda: None,
) -> Run:
    """Trains on the ``train`` split and selects the epoch on ``valid``; the same seed gives the
    same network. ``on_epoch`` is called after each epoch."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _fit(material, network, variant, settings, seed, on_epoch)


def _fit(
    material: Material,
    network: NetworkSettings,
    variant: Variant,
    settings: FitSettings,
    seed: int,
    on_epoch: Callable[[], None],
) -> Run:
    rng = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)
    model = new_model(material, network, variant)
    spectrum = Spectrum(material, deviations(model), settings.raw_damage, augment=True)
    optimiser = torch.optim.AdamW(
        model.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    steps = settings.epochs * -(-settings.pairs // settings.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=steps, pct_start=0.1
    )
    validation = _validation_batches(material, model, settings)
    best = copy.deepcopy(model.state_dict())
    train_losses: list[float] = []
    validation_losses: list[float] = []
    for _ in range(settings.epochs):
        model.train(True)
        losses = []
        for pairs in batches(
            draw_pairs(material.corpora, "train", settings.pairs, rng), settings.batch
        ):
            condition = draw_condition(STREAMS, generator, shared=settings.noise == "shared")
            batch = spectrum.batch(pairs, condition, rng)
            prediction = predict(model, batch)
            loss = total_loss(model, prediction, batch)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            _limit_gradients(model)
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
        train_losses.append(float(np.mean(losses)))
        validation_losses.append(_validation_loss(model, validation))
        if validation_losses[-1] == min(validation_losses):
            best = copy.deepcopy(model.state_dict())
        on_epoch()
    model.load_state_dict(best)
    model.train(False)
    best_epoch = int(np.argmin(validation_losses))
    return Run(model, best_epoch, tuple(train_losses), tuple(validation_losses))


def _limit_gradients(model: QAMoE) -> None:
    """To a norm of 1, the variance path apart: at first its gradients would drown the task's."""
    variance = list(model.to_variance.parameters())
    theirs = set(map(id, variance))
    task = [weights for weights in model.parameters() if id(weights) not in theirs]
    for part in (task, variance):
        torch.nn.utils.clip_grad_norm_(part, 1.0)


def new_model(material: Material, network: NetworkSettings, variant: Variant) -> QAMoE:
    """An untrained network that knows the training data's mean and deviation."""
    shown = {stream: material.clean_steps(stream, STATISTICS_ROWS) for stream in STREAMS}
    sizes = {stream: steps.shape[1] for stream, steps in shown.items()}
    model = QAMoE(QAMoEConfig(sizes, **network.model_dump(), **variant._asdict()))
    for stream, steps in shown.items():
        model.standardisation(stream).set(
            torch.from_numpy(steps.mean(axis=0)), torch.from_numpy(steps.std(axis=0))
        )
    return model


def deviations(model: QAMoE) -> dict[Stream, torch.Tensor]:
    """The training data's deviation of each stream's features: the unit of lambda."""
    return {stream: model.standardisation(stream).deviation for stream in model.streams}


def predict(model: QAMoE, batch: Batch) -> Prediction:
    """The network's answer to a batch as the network gets to see it."""
    features = {stream: sequences.features for stream, sequences in batch.seen.items()}
    masks = {stream: sequences.mask for stream, sequences in batch.seen.items()}
    prediction: Prediction = model(features, masks)
    return prediction


def _validation_batches(material: Material, model: QAMoE, settings: FitSettings) -> list[Batch]:
    """The same for every seed and variant, so that their losses can be compared."""
    rng = np.random.default_rng(VALIDATION_SEED)
    pairs = draw_pairs(material.corpora, "valid", settings.validation_pairs, rng)
    spectrum = Spectrum(material, deviations(model))
    return [
        spectrum.batch(part, Condition(dict.fromkeys(STREAMS, noise), missing), rng)
        for noise, missing in VALIDATION_POINTS
        for part in batches(pairs, VALIDATION_BATCH)
    ]


def _validation_loss(model: QAMoE, validation: list[Batch]) -> float:
    model.train(False)
    with torch.inference_mode():
        losses = [total_loss(model, predict(model, batch), batch) for batch in validation]
        return float(np.mean(losses))
