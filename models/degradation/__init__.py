"""Damage done to raw signals on purpose, in stretches of session time.

Severity runs from 0, which leaves the signal as it is, to 1. What happens to a sample or a picture
depends on its capture time, the seed and what came before it, never on how the signal is cut.
``table`` names all kinds; ``effect`` says what one is.
"""

from models.degradation.audio_stream import AudioDamage
from models.degradation.background import speech_shaped_noise
from models.degradation.effect import Box, Sight
from models.degradation.table import AUDIO_KINDS, KINDS, VISION_KINDS, WORDS_KINDS, check
from models.degradation.video import blur, dark
from models.degradation.video_stream import VideoDamage
from models.degradation.words_stream import WordsDamage

__all__ = [
    "AUDIO_KINDS",
    "KINDS",
    "VISION_KINDS",
    "WORDS_KINDS",
    "AudioDamage",
    "Box",
    "Sight",
    "VideoDamage",
    "WordsDamage",
    "blur",
    "check",
    "dark",
    "speech_shaped_noise",
]
