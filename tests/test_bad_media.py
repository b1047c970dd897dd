"""Files that are odd or broken, through the real pipeline: what is on the feed stays in range."""

import wave
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from streamer.media import decode_audio
from streamer.packets import Floats, Image
from tests.commands import Answer, Finished, stream
from tests.media_files import demo_media, first_pictures, tone, write_wav

pytestmark = [pytest.mark.slow, pytest.mark.parallel, pytest.mark.usefixtures("assets")]


def assert_sane(run: Finished) -> None:
    assert run.code == 0, run.said
    assert run.windows
    for item in run.windows:
        for part in item.reliability.values():
            numbers = (part.value, part.model, part.evidence)
            assert all(0 <= number <= 1 for number in numbers)
        assert all(0 <= w <= 1 for weights in item.routing.values() for w in weights)
        if item.sentiment is None:
            assert item.reason
        else:
            assert -1 <= item.sentiment.value <= 1
            assert 0 < item.sentiment.uncertainty < 10
        assert item.window.start < item.window.end
    assert not any("NaN" in line or "Infinity" in line for line in run.lines)
    assert run.health[-1].state == "bye"


def voice(rate: int, seconds: float) -> Floats:
    """Real speech at another rate."""
    samples = np.concatenate([c.samples for c in decode_audio(str(demo_media("beckett.wav")))])
    at = np.arange(round(seconds * rate)) / rate * 16_000
    heard = np.nan_to_num(samples)
    return np.interp(at, np.arange(len(heard)), heard).astype(np.float32)


def write_floats(path: Path, samples: Floats, rate: int) -> Path:
    """A WAV of 32-bit floats, which holds any number."""
    with av.open(str(path), "w") as container:
        track = container.add_stream("pcm_f32le", rate=rate, layout="mono")
        for at in range(0, len(samples), 4096):
            frame = av.AudioFrame.from_ndarray(samples[None, at : at + 4096], "flt", "mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, at, Fraction(1, rate)
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
    return path


def write_film(path: Path, images: list[Image], rate: int = 15) -> Path:
    height, width = images[0].shape[:2]
    with av.open(str(path), "w") as container:
        track = container.add_stream("mpeg4", rate=rate)
        track.width, track.height, track.pix_fmt = width, height, "yuv420p"
        track.bit_rate = 100 * width * height  # else large pictures are coded coarsely
        for image in images:
            container.mux(track.encode(av.VideoFrame.from_ndarray(image, "bgr24")))
        container.mux(track.encode(None))
    return path


def faces(count: int) -> list[Image]:
    return first_pictures(demo_media("WolfgangLanger_Pexels.mp4"), count)


@pytest.mark.parametrize(
    ("rate", "channels"), [(8000, 1), (44_100, 1), (48_000, 2)], ids=["8k", "44.1k", "48k stereo"]
)
def test_sound_of_any_rate_is_heard(tmp_path: Path, rate: int, channels: int) -> None:
    file = write_wav(tmp_path / "voice.wav", voice(rate, 5), rate, channels)
    run = stream("--source", str(file), "--speed", "max", "--transcripts")
    assert_sane(run)
    assert run.transcripts
    last = run.windows[-1]
    assert last.window.end == 5
    expected = "narrow band" if rate == 8000 else None
    assert last.reliability["audio"].reason == expected


def test_numbers_that_are_no_sound_do_no_lasting_harm(tmp_path: Path) -> None:
    samples = voice(16_000, 10)
    for at, wild in ((1.0, np.nan), (1.4, np.inf), (1.8, -np.inf), (2.2, 1e30), (2.6, 3e38)):
        samples[round(at * 16_000) : round((at + 0.2) * 16_000)] = wild
    file = write_floats(tmp_path / "wild.wav", samples, 16_000)
    run = stream("--source", str(file), "--speed", "max")
    assert_sane(run)
    assert any(item.sentiment is not None for item in run.windows if item.window.end > 7)


def test_a_tone_abstains(tmp_path: Path) -> None:
    file = write_wav(tmp_path / "tone.wav", tone(4))
    run = stream("--source", str(file), "--speed", "max")
    assert_sane(run)
    assert all(item.sentiment is None for item in run.windows)


def test_pictures_of_4k_are_seen(tmp_path: Path) -> None:
    images = [np.asarray(cv2.resize(image, (3840, 2160)), np.uint8) for image in faces(30)]
    run = stream("--source", str(write_film(tmp_path / "4k.mp4", images)), "--speed", "max")
    assert_sane(run)
    assert run.windows[-1].reliability["vision"].evidence > 0.5


def test_pictures_without_a_face_are_worth_nothing(tmp_path: Path) -> None:
    """Those of 16 x 16 pixels, and larger ones in which nobody is."""
    small = [np.asarray(cv2.resize(image, (16, 16)), np.uint8) for image in faces(30)]
    walls = [np.full((240, 320, 3), 90 + n, np.uint8) for n in range(30)]
    for name, images in (("small", small), ("walls", walls)):
        run = stream("--source", str(write_film(tmp_path / f"{name}.mp4", images)),
                     "--speed", "max")  # fmt: skip
        assert_sane(run)
        assert max(item.reliability["vision"].value for item in run.windows) < 0.1
        assert all(item.sentiment is None for item in run.windows)


def test_a_file_that_is_cut_off_ends_there(tmp_path: Path) -> None:
    whole = demo_media("beckett.wav").read_bytes()
    cut = tmp_path / "cut.wav"
    cut.write_bytes(whole[: len(whole) // 3])
    assert_sane(stream("--source", str(cut), "--speed", "max"))


@pytest.mark.parametrize("made", ["nothing", "no samples", "a header alone"])
def test_a_file_that_holds_nothing_is_one_line(answer: Answer, tmp_path: Path, made: str) -> None:
    file = tmp_path / "empty.wav"
    if made == "nothing":
        file.touch()
    else:
        with wave.open(str(file), "wb") as written:
            written.setnchannels(1)
            written.setsampwidth(2)
            written.setframerate(16_000)
            written.writeframes(b"")
        if made == "a header alone":
            file.write_bytes(file.read_bytes()[:20])
    run = answer("--source", str(file), "--speed", "max")
    assert run.code == 3
    assert "empty.wav" in run.complaint
