"""One training of the voice head: from clips and a seed to a head."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.features.voice_head import HeadConfig, VoiceHead, VoiceHeads
from models.features.voice_history import Heard, VoicePrior, normalised
from models.training.extraction import Rows
from models.training.voice.material import VoiceMaterial
from models.training.voice.resume import Progressed, restore, store
from models.training.voice.sessions import Sessions, draw_sessions, voice_prior
from models.training.voice.settings import VoiceSettings
from streamer.packets import Floats

PREDICTED = 500
"""Clips answered at once."""


def fit_heads(
    material: VoiceMaterial,
    heard: Heard,
    rows: Rows,
    settings: VoiceSettings,
    folder: Path | None = None,
    on_epoch: Callable[[], None] = lambda: None,
) -> tuple[VoiceHeads, VoicePrior]:
    """Heads trained on the clips in ``rows``, one of each seed, and the prior of their input.

    Where a ``folder`` is given, each epoch's state is kept there and an interrupted training goes
    on from it; the folder must belong to these rows and settings alone. Seed and rows determine
    the result. ``on_epoch`` is called after each epoch.
    """
    prior = voice_prior(material, heard, rows)
    heads = []
    for seed in settings.seeds:
        file = folder / f"{seed}.safetensors" if folder else None
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            heads.append(_fit(material, heard, prior, rows, settings, seed, file, on_epoch))
    return VoiceHeads(heads).train(False), prior


def _fit(
    material: VoiceMaterial,
    heard: Heard,
    prior: VoicePrior,
    rows: Rows,
    settings: VoiceSettings,
    seed: int,
    file: Path | None,
    on_epoch: Callable[[], None],
) -> VoiceHead:
    head = VoiceHead(HeadConfig())
    draws = min(settings.draws, len(rows))
    optimiser = torch.optim.AdamW(
        head.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    state = Progressed(head, optimiser, settings.learning_rate, settings.epochs)
    weights = sampling_weights(material, rows)
    for epoch in range(restore(file, state), settings.epochs):
        # Drawn anew from seed and epoch: an interrupted training goes on as if it had not been.
        rng = np.random.default_rng([seed, epoch])
        torch.manual_seed(int(rng.integers(2**31)))
        sessions = draw_sessions(material, heard, prior, rows, rng, settings.longest)
        order = rng.choice(len(rows), draws, p=weights)
        batches = np.array_split(order, -(-draws // settings.batch))
        for number, chosen in enumerate(batches):
            state.set_learning_rate(epoch + number / len(batches))
            steps, mask = _inputs(material, rows, sessions, chosen)
            loss = emotion_loss(
                head(steps, mask), material.emotions[rows[chosen]], settings.smoothing
            )
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(head.parameters(), 1.0)
            optimiser.step()
        store(file, state, epoch + 1)
        on_epoch()
    return head.train(False)


def sampling_weights(material: VoiceMaterial, rows: Rows) -> Floats:
    """Probability (rows,) of each clip: every corpus comes as often as the others, and within it
    every class of sentiment."""
    groups = np.unique(material.corpora[rows], return_inverse=True)[1] * 3 + material.labels[rows]
    weights = 1.0 / np.bincount(groups)[groups]
    return np.asarray(weights / weights.sum())


def emotion_loss(logits: Tensor, emotions: Rows, smoothing: float) -> Tensor:
    """Cross-entropy of logits (batch, 7)."""
    return functional.cross_entropy(logits, torch.from_numpy(emotions), label_smoothing=smoothing)


def predict(
    material: VoiceMaterial,
    heads: VoiceHeads,
    rows: Rows,
    sessions: Sessions,
) -> Floats:
    """Probabilities (rows, 3) of negative, neutral and positive for clips heard in ``sessions``."""
    parts = np.array_split(np.arange(len(rows)), 1 + len(rows) // PREDICTED)
    with torch.inference_mode():
        answers = [heads(*_inputs(material, rows, sessions, chosen)).numpy() for chosen in parts]
    return np.concatenate(answers)


def _inputs(
    material: VoiceMaterial, rows: Rows, sessions: Sessions, chosen: Rows
) -> tuple[Tensor, Tensor]:
    views, clips = sessions.views[chosen], rows[chosen]
    steps = normalised(
        material.steps(views, clips),
        sessions.mean[chosen, None],
        sessions.deviation[chosen, None],
    )
    return torch.from_numpy(steps), torch.from_numpy(material.mask[views, clips])
