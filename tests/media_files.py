"""Small media files made on the spot, and where the real ones are."""

import os
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from platformdirs import user_cache_path

from actors.opencv import open_file
from streamer.packets import SAMPLE_RATE, Floats, Image

CHECKOUT = Path(__file__).parents[1]


def demo_media(name: str) -> Path:
    """A file of the demo media; skips where it has not been fetched."""
    file = user_cache_path("qamoe-stream") / "demo-media" / name
    if not file.is_file():
        pytest.skip(f"{name} is not among the demo media: qamoe-stream models pull")
    return file


def clip(name: str) -> Path:
    """A file of the data folder's clips; skips where there is none."""
    folder = Path(os.environ.get("QAMOE_DATA", CHECKOUT.parent / "shared" / "data"))
    file = folder / "clips" / name
    if not file.is_file():
        pytest.skip(f"{name} is not in the data folder (QAMOE_DATA)")
    return file


def first_pictures(film: Path, count: int) -> list[Image]:
    capture = open_file(str(film))
    results = [capture.read() for _ in range(count)]
    capture.release()
    assert all(read for read, _ in results)
    return [np.asarray(image, np.uint8) for _, image in results]


def tone(seconds: float, rate: int = SAMPLE_RATE, hertz: float = 440.0) -> Floats:
    times = np.arange(round(seconds * rate)) / rate
    return np.asarray(0.5 * np.sin(2 * np.pi * hertz * times), np.float32)


def write_wav(path: Path, samples: Floats, rate: int = SAMPLE_RATE, channels: int = 1) -> Path:
    whole = np.repeat(np.round(samples * 32767).astype(np.int16), channels)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(whole.tobytes())
    return path


def read_wav(path: Path) -> Floats:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    return np.asarray(samples / 32768, np.float32)


def numbered_picture(number: int, width: int = 64, height: int = 48) -> Image:
    """A plain picture whose brightness tells its number (0-24)."""
    return np.full((height, width, 3), 10 * number, np.uint8)


def write_video(
    path: Path,
    pictures: int = 50,
    frame_rate: int = 25,
    video_start: float = 0.0,
    audio: tuple[float, float] | None = None,
) -> Path:
    """Numbered pictures, counting anew every 25; ``audio`` is (start, seconds) of a 440 Hz tone."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=frame_rate)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("aac", rate=44100, layout="mono") if audio else None
        for index in range(pictures):
            frame = av.VideoFrame.from_ndarray(numbered_picture(index % 25), "bgr24")
            frame.pts = index + round(video_start * frame_rate)
            frame.time_base = Fraction(1, frame_rate)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio and sound:
            start, seconds = audio
            samples = tone(seconds, 44100)
            for at in range(0, len(samples), 1024):
                part = av.AudioFrame.from_ndarray(samples[None, at : at + 1024], "fltp", "mono")
                part.sample_rate = 44100
                part.pts = round(start * 44100) + at
                part.time_base = Fraction(1, 44100)
                container.mux(sound.encode(part))
            container.mux(sound.encode(None))
    return path
