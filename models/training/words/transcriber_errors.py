"""A transcriber's errors, made on a text at a chosen word error rate.

Swaps come from ``confusions.tsv``: what Whisper tiny.en took words for, in the live decoding, on
recorded speech with known words (RAVDESS, GRID, Kennedy) and, for a vocabulary, on
synthesised readings of MOSEI's training sentences, all in ESC-10's noise (``whisper_errors``). The
fewer errors were seen on a word, the more often it is swapped for one that sounds alike: a word of
the training texts with the same consonants, or all but one of them.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from itertools import groupby
from typing import Literal

import numpy as np

from models.features.words import spoken
from streamer.errors import SettingError

Kind = Literal["swap", "drop", "double", "cut"]

SHARES: Mapping[Kind, float] = {"swap": 0.55, "drop": 0.2, "double": 0.1, "cut": 0.15}
"""Which errors are made: a choice, not a measurement. A cut takes the first or last word of the
text, as the edge of a window does."""

SOUNDS = (
    *(("ph", "f"), ("gh", ""), ("wh", "w"), ("kn", "n"), ("wr", "r"), ("ck", "k"), ("qu", "kw")),
    *(("sh", "x"), ("ch", "x"), ("tch", "x"), ("x", "ks"), ("c", "k"), ("q", "k"), ("z", "s")),
    *(("v", "f"), ("d", "t"), ("g", "k"), ("b", "p"), ("j", "x")),
)
"""Spellings of consonants that sound alike, the voiced ones taken for their voiceless kin."""

SILENT = str.maketrans("", "", "aeiouyhw'")

DOUBT = 2
"""Errors seen on a word that weigh as much as the words that sound alike."""

NEIGHBOURS = 12
"""Of the words that sound alike, the most frequent so many."""


def load_confusions() -> dict[str, Counter[str]]:
    """What each word was taken for and how often, from the table beside this module."""
    text = (resources.files(__package__) / "confusions.tsv").read_text(encoding="utf-8")
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for line in text.splitlines()[1:]:
        word, heard, count = line.split("\t")
        table[word][heard] = int(count)
    return dict(table)


def skeleton(word: str) -> str:
    """The consonants of ``word`` as they sound, each once in a row.

    >>> skeleton("bad"), skeleton("pet"), skeleton("wonderful")
    ('pt', 'pt', 'ntrfl')
    """
    for spelling, sound in SOUNDS:
        word = word.replace(spelling, sound)
    letters = word.translate(SILENT)
    return "".join(letter for letter, _ in groupby(letters))


@dataclass(frozen=True)
class TranscriberErrors:
    """Makes errors on spoken text: ``confusions`` are known ones, ``alike`` the words of each
    consonant skeleton with their frequencies."""

    confusions: Mapping[str, Counter[str]]
    alike: Mapping[str, Counter[str]]

    @staticmethod
    def of(texts: Iterable[str], confusions: Mapping[str, Counter[str]]) -> "TranscriberErrors":
        """With the words of ``texts`` as the vocabulary of swaps."""
        frequencies = Counter(word for text in texts for word in spoken(text).split())
        alike: dict[str, Counter[str]] = defaultdict(Counter)
        for word, frequency in frequencies.items():
            for sound in _nearly(skeleton(word)):
                alike[sound][word] = frequency
        kept = {
            sound: Counter(dict(words.most_common(NEIGHBOURS))) for sound, words in alike.items()
        }
        return TranscriberErrors(confusions, kept)

    def __call__(self, text: str, rate: float, rng: np.random.Generator) -> str:
        """``text`` as spoken, with an error on a word in ``1 / rate`` on average.

        Raises SettingError where ``rate`` is not in [0, 1].
        """
        if not 0 <= rate <= 1:
            raise SettingError(f"word error rate {rate}: must be in [0, 1]")
        words = spoken(text).split()
        kinds = rng.choice(list(SHARES), len(words), p=list(SHARES.values()))
        kinds[rng.random(len(words)) >= rate] = ""
        cuts = int((kinds == "cut").sum())
        first = int(rng.binomial(cuts, 0.5))
        changes: dict[str, Callable[[str], str]] = {
            "swap": lambda word: self._swapped(word, rng),
            "drop": lambda _: "",
            "double": lambda word: f"{word} {word}",
        }
        heard = [
            changes[kind](word) if kind in changes else word
            for word, kind in zip(words, kinds.tolist(), strict=True)
        ]
        return " ".join(" ".join(heard[first : len(heard) - (cuts - first)]).split())

    def _swapped(self, word: str, rng: np.random.Generator) -> str:
        """What ``word`` may be taken for; nothing where no word is like it."""
        known = self.confusions.get(word, Counter())
        alike = self._alike(word)
        evidence = known.total() / (known.total() + DOUBT)
        chosen = known if known and (not alike or rng.random() < evidence) else alike
        if not chosen:
            return ""
        counts = np.array(list(chosen.values()), np.float64)
        return str(list(chosen)[int(rng.choice(len(counts), p=counts / counts.sum()))])

    def _alike(self, word: str) -> dict[str, int]:
        """Other words with the same consonants, or else with one less on either side."""
        for sound in _nearly(skeleton(word)):
            others = {other: n for other, n in self.alike.get(sound, {}).items() if other != word}
            if others:
                return others
        return {}


def _nearly(sound: str) -> list[str]:
    """``sound`` and, for words of three consonants or more, ``sound`` less any one of them."""
    if len(sound) < 3:
        return [sound]
    return [sound, *(sound[:i] + sound[i + 1 :] for i in range(len(sound)))]
