"""Measured evidence of how far each stream can be trusted, without learning.

Every measure has a ramp that turns it into a score in [0, 1]; a stream's score is the least of
them, and its reason names that measure. docs/reliability.md lists the measures with their units.
"""

from models.reliability.audio import AUDIO, audio_evidence
from models.reliability.face import FACE, face_evidence
from models.reliability.scores import LOW, Ramp, absent, combine
from models.reliability.words import WORDS, words_evidence

__all__ = [
    "AUDIO",
    "FACE",
    "LOW",
    "WORDS",
    "Ramp",
    "absent",
    "audio_evidence",
    "combine",
    "face_evidence",
    "words_evidence",
]
