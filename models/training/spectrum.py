"""Batches on the reliability spectrum: each sample clean, and as the network gets to see it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.corruption import Condition, add_noise, drop_streams
from models.features.steps import step_count
from models.training.extraction import Rows
from models.training.pairing import Material, Pairs, Sequences, targets
from models.training.stills import Movement
from models.training.views import CLIP_SECONDS
from streamer.packets import STREAMS, Floats, Stream

WINDOW_STEPS = step_count(CLIP_SECONDS)

SHORT_SHARE = 0.4
"""Voices of which only a part of the window is heard, as when somebody begins to speak: else the
network is sure of what half a second cannot tell."""


@dataclass(frozen=True)
class Batch:
    """``clean`` and ``seen`` hold the same samples with the streams' own ``values`` (B, streams)
    and the class ``labels`` (B,); ``targets`` (B,) is the value for the streams left in ``seen``.
    """

    clean: dict[Stream, Sequences]
    seen: dict[Stream, Sequences]
    values: Tensor
    targets: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Spectrum:
    """Makes batches of ``material``; ``deviations`` are the training data's, each (size,).

    ``raw_damage`` is the share of voices and of faces that are damaged in the raw signal. Noise on
    the features comes on top of it all the same: were it spared them, noise would be a sign of an
    otherwise sound signal, and raise r. With ``augment`` half of the voices come at another level
    and cut, and of some only the last steps are heard, which counts as clean.
    """

    material: Material
    deviations: Mapping[Stream, Tensor]
    raw_damage: float = 0.0
    augment: bool = False

    def batch(self, pairs: Pairs, condition: Condition, rng: np.random.Generator) -> Batch:
        """``pairs`` under ``condition``."""
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        clean: dict[Stream, Sequences] = {}
        seen: dict[Stream, Sequences] = {}
        still_deviation: Floats = self.deviations["vision"].numpy()
        movement = Movement.drawn(len(pairs), still_deviation, rng)
        count = len(pairs)
        kind = np.where(self.augment & (rng.random(count) < 0.5), "gain", "clean")
        clean["text"] = self.material.words(pairs.rows["text"], 0.0, rng)
        history = self.material.histories.draw(pairs.rows["audio"], rng)
        longest = self._longest(count, rng)
        clean["audio"] = self.material.voices(pairs.rows["audio"], kind, history, longest)
        clean["vision"] = self._faces(pairs, np.full(count, "clean"), movement)

        seen["text"] = self.material.words(pairs.rows["text"], condition.noise["text"], rng)
        spoiled = rng.random((2, count)) < self.raw_damage
        voice = np.where(spoiled[0], "noise", kind)
        voices = self.material.voices(pairs.rows["audio"], voice, history, longest)
        seen["audio"] = self._noisy("audio", voices, condition, generator)
        faces = self._faces(pairs, np.where(spoiled[1], "spoiled", "clean"), movement)
        seen["vision"] = self._noisy("vision", faces, condition, generator)

        masks = drop_streams({m: seen[m].mask for m in STREAMS}, condition.missing, generator)
        seen = {m: Sequences(seen[m].features, masks[m]) for m in STREAMS}
        present = torch.stack([masks[m].any(dim=1) for m in STREAMS], dim=1)
        values = torch.from_numpy(pairs.values)
        labels = torch.from_numpy(pairs.labels)
        return Batch(clean, seen, values, targets(values, present), labels)

    def _longest(self, count: int, rng: np.random.Generator) -> Rows | None:
        """Steps of speech that are left of each voice."""
        if not self.augment:
            return None
        short = rng.integers(1, WINDOW_STEPS, count)
        return np.where(rng.random(count) < SHORT_SHARE, short, WINDOW_STEPS)

    def _faces(self, pairs: Pairs, views: npt.NDArray[np.str_], movement: Movement) -> Sequences:
        return self.material.faces(pairs.rows["vision"], views, movement)

    def _noisy(
        self,
        stream: Stream,
        sequences: Sequences,
        condition: Condition,
        generator: torch.Generator,
    ) -> Sequences:
        noisy = add_noise(
            sequences.features, condition.noise[stream], self.deviations[stream], generator
        )
        return Sequences(noisy * sequences.mask[..., None], sequences.mask)
