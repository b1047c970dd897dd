"""Kinds of damage to words as they come out of speech recognition."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from models.degradation.effect import Recipe
from models.degradation.losses import independent
from streamer.packets import SECOND, Word, Words

SLOT = SECOND // 3
"""Nanoseconds from one invented word to the next where every slot has one: 3 words a second."""

CONFIDENT = 0.9
"""Probability of an invented word: Whisper invents without a doubt."""

LEAST = 1e-4
"""Word probabilities are logarithms somewhere: at severity 1 this share of them is left."""

INVENTED = ("Thank", "you", "for", "watching.", "Please", "subscribe.", "See", "you", "soon.")
"""What Whisper likes to hear where nobody speaks."""


@dataclass(frozen=True, slots=True)
class Span:
    """The stretch of damage, and up to when sound has been heard, in ns of the session."""

    start: int
    end: float
    heard_until: int

    def holds(self, time: int) -> bool:
        return self.start <= time < self.end


WordsEffect: TypeAlias = Callable[[Words, Span], Words]
"""From the words that became final with a hop to damaged ones, changed in the span."""

WordsKind: TypeAlias = Callable[[Recipe], WordsEffect]


class Uncertain:
    """Recognition is less sure of the same words: their probabilities are multiplied by 1 -
    ``severity``, and the mean log-probability falls by 2 nats a token times ``severity``."""

    def __init__(self, recipe: Recipe) -> None:
        self._severity = recipe.severity

    def __call__(self, words: Words, span: Span) -> Words:
        sure = max(1 - self._severity, LEAST)
        lowered = tuple(
            replace(word, probability=word.probability * sure) if span.holds(word.start) else word
            for word in words.words
        )
        fall = 2 * self._severity if span.holds(span.heard_until - 1) else 0
        return replace(words, words=lowered, log_probability=words.log_probability - fall)


class Drop:
    """Loses each word with a probability of ``severity``."""

    def __init__(self, recipe: Recipe) -> None:
        self._severity = recipe.severity
        self._generator = recipe.generator

    def __call__(self, words: Words, span: Span) -> Words:
        kept = tuple(word for word in words.words if not (span.holds(word.start) and self._drops()))
        return replace(words, words=kept)

    def _drops(self) -> bool:
        return bool(self._generator.random() < self._severity)


class Invent:
    """Adds words nobody said, 3 a second times ``severity``, confident ones, between the others."""

    def __init__(self, recipe: Recipe) -> None:
        self._invented = independent(recipe.severity, recipe.generator)
        self._next = 0  # slot

    def __call__(self, words: Words, span: Span) -> Words:
        due = range(self._next, words.final_until // SLOT)
        self._next = max(due.stop, self._next)
        added = [
            Word(INVENTED[slot % len(INVENTED)], slot * SLOT, (slot + 1) * SLOT, CONFIDENT)
            for slot in due
            if self._invented[slot % len(self._invented)] and span.holds(slot * SLOT)
        ]
        both = sorted((*words.words, *added), key=lambda word: word.start)
        return replace(words, words=tuple(both))


def span_of(start: float, end: float | None, heard_until: int) -> Span:
    """From seconds, ``end`` None for open."""
    last = math.inf if end is None else end * SECOND
    return Span(round(start * SECOND), last, heard_until)
