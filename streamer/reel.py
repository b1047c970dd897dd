"""The demo's film: a real face and a real voice, cut together once and kept in the cache.

Face and voice are of different people, as no freely licensed recording at hand holds both for long
enough. The voice reads the opening of A Tale of Two Cities.
"""

import hashlib
import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from streamer.errors import AssetError
from streamer.packets import Floats, Image, Stream
from streamer.settings import DamageSettings

FACE = "WolfgangLanger_Pexels.mp4"
VOICE = "two_cities.wav"


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Shot:
    """From ``start`` (seconds of the reel) on, the pictures ``first`` to ``last`` of the face's
    film run to and fro, so that there is no jump."""

    start: float
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides what the reel looks and sounds like."""

    shots: tuple[Shot, ...]
    away: Span
    voice: tuple[Span, ...]
    gain: float
    rate: int = 24
    size: tuple[int, int] = (640, 480)
    crop: tuple[int, int, int, int] = (200, 15, 440, 330)  # x, y, width, height: the face centred
    pan: int = 415  # pixels of the film to the left, where there is only wall
    turn: float = 1.0  # seconds that the camera takes to turn away, and to turn back
    quality: int = 20
    sample_rate: int = 48_000
    early: float = 0.1  # seconds that the sound ends before the pictures: AAC fills a frame up

    @property
    def seconds(self) -> float:
        return sum(span.end - span.start for span in self.voice)


PLAN = Plan(
    # No hand is before the face in the pictures used. She leaves smiling and comes back in sorrow:
    # the change of shot falls where nobody is to be seen.
    shots=(Shot(0, 240, 471), Shot(38.5, 0, 60)),
    away=Span(36, 41),
    # The reading without its silent ends, then its beginning again.
    voice=(Span(0.9, 41.9), Span(0.9, 17.9)),
    gain=3.5,  # to the -26 dBFS usual in calls
)


@dataclass(frozen=True, slots=True)
class Caption:
    """What is being shown between ``start`` and ``end``, in seconds of the session, and the stream
    that suffers from it, if one does."""

    start: float
    end: float
    text: str
    stream: Stream | None = None


_TEXTS: dict[tuple[Stream, str], str] = {
    ("audio", "mute"): "the microphone is muted",
    ("audio", "quiet"): "the voice is far away",
    ("audio", "noise"): "noise drowns the voice",
    ("audio", "babble"): "others talk all around",
    ("audio", "clip"): "the microphone is overdriven",
    ("audio", "band_limit"): "the voice comes through a narrow line",
    ("audio", "echo"): "the voice comes back as an echo",
    ("audio", "reverberation"): "the room reverberates",
    ("audio", "opus"): "the voice has few bits left",
    ("audio", "packet_loss"): "packets of sound get lost",
    ("audio", "concealed_loss"): "packets of sound get lost, and are concealed",
    ("audio", "gap"): "parts of the sound get lost",
    ("audio", "stuck"): "the sound is stuck",
    ("vision", "cover"): "a hand covers the camera",
    ("vision", "mask"): "a mask covers mouth and nose",
    ("vision", "turn"): "the head turns away",
    ("vision", "leave"): "the camera turns away",
    ("vision", "second_face"): "a second face comes in",
    ("vision", "dark"): "the light goes out",
    ("vision", "backlight"): "there is a bright light behind the face",
    ("vision", "blur"): "the picture is out of focus",
    ("vision", "motion_blur"): "the camera shakes",
    ("vision", "noise"): "the picture is noisy",
    ("vision", "jpeg"): "the picture is compressed",
    ("vision", "h264"): "the picture has few bits left",
    ("vision", "resolution"): "the picture is coarse",
    ("vision", "frame_rate"): "few pictures come",
    ("vision", "freeze"): "the picture is frozen",
    ("vision", "gap"): "pictures get lost",
    ("text", "uncertain"): "the words are uncertain",
    ("text", "drop"): "words get lost",
    ("text", "invent"): "words are invented",
}


def damage_captions(damages: Sequence[DamageSettings]) -> tuple[Caption, ...]:
    """One for each damage, in the order given, and of a scene one for each stream, with its name
    and what is done to the stream first; without an end it lasts for ever."""
    result: list[Caption] = []
    named: set[tuple[str, Stream, float, float]] = set()
    for damage in damages:
        end = math.inf if damage.end is None else damage.end
        text = _TEXTS[damage.stream, damage.kind]
        if damage.scene is not None:
            part = (damage.scene, damage.stream, damage.start, end)
            if part in named:
                continue
            named.add(part)
            text = f"{damage.scene.replace('-', ' ')}: {text}"
        result.append(Caption(damage.start, end, text, damage.stream))
    return tuple(result)


def captions(damages: Sequence[DamageSettings], plan: Plan = PLAN) -> tuple[Caption, ...]:
    """What the demo shows when, from its damage and the reel's plan, in the order of time."""
    away = Caption(plan.away.start, plan.away.end, "the face leaves the picture", "vision")
    shown = [
        replace(caption, end=min(caption.end, plan.seconds))
        for caption in (*damage_captions(damages), away)
        if caption.start < plan.seconds
    ]
    shown.sort(key=lambda caption: caption.start)
    result, at = [], 0.0
    for caption in [*shown, Caption(plan.seconds, plan.seconds, "")]:
        if caption.start > at:
            result.append(Caption(at, caption.start, "clean sound and picture"))
        if caption.text:
            result.append(caption)
        at = max(at, caption.end)
    return tuple(result)


def render(media_folder: Path, target: Path, plan: Plan = PLAN) -> None:
    """Writes the reel (MP4, H.264 and AAC) to ``target``, unless it is there already.

    The same plan and media give the same reel, and ``target`` is never half-written. Raises
    AssetError where the media are missing or cannot be read, or ``target`` cannot be written.
    """
    fingerprint = hashlib.sha256(repr(plan).encode()).hexdigest()
    if _fingerprint(target) == fingerprint:
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=target.name, suffix=".part")
        os.close(handle)
        try:
            _write(Path(name), plan, media_folder, fingerprint)
            Path(name).replace(target)
        finally:
            Path(name).unlink(missing_ok=True)
    except (OSError, av.FFmpegError, IndexError) as error:
        raise AssetError(
            f"demo reel {target}: cannot be made from {media_folder}: {error}"
        ) from None


def _fingerprint(target: Path) -> str | None:
    if not target.is_file():
        return None
    try:
        with av.open(str(target)) as container:
            return container.metadata.get("comment")
    except (OSError, av.FFmpegError):
        return None


def _write(target: Path, plan: Plan, media_folder: Path, fingerprint: str) -> None:
    width, height = plan.size
    with av.open(str(target), "w", format="mp4") as container:
        container.metadata["comment"] = fingerprint
        video = container.add_stream("libx264", rate=plan.rate)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.options = {"crf": str(plan.quality), "preset": "veryfast", "threads": "1"}
        audio = container.add_stream("aac", rate=plan.sample_rate, layout="mono")
        for picture in _pictures(plan, media_folder / FACE):
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(video.encode(None))
        sound = av.AudioFrame.from_ndarray(
            _voice(plan, media_folder / VOICE)[None], format="fltp", layout="mono"
        )
        sound.sample_rate, sound.pts = plan.sample_rate, 0
        sound.time_base = Fraction(1, plan.sample_rate)
        container.mux(audio.encode(sound))
        container.mux(audio.encode(None))


def _pictures(plan: Plan, film: Path) -> Iterator[Image]:
    with av.open(str(film)) as container:
        frames = list(container.decode(video=0))
    x, y, width, height = plan.crop
    for index in range(round(plan.seconds * plan.rate)):
        seconds = index / plan.rate
        shot = max((s for s in plan.shots if s.start <= seconds), key=lambda s: s.start)
        frame = frames[_to_and_fro(index - round(shot.start * plan.rate), shot)]
        # To the left of the film the wall goes on as its own reflection.
        wide = cv2.copyMakeBorder(
            frame.to_ndarray(format="bgr24"), 0, 0, plan.pan, 0, cv2.BORDER_REFLECT
        )
        left = x + plan.pan - round(plan.pan * _turned(seconds, plan))
        cut = wide[y : y + height, left : left + width]
        yield np.asarray(cv2.resize(cut, plan.size, interpolation=cv2.INTER_CUBIC), np.uint8)


def _to_and_fro(step: int, shot: Shot) -> int:
    length = shot.last - shot.first
    phase = step % (2 * length)
    return shot.first + min(phase, 2 * length - phase)


def _turned(seconds: float, plan: Plan) -> float:
    """How far the camera has turned away, 0 to 1, moving off and stopping gently."""
    nearest = min(seconds - plan.away.start, plan.away.end - seconds)
    return 0.5 - 0.5 * math.cos(math.pi * min(max(nearest / plan.turn, 0.0), 1.0))


def _voice(plan: Plan, recording: Path) -> Floats:
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=plan.sample_rate)
    with av.open(str(recording)) as container:
        frames = [f for frame in container.decode(audio=0) for f in resampler.resample(frame)]
        frames += resampler.resample(None)
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    parts = [
        samples[round(span.start * plan.sample_rate) : round(span.end * plan.sample_rate)]
        for span in plan.voice
    ]
    end = round((plan.seconds - plan.early) * plan.sample_rate)
    return np.asarray(np.concatenate(parts)[:end] * plan.gain, np.float32)
