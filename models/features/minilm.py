"""MiniLM-L6-v2 (a BERT of six layers) from torch's own transformer layers.

Importing a model hub's library for this one network takes three processor seconds of every start.
"""

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from streamer.errors import AssetError

WIDTH = 384
LAYERS = 6
HEADS = 12
INNER = 1536
VOCABULARY = 30_522
POSITIONS = 512
EPSILON = 1e-12


class MiniLM(nn.Module):
    """Token numbers to token states; the architecture of Devlin et al. 2019, width 384."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Embedding(POSITIONS, WIDTH)
        self.kinds = nn.Embedding(2, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=EPSILON)
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, INNER, activation="gelu", layer_norm_eps=EPSILON, batch_first=True
        )
        self.layers = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """``tokens`` and ``mask`` (batch, length), true where there is one, to states (…, 384)."""
        places = torch.arange(tokens.shape[1], device=tokens.device)
        first_kind = torch.zeros_like(tokens)
        embedded = self.words(tokens) + self.positions(places) + self.kinds(first_kind)
        states: Tensor = self.layers(self.norm(embedded), src_key_padding_mask=~mask)
        return states


def load_minilm(folder: Path) -> MiniLM:
    """The network with the weights in ``folder``/model.safetensors, for inference.

    Raises OSError, KeyError, RuntimeError or a safetensors error where they are not MiniLM-L6's.
    """
    published = load_file(folder / "model.safetensors")
    model = MiniLM()
    model.load_state_dict(_renamed(published))
    model.requires_grad_(False)
    return model.train(False)


def tune(model: MiniLM, weights: Path) -> MiniLM:
    """``model`` with the changes that tuning for sentiment made, in ``weights``, added to its
    published layers, in place.

    The file holds, for each tensor of the layers, the change in float16 (``NAME.change``), or for a
    matrix (rows, columns) its four-bit steps, two in a byte (``NAME.steps``, (rows, columns / 2)),
    and the size of a step in each row (``NAME.unit``, (rows, 1)).

    Raises AssetError where the file is missing, is no such file, or was made from another model.
    """
    try:
        with safe_open(weights, "pt") as file:
            made_from = (file.metadata() or {}).get("published")
            changes = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise AssetError(f"tuned word weights {weights}: {str(error)[:200]}") from None
    if made_from != fingerprint(model):
        raise AssetError(f"tuned word weights {weights}: were made from another model")
    try:
        for name, published in model.layers.named_parameters():
            published.data += _change(changes, name)
    except (KeyError, RuntimeError) as error:
        raise AssetError(f"tuned word weights {weights}: do not fit, {error}") from None
    return model


def _change(changes: dict[str, Tensor], name: str) -> Tensor:
    if f"{name}.change" in changes:
        return changes[f"{name}.change"].float()
    packed = changes[f"{name}.steps"]
    steps = torch.stack([packed & 15, packed >> 4], dim=-1).flatten(1).float() - 8
    return steps * changes[f"{name}.unit"].float()


def fingerprint(model: MiniLM) -> str:
    """sha256 of the layers' biases and norms: quick, and enough to tell two models apart."""
    digest = hashlib.sha256()
    for name, weights in sorted(model.layers.named_parameters()):
        if weights.dim() == 1:
            digest.update(name.encode() + weights.detach().float().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _renamed(published: dict[str, Tensor]) -> dict[str, Tensor]:
    """From the names of BERT's first publication to torch's; query, key and value in one matrix."""
    weights = {
        "words.weight": published["embeddings.word_embeddings.weight"],
        "positions.weight": published["embeddings.position_embeddings.weight"],
        "kinds.weight": published["embeddings.token_type_embeddings.weight"],
    }
    for kind in ("weight", "bias"):
        weights[f"norm.{kind}"] = published[f"embeddings.LayerNorm.{kind}"]
        for number in range(LAYERS):
            theirs, ours = f"encoder.layer.{number}", f"layers.layers.{number}"
            attention = [
                published[f"{theirs}.attention.self.{part}.{kind}"]
                for part in ("query", "key", "value")
            ]
            weights[f"{ours}.self_attn.in_proj_{kind}"] = torch.cat(attention)
            for there, here in (
                ("attention.output.dense", "self_attn.out_proj"),
                ("attention.output.LayerNorm", "norm1"),
                ("intermediate.dense", "linear1"),
                ("output.dense", "linear2"),
                ("output.LayerNorm", "norm2"),
            ):
                weights[f"{ours}.{here}.{kind}"] = published[f"{theirs}.{there}.{kind}"]
    return weights
