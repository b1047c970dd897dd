"""Damage to the words of one session, in stretches of session time."""

from collections.abc import Sequence

import numpy as np

from models.degradation.table import WORDS_KINDS, check, recipes
from models.degradation.words import span_of
from streamer.packets import Words
from streamer.settings import DamageSettings


class WordsDamage:
    """Damages what speech recognition says. ``damages`` of other streams are left out.

    ``hop`` is the length of a hop in ns. Raises SettingError as ``check`` does.
    """

    def __init__(
        self, damages: Sequence[DamageSettings], generator: np.random.Generator, hop: int
    ) -> None:
        check(damages)
        self._hop = hop
        self._stretches = [
            (damage, WORDS_KINDS[damage.kind](recipe))
            for damage, recipe in recipes(damages, "text", generator)
        ]

    def apply(self, words: Words) -> Words:
        """The ``words`` that became final with a hop, damaged; hops are to come in their order."""
        heard_until = (words.hop + 1) * self._hop
        for damage, effect in self._stretches:
            words = effect(words, span_of(damage.start, damage.end, heard_until))
        return words
