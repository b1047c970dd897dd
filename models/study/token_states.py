"""MiniLM's token states of a corpus's transcripts, computed once."""

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import platformdirs
from filelock import FileLock

from models.features.words import TOKEN_SIZE, WordsEncoder
from streamer.packets import Floats

TOKENS = 32
"""Token states of a transcript at most, its first ones; 4 % of MOSI's transcripts are longer."""

LOCK_TIMEOUT = 900.0
"""Seconds one process waits while another encodes the transcripts."""


def token_states(
    texts: Sequence[str], minilm: Path | None = None, cache: Path | None = None
) -> Floats:
    """MiniLM's token states (n, 32, 384) of ``texts`` as a transcriber would write them, zeros
    after the last; each state has seen the whole text, so a dropped one leaves a trace in others.

    Computed once with the model in ``minilm``, kept in ``cache``; both by default in the user's
    cache folder. Raises AssetError where the model is missing.
    """
    user_cache = Path(platformdirs.user_cache_dir("qamoe-stream"))
    minilm = minilm or user_cache / "minilm-l6"
    cache = cache or user_cache / "study"
    key = hashlib.sha256(f"{TOKENS}\n".encode() + "\n".join(texts).encode())
    weights = minilm / "model.safetensors"
    if weights.is_file():  # else the encoder says what is missing
        with weights.open("rb") as file:
            key.update(hashlib.file_digest(file, "sha256").digest())
    path = cache / f"words-{key.hexdigest()[:16]}.npy"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock"), timeout=LOCK_TIMEOUT):
        if not path.exists():
            _save(path, _encode(WordsEncoder(minilm), texts))
    states: Floats = np.load(path, allow_pickle=False).astype(np.float32)
    return states


def _encode(encoder: WordsEncoder, texts: Sequence[str]) -> npt.NDArray[np.float16]:
    states = np.zeros((len(texts), TOKENS, TOKEN_SIZE), np.float16)
    for row, state in enumerate(encoder.encode_texts(texts)):
        states[row, : len(state[:TOKENS])] = state[:TOKENS]
    return states


def _save(path: Path, states: npt.NDArray[np.float16]) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".unfinished", delete=False) as file:
        np.save(file, states)
    Path(file.name).replace(path)
