"""Measured evidence of how far each stream can be trusted, without learning.

Every measure has a ramp that turns it into a score in [0, 1]; a stream's score is their product,
and its reason names the measure with the least. docs/reliability.md lists them with their units.
"""

from models.reliability.audio import AUDIO, RECENT_AUDIO, audio_evidence
from models.reliability.combined import combine
from models.reliability.face import FACE, RECENT_FACE, face_evidence
from models.reliability.scores import LOW, Ramp, absent, absent_stream
from models.reliability.words import WORDS, words_evidence

__all__ = [
    "AUDIO",
    "FACE",
    "LOW",
    "RECENT_AUDIO",
    "RECENT_FACE",
    "WORDS",
    "Ramp",
    "absent",
    "absent_stream",
    "audio_evidence",
    "combine",
    "face_evidence",
    "words_evidence",
]
