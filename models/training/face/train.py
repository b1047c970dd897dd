"""Trains the expression network from nothing on FER2013's training split."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.features.crop import CROP_SIDE
from models.features.expression import ExpressionNet, standardised
from models.training.face.augment import augmented
from models.training.face.crops import CENTRE, FacePictures, face_crops
from models.training.face.settings import FaceSettings
from streamer.errors import SettingError
from streamer.packets import Image

EVALUATED = 128
"""Pictures in one step of an evaluation."""


def train_expression(
    settings: FaceSettings,
    data: Path,
    face_landmarker: Path,
    out: Path,
    on_step: Callable[[str], None] = lambda _: None,
) -> Path:
    """Trains on FER2013 in ``data``, as ``fit_expression`` does; crops that are not in the cache
    are computed first. Raises SourceError where FER2013 is missing."""
    train = face_crops(data, face_landmarker, "train", on_step=lambda: on_step("crops"))
    valid = face_crops(data, face_landmarker, "valid", on_step=lambda: on_step("crops"))
    return fit_expression(settings, train, valid, out, on_step)


def fit_expression(
    settings: FaceSettings,
    train: FacePictures,
    valid: FacePictures,
    out: Path,
    on_step: Callable[[str], None] = lambda _: None,
) -> Path:
    """Trains on ``train`` and writes the weights' running average, float16, to ``out``.

    The same settings give the same weights on the same machine. Beside ``out`` lies a checkpoint
    of the last epoch, from which an interrupted training goes on. ``on_step`` is told of every
    epoch, with the accuracy on ``valid``. Raises SettingError where the checkpoint is not of these
    settings.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        run = _Run(settings, len(train))
    checkpoint = out.with_suffix(".checkpoint.safetensors")
    done = run.resume(checkpoint) if checkpoint.exists() else 0
    for epoch, side in list(enumerate(settings.sides))[done:]:
        loss = run.epoch(train, epoch)
        run.save(checkpoint, epoch + 1)
        right = accuracy(run.averaged, valid, side)
        on_step(
            f"epoch {epoch + 1} of {len(settings.sides)}: loss {loss:.3f}, "
            f"accuracy {right:.4f} on the validation split"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: values.half().contiguous() for name, values in _floats(run.averaged)}, out)
    return out


def accuracy(net: ExpressionNet, pictures: FacePictures, side: int = CROP_SIDE) -> float:
    """Share of ``pictures``, seen with ``side`` pixels, whose expression of seven ``net`` names."""
    net.train(False)
    right = []
    with torch.inference_mode():
        for start in range(0, len(pictures), EVALUATED):
            crops = [
                resized(crop, side) for crop in pictures.crops[start : start + EVALUATED][CENTRE]
            ]
            named = net(standardised(np.stack(crops)))[1].argmax(1).numpy()
            right.append(named == pictures.labels[start : start + EVALUATED])
    return float(np.concatenate(right).mean())


def resized(crop: Image, side: int) -> Image:
    """``crop`` at ``side`` pixels."""
    return np.asarray(cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


class _Run:
    """A training between two steps: network, its running average, and the optimiser."""

    def __init__(self, settings: FaceSettings, pictures: int) -> None:
        self.settings = settings
        self.net = ExpressionNet().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = ExpressionNet()
        self.averaged.load_state_dict(self.net.state_dict())
        self.steps_per_epoch = pictures // settings.batch
        self.optimiser = torch.optim.SGD(
            self.net.parameters(), settings.learning_rate, momentum=0.9, nesterov=True,
            weight_decay=settings.weight_decay,
        )  # fmt: skip
        self.criterion = torch.nn.CrossEntropyLoss(label_smoothing=settings.label_smoothing)

    def epoch(self, train: FacePictures, epoch: int) -> float:
        """One pass over ``train``; returns the mean loss."""
        self.net.train(True)
        losses = []
        for step, (crops, labels) in enumerate(self._batches(train, epoch)):
            rate = self._learning_rate(epoch + step / self.steps_per_epoch)
            self.optimiser.param_groups[0]["lr"] = rate
            # bfloat16 for the products, which is three times faster where the processor has it.
            with torch.autocast("cpu", torch.bfloat16):
                _, logits = self.net(crops)
            loss = self.criterion(logits.float(), labels)
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            self._average(epoch * self.steps_per_epoch + step)
            losses.append(loss.item())
        return float(np.mean(losses))

    def _batches(self, train: FacePictures, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        side = self.settings.sides[epoch]
        rng = np.random.default_rng([self.settings.seed, epoch])
        order = rng.permutation(len(train))[: self.steps_per_epoch * self.settings.batch]
        for rows in np.split(order, self.steps_per_epoch):
            crops = standardised(augmented(train.crops[rows], side, rng))
            yield crops, torch.from_numpy(train.labels[rows])

    def _learning_rate(self, epochs: float) -> float:
        """After ``epochs``: up in a line, down in half a cosine (Smith and Topin, 2018)."""
        settings = self.settings
        if epochs < settings.warm_up:
            return settings.learning_rate * (0.1 + 0.9 * epochs / settings.warm_up)
        fallen = min(1, (epochs - settings.warm_up) / (settings.horizon - settings.warm_up))
        cooled = min(1, (len(settings.sides) - epochs) / settings.cool_down)
        return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * fallen)) * cooled

    def _average(self, step: int) -> None:
        """Moves the average towards the network; faster at first, when it still knows nothing."""
        keep = min(self.settings.average, (1 + step) / (10 + step))
        with torch.no_grad():
            theirs = dict(_floats(self.net))
            for name, mean in _floats(self.averaged):
                mean.lerp_(theirs[name], 1 - keep)

    def save(self, path: Path, epochs: int) -> None:
        """All that a later run needs to go on after ``epochs``."""
        path.parent.mkdir(parents=True, exist_ok=True)
        state = {f"net.{name}": values for name, values in _floats(self.net)}
        state |= {f"averaged.{name}": values for name, values in _floats(self.averaged)}
        state |= {f"momentum.{name}": self.optimiser.state[weights]["momentum_buffer"]
                  for name, weights in self.net.named_parameters()}  # fmt: skip
        state["epochs"] = torch.tensor(epochs)
        unfinished = path.with_suffix(".unfinished")
        save_file(
            {name: values.contiguous() for name, values in state.items()},
            unfinished,
            {"settings": self.settings.model_dump_json()},
        )
        unfinished.replace(path)

    def resume(self, path: Path) -> int:
        """Goes on from ``path``; returns the epochs that are done."""
        with safe_open(path, "pt") as file:
            theirs = (file.metadata() or {}).get("settings")
        if theirs != self.settings.model_dump_json():
            raise SettingError(f"checkpoint {path}: it is of other settings; delete it to go on")
        state = load_file(path)
        with torch.no_grad():
            for kind, net in (("net", self.net), ("averaged", self.averaged)):
                for name, values in _floats(net):
                    values.copy_(state[f"{kind}.{name}"])
        for name, weights in self.net.named_parameters():
            self.optimiser.state[weights]["momentum_buffer"] = state[f"momentum.{name}"]
        return int(state["epochs"])


def _floats(net: ExpressionNet) -> Iterator[tuple[str, Tensor]]:
    """Weights and running statistics, without the count of batches."""
    return ((name, v) for name, v in net.state_dict().items() if v.is_floating_point())
