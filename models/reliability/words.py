"""Evidence of words: Whisper's own figures, their age and repetition."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from models.reliability.scores import Ramp, judge
from streamer.packets import SECOND, Evidence, Word

WORDS: Mapping[str, Ramp] = MappingProxyType(
    {
        # Words without a voice are invented.
        "speech_share": Ramp(0.0, 0.15, "no speech"),
        "word_count": Ramp(0.0, 1.0, "no words"),
        # A window of 4 s: words that are 2 s behind cover half of it.
        "age_s": Ramp(6.0, 2.5, "words are late"),
        # Whisper rejects above 0.6, but only together with a low log-probability.
        "no_speech_probability": Ramp(0.95, 0.6, "probably no speech"),
        # Whisper's own limit is -1.0.
        "log_probability": Ramp(-1.4, -0.6, "uncertain words"),
        "word_probability": Ramp(0.2, 0.6, "uncertain words"),
        # Whisper's own limit is 2.4, where a text is mostly the same phrase again and again.
        "compression_ratio": Ramp(2.4, 2.0, "words repeat"),
        "repetition": Ramp(0.8, 0.4, "words repeat"),
    }
)


def words_evidence(
    words: Sequence[Word],
    age_ns: int,
    no_speech: float,
    log_probability: float,
    compression: float,
    speech_share: float,
) -> Evidence:
    """Evidence of the words of a window.

    ``age_ns`` is the time between the window's end and the moment up to which words are final;
    ``no_speech`` in [0, 1], ``log_probability`` (mean of a token, natural) and ``compression``
    are Whisper's figures; ``speech_share`` in [0, 1] is the share of the window with a voice.
    """
    measures = {"speech_share": speech_share, "word_count": float(len(words))}
    if words:
        measures |= {
            "age_s": age_ns / SECOND,
            "no_speech_probability": no_speech,
            "log_probability": log_probability,
            "word_probability": float(np.mean([word.probability for word in words])),
            "compression_ratio": compression,
            "repetition": _repetition([word.text.strip(" .,!?").lower() for word in words]),
        }
    return judge(measures, WORDS)


def _repetition(words: Sequence[str]) -> float:
    """Share of the words that repeat the phrase of one to four words just before them."""
    repeated: set[int] = set()
    for length in range(1, 5):
        for at in range(length, len(words) - length + 1):
            if words[at : at + length] == words[at - length : at]:
                repeated.update(range(at, at + length))
    return len(repeated) / len(words)
