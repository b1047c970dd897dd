"""Evidence of words: Whisper's own figures, their age and repetition, and the voice behind them."""

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np

from models.features.steps import STEP_SECONDS
from models.reliability.scores import Ramp, Ramps, absent, fitted, judge
from streamer.packets import SECOND, Evidence, Flags, Window, Word

REASONS = {
    "log_probability": "uncertain words",
    "word_probability": "uncertain words",
    "unworded_share": "words are missing",
    "unspoken_share": "words without a voice",
    "overlap_share": "words at the same time",
}
RULES = {
    # Words without a voice are invented.
    "speech_share": Ramp(0.0, 0.15, "no speech"),
    "word_count": Ramp(0.0, 1.0, "no words"),
    # A window of 4 s: words that are 2 s behind cover half of it.
    "age_s": Ramp(6.0, 2.5, "words are late"),
    # Whisper rejects above 0.6, but only together with a low log-probability.
    "no_speech_probability": Ramp(0.95, 0.6, "probably no speech"),
    # Whisper's own limit is 2.4, where a text is mostly the same phrase again and again.
    "compression_ratio": Ramp(2.4, 2.0, "words repeat"),
    "repetition": Ramp(0.8, 0.4, "words repeat"),
}

WORDS: Ramps = MappingProxyType({**RULES, **fitted("text", REASONS)})


def words_evidence(window: Window, speech_share: float, spoken: Flags) -> Evidence:
    """Evidence of the words of ``window``.

    ``speech_share`` in [0, 1] is the share of the window with a voice, ``spoken`` (steps,) are the
    steps of 0.2 s with one, counted from the window's start, none where that is not known.
    """
    if window.heard is None:
        return absent("no words yet")
    return judge(words_measures(window, speech_share, spoken), WORDS)


def words_measures(window: Window, speech_share: float, spoken: Flags) -> dict[str, float]:
    """What is measured on the words of a ``window`` that somebody has listened to, as above."""
    said, heard = window.words, window.heard
    measures = {"speech_share": speech_share, "word_count": float(len(said))}
    if said and heard is not None:
        measures |= {
            "age_s": window.words_age / SECOND,
            "no_speech_probability": heard.no_speech,
            "log_probability": heard.log_probability,
            "word_probability": float(np.mean([word.probability for word in said])),
            "compression_ratio": heard.compression,
            "repetition": _repetition([word.text.strip(" .,!?").lower() for word in said]),
            "overlap_share": _overlap(said),
        }
    if spoken.any():
        measures |= _matched(window, spoken)
    return measures


def _matched(window: Window, spoken: Flags) -> dict[str, float]:
    """How far words and voice lie at the same time: the share of spoken steps, up to where words
    are final, in which there is no word, and of words that are a step or more from any speech."""
    step = round(STEP_SECONDS * SECOND)
    starts = window.start + np.arange(len(spoken)) * step
    worded = np.zeros(len(spoken), np.bool_)
    unspoken = 0
    for word in window.words:
        worded |= (starts + step > word.start) & (starts < word.end)
        near = (starts + 2 * step > word.start) & (starts - step < word.end)
        unspoken += int(near.any() and not (near & spoken).any())
    final = spoken & (starts + step <= window.end - window.words_age)
    measures = {"unspoken_share": unspoken / max(1, len(window.words))}
    if final.any():
        measures["unworded_share"] = float((final & ~worded).sum() / final.sum())
    return measures


def _overlap(words: Sequence[Word]) -> float:
    """Share of the words' time in which one has begun before the one before it has ended."""
    total = sum(word.end - word.start for word in words)
    shared = 0
    until = words[0].start
    for word in words:
        shared += max(0, min(until, word.end) - word.start)
        until = max(until, word.end)
    return shared / total if total > 0 else 0.0


def _repetition(words: Sequence[str]) -> float:
    """Share of the words that repeat the phrase of one to four words just before them."""
    repeated: set[int] = set()
    for length in range(1, 5):
        for at in range(length, len(words) - length + 1):
            if words[at : at + length] == words[at - length : at]:
                repeated.update(range(at, at + length))
    return len(repeated) / len(words)
