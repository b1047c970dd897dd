"""The file of tuned weights: what changed in MiniLM's layers, in four bits, and the readout."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.features.minilm import MiniLM, fingerprint, load_minilm, tune
from models.training.words.reader import SentimentReader

READOUT = "readout."


def save_tuned(reader: SentimentReader, published: MiniLM, file: Path) -> None:
    """Writes how ``reader``'s encoder differs from ``published``, as ``tune`` reads it, and the
    readout. On validation four bits read as well as the weights themselves: Pearson .741 both."""
    before = dict(published.layers.named_parameters())
    tensors: dict[str, Tensor] = {}
    for name, after in reader.encoder.layers.named_parameters():
        change = (after - before[name]).detach()
        if change.dim() == 1:
            tensors[f"{name}.change"] = change.half()
        else:
            tensors[f"{name}.steps"], tensors[f"{name}.unit"] = _four_bits(change)
    for name, weights in reader.state_dict().items():
        if not name.startswith("encoder."):
            tensors[READOUT + name] = weights.contiguous()
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, file, {"published": fingerprint(published)})


def load_reader(minilm: Path, file: Path) -> SentimentReader:
    """The reader that ``save_tuned`` wrote to ``file``, on the MiniLM in the folder ``minilm``.

    Raises AssetError where the two do not fit.
    """
    reader = SentimentReader(tune(load_minilm(minilm), file))
    tensors = load_file(file)
    readout = {
        name.removeprefix(READOUT): weights
        for name, weights in tensors.items()
        if name.startswith(READOUT)
    }
    reader.load_state_dict(readout, strict=False)
    return reader.train(False)


def _four_bits(change: Tensor) -> tuple[Tensor, Tensor]:
    """Steps from -8 to 7 of (rows, columns), two in a byte, and each row's unit (rows, 1).

    The unit is the one of a few that leaves least squared error: to cut off the largest changes is
    better than coarse steps for all.
    """
    largest = change.abs().amax(dim=1, keepdim=True).clamp_min(1e-12) / 7
    units = torch.stack([(largest * share).half().float() for share in (0.4, 0.5, 0.6, 0.8, 1.0)])
    steps = (change / units.clamp_min(1e-12)).round().clamp(-8, 7)
    best = (steps * units - change).square().sum(dim=2, keepdim=True).argmin(dim=0, keepdim=True)
    unit = units.gather(0, best)[0]
    chosen = steps.gather(0, best.expand(1, *change.shape))[0].to(torch.int16) + 8
    return (chosen[:, 0::2] | chosen[:, 1::2] << 4).to(torch.uint8), unit.half()
