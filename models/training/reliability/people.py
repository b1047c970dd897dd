"""Sessions of people, out of the corpora's clips: the sound of one, the face of another."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from actors.source import EndOfStream
from actors.video_sources import FileVideoSource
from models.training.corpora import voices
from streamer.assets import Assets
from streamer.errors import SourceError
from streamer.media import decoded
from streamer.packets import SAMPLE_RATE, SECOND, Floats, Image, VideoFrame
from streamer.settings import DamageSettings, Settings

SPEAKERS = {
    "fit": ("ravdess-17", "ravdess-18", "ravdess-19", "ravdess-20", "nemo-EB0", "nemo-SM0",
            "emodb-12", "emodb-13", "ravdess-01", "ravdess-04"),
    "clean": (*(f"ravdess-{actor:02d}" for actor in (2, 3, *range(5, 17))), "nemo-WR0", "nemo-IC0",
              "nemo-KD0", "emodb-03", "emodb-08", "emodb-09", "emodb-10", "emodb-11", "emodb-14"),
    "report": ("ravdess-21", "ravdess-22", "nemo-MK0", "nemo-MP0", "emodb-15", "emodb-16"),
}  # fmt: skip
"""Whose voices ramps are fitted to, damaged and not or only undamaged, and whose are kept for the
study, by names of the corpora."""

READERS = {
    "fit": ("two_cities.wav", "beckett.wav"),
    "report": ("jfk.flac", "talking_head_en_8s.mp4", "endgame_nagg_nell.wav"),
}
"""The same for words; the first are also voices that are only heard undamaged, as nobody acts at
home. The corpora's are not used: Whisper tiny.en knows no Polish or German, and
RAVDESS's two sentences, acted and said again and again, lead it into loops."""

VIDEOS = {
    "fit": ("talking_head_en_8s.mp4", "grid_swiz3n.mpg", "grid_bbaf2n.mpg", "liveportrait_d6.mp4"),
    "report": ("grid_lbax4n.mpg", "WolfgangLanger_Pexels.mp4", "liveportrait_d11.mp4",
               "liveportrait_d14.mp4", "single_face.mp4"),
}  # fmt: skip
"""The same for faces. No person is in both."""


FIT_NOISES = ("baby_cry", "chainsaw", "clock_tick")
"""Classes of ESC-10 that are mixed in for the fit; the others are the study's."""


@dataclass(frozen=True)
class Person:
    """``name``; ``samples`` (n,) at 16 kHz, of clips on end in an order that mixes the moods;
    ``frames`` of a video, or none; whether they ``read`` aloud, in English, so that their words
    are to be understood."""

    name: str
    samples: Floats
    frames: Sequence[VideoFrame]
    reads: bool = False


class Recordings:
    """Finds people in the research data and among the demo's media.

    Raises SourceError where somebody is not there, AssetError where the demo's media are missing.
    """

    def __init__(self, data: Path, settings: Settings) -> None:
        self._data = data
        self._media = Assets(settings.assets).path("demo-media")
        self._rate = settings.camera.frame_rate

    def voice(self, name: str, seconds: float) -> Person:
        """A speaker of the corpora, or a reader, without a face."""
        count = round(seconds * SAMPLE_RATE)
        if "." in name:
            samples = np.resize(_decoded([str(self._file(name))], count), count)
            return Person(name.partition(".")[0], samples, (), reads=True)
        clips = [example.content for example in voices(self._data) if example.person == name]
        if not clips:
            raise SourceError(f"speaker {name}: no sound in {self._data / 'speech'}")
        order = np.random.default_rng(0).permutation(len(clips))
        samples = np.resize(_decoded([clips[index] for index in order], count), count)
        return Person(name, samples, ())

    def face(self, video: str, seconds: float) -> Person:
        """The face in ``video``, played forwards and backwards, without a voice."""
        images = _images(self._file(video), round(seconds * self._rate), self._rate)
        both = [*images, *images[-2:0:-1]]
        frames = [
            VideoFrame(round(number * SECOND / self._rate), both[number % len(both)])
            for number in range(round(seconds * self._rate))
        ]
        return Person(video.partition(".")[0], np.zeros(0, np.float32), frames)

    def _file(self, name: str) -> Path:
        for folder in (self._data / "clips", self._media):
            if (folder / name).is_file():
                return folder / name
        raise SourceError(f"recording {name}: is neither in {self._data / 'clips'} nor in the demo")


def together(voice: Person, face: Person) -> Person:
    """One session of both."""
    return Person(f"{voice.name} {face.name}", voice.samples, face.frames, voice.reads)


def noises(data: Path, part: str) -> list[Path]:
    """ESC-10's recordings for ``part``: of other classes, so of other sounds and places.

    Raises SourceError where they are not in ``data``.
    """
    files = sorted((data / "noise" / "esc10").glob("*.opus"))
    if not files:
        raise SourceError(f"no noise in {data / 'noise' / 'esc10'}: ESC-10 belongs there")
    fit = [file for file in files if file.name.startswith(FIT_NOISES)]
    return fit[::2] if part == "fit" else [file for file in files if file not in fit]


def damage(
    stream: str,
    kind: str,
    severity: float,
    start: float = 0,
    end: float | None = None,
    *,
    file: Path | None = None,
) -> DamageSettings:
    """One damage as the settings hold it."""
    values = {"stream": stream, "kind": kind, "severity": severity, "start": start, "end": end}
    return DamageSettings.model_validate(values | {"file": None if file is None else str(file)})


def _decoded(files: Sequence[str], count: int) -> Floats:
    """At least ``count`` samples of ``files`` on end, where they hold as many."""
    samples = np.zeros(0, np.float32)
    for file in files:
        samples = np.concatenate([samples, decoded(file)])
        if len(samples) >= count:
            break
    return samples


def _images(file: Path, count: int, rate: float) -> list[Image]:
    """The first ``count`` pictures of ``file``, ``rate`` a second."""
    source = FileVideoSource(str(file), rate)
    source.open()
    source.start(0)
    images: list[Image] = []
    try:
        while len(images) < count and (frame := source.read(1.0)) is not None:
            images.append(frame.image)
    except EndOfStream:
        pass
    finally:
        source.close()
    return images
