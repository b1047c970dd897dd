"""The names of all kinds of damage, and the check of what is asked for."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np

from models.degradation import audio, faces, packets, room, video, words
from models.degradation.background import sound_files
from models.degradation.effect import Recipe, SightKind, SoundKind
from models.degradation.h264 import H264
from models.degradation.opus import Opus
from models.degradation.turn import Turn
from models.degradation.words import WordsKind
from streamer.errors import SettingError
from streamer.packets import Stream
from streamer.settings import DamageSettings

AUDIO_KINDS: Mapping[str, SoundKind] = MappingProxyType(
    {
        "mute": audio.Mute,
        "quiet": audio.Quiet,
        "noise": audio.Noise,
        "babble": audio.Babble,
        "clip": audio.Clip,
        "band_limit": room.BandLimit,
        "echo": room.Echo,
        "reverberation": room.Reverberation,
        "opus": Opus,
        "packet_loss": packets.PacketLoss,
        "concealed_loss": packets.ConcealedLoss,
        "gap": audio.Gap,
        "stuck": packets.Stuck,
    }
)
VISION_KINDS: Mapping[str, SightKind] = MappingProxyType(
    {
        "cover": video.plain(faces.cover),
        "mask": video.plain(faces.mask),
        "turn": Turn,
        "leave": faces.Leave,
        "second_face": faces.SecondFace,
        "dark": video.plain(video.dark),
        "backlight": video.plain(video.backlight),
        "blur": video.plain(video.blur),
        "motion_blur": video.plain(video.motion_blur),
        "noise": video.SensorNoise,
        "jpeg": video.plain(video.jpeg),
        "h264": H264,
        "resolution": video.plain(video.resolution),
        "frame_rate": video.FrameRate,
        "freeze": video.plain(video.freeze),
        "gap": video.plain(video.lose),
    }
)
WORDS_KINDS: Mapping[str, WordsKind] = MappingProxyType(
    {"uncertain": words.Uncertain, "drop": words.Drop, "invent": words.Invent}
)
KINDS: Mapping[Stream, Mapping[str, SoundKind | SightKind | WordsKind]] = MappingProxyType(
    {"audio": AUDIO_KINDS, "vision": VISION_KINDS, "text": WORDS_KINDS}
)
"""What can be asked for, by stream and name."""

MIXED_IN = MappingProxyType(
    {
        ("audio", "noise"): "a sound file or a folder of some",
        ("audio", "babble"): "a sound file or a folder of some",
        ("vision", "second_face"): "a picture",
    }
)
"""Kinds that take a file, by stream and name, and what it must be."""

MOVING = frozenset({"cover", "turn", "leave", "second_face"})
"""Kinds of vision damage after which the face that is found need not be where the speaker's is."""

HIDING = frozenset({"mask"})
"""Kinds of vision damage under which the size of the face can only be guessed."""

PLACED = frozenset({"cover", "mask", "turn", "leave", "backlight", "second_face"})
"""Kinds of vision damage that are done where the face is."""


def check(damages: Sequence[DamageSettings]) -> None:
    """Raises SettingError where a kind of damage does not exist, a stretch has no length, or a file
    is missing or not wanted."""
    for index, damage in enumerate(damages):
        allowed = KINDS[damage.stream]
        if damage.kind not in allowed:
            raise SettingError(
                f"setting damage.{index}.kind = {damage.kind!r}: "
                f"{damage.stream} damage must be one of {', '.join(allowed)}"
            )
        if damage.end is not None and damage.end <= damage.start:
            raise SettingError(
                f"setting damage.{index}.end = {damage.end}: must be after start {damage.start}"
            )
        if damage.file is not None:
            _check_file(damage, f"setting damage.{index}.file = {damage.file!r}")


def _check_file(damage: DamageSettings, setting: str) -> None:
    wanted = MIXED_IN.get((damage.stream, damage.kind))
    if wanted is None:
        allowed = ", ".join(f"{stream} {kind}" for stream, kind in MIXED_IN)
        raise SettingError(f"{setting}: only these take a file: {allowed}")
    path = Path(str(damage.file))
    if not path.exists() or (damage.stream == "vision" and not path.is_file()):
        raise SettingError(f"{setting}: must be {wanted}")
    if damage.stream == "audio":
        sound_files(path)


def recipes(
    damages: Sequence[DamageSettings], stream: Stream, generator: np.random.Generator
) -> Iterator[tuple[DamageSettings, Recipe]]:
    """The damages of ``stream`` that do anything, each with its recipe. Each has a generator of its
    own, so that those after it change nothing for it."""
    chosen = [damage for damage in damages if damage.stream == stream]
    for damage, own in zip(chosen, generator.spawn(len(chosen)), strict=True):
        if damage.severity > 0:
            file = None if damage.file is None else Path(damage.file)
            yield damage, Recipe(damage.severity, own, file)
