from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from streamer.errors import SourceError
from streamer.media import SAMPLE_PERIOD, decode_audio, probe
from streamer.packets import SECOND, Floats
from tests.media_files import clip, demo_media, tone, write_video, write_wav


def placed(path: Path, seconds: float) -> Floats:
    """All sound of a file where it belongs, NaN where there is none."""
    samples = np.full(round(seconds * 16000), np.nan, np.float32)
    for chunk in decode_audio(str(path)):
        assert chunk.captured_at % SAMPLE_PERIOD == 0
        start = chunk.captured_at // SAMPLE_PERIOD
        part = chunk.samples[: max(0, len(samples) - start)]
        samples[start : start + len(part)] = part
    return samples


def test_probe_tells_tracks_and_duration(tmp_path: Path) -> None:
    sound = probe(str(write_wav(tmp_path / "a.wav", tone(1.5))))
    assert (sound.has_audio, sound.has_video, sound.duration_seconds) == (True, False, 1.5)
    silent = probe(str(write_video(tmp_path / "a.mp4")))
    assert (silent.has_audio, silent.has_video, silent.duration_seconds) == (False, True, 2.0)
    late = probe(str(write_video(tmp_path / "b.mp4", video_start=1.0, audio=(0.0, 2.0))))
    assert late.has_audio
    assert late.video_start_seconds == 1.0
    assert late.duration_seconds == pytest.approx(3.0)


def test_the_duration_is_found_where_the_container_does_not_know_it(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "a.mkv", audio=(0.0, 2.0)).read_bytes()
    unknown = tmp_path / "live.mkv"
    # Segment information's duration element (0x4489, 8 bytes) made void, as a live muxer leaves it.
    at = whole.index(b"\x44\x89\x88")
    unknown.write_bytes(whole[:at] + b"\xec\x89" + bytes(9) + whole[at + 11 :])
    assert probe(str(unknown)).duration_seconds == pytest.approx(2.0, abs=0.1)


def bad_files(folder: Path) -> dict[str, Path]:
    film = write_video(folder / "film.mp4").read_bytes()
    contents = {
        "empty": b"",
        "text": b"not media at all\n" * 50,
        "noise": np.random.default_rng(0).bytes(50_000),
        "no index": film[: len(film) // 2],
    }
    files = {"missing": folder / "missing.mp4", "folder": folder}
    for name, content in contents.items():
        files[name] = folder / (name + (".txt" if name == "text" else ".mp4"))
        files[name].write_bytes(content)
    return files


@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "text", "noise", "no index"])
def test_what_is_no_media_is_one_line(tmp_path: Path, kind: str) -> None:
    path = str(bad_files(tmp_path)[kind])
    for use in (probe, lambda path: list(decode_audio(path))):
        with pytest.raises(SourceError) as error:
            use(path)
        assert "is not a media file that can be read" in str(error.value)
        assert path in str(error.value)
        assert "\n" not in str(error.value)


def test_a_file_that_breaks_off_plays_what_is_there(tmp_path: Path) -> None:
    whole = write_wav(tmp_path / "a.wav", tone(2.0))
    half = tmp_path / "half.wav"
    half.write_bytes(whole.read_bytes()[:32044])
    assert probe(str(half)).has_audio
    np.testing.assert_allclose(placed(half, 1.0), placed(whole, 1.0))


@pytest.mark.parametrize(("rate", "channels"), [(16000, 1), (48000, 2), (44100, 1), (8000, 2)])
def test_sound_of_any_rate_keeps_its_length_and_place(
    tmp_path: Path, rate: int, channels: int
) -> None:
    path = write_wav(tmp_path / "a.wav", tone(3.0, rate), rate, channels)
    samples = placed(path, 3.0)
    assert np.isnan(samples).sum() <= 1
    heard = np.nan_to_num(samples)
    assert np.corrcoef(heard[160:-160], tone(3.0)[160:-160])[0, 1] > 0.999


def test_sound_and_pictures_share_the_clock(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", audio=(1.0, 1.0))
    samples = placed(path, 2.0)
    present = np.flatnonzero(np.abs(samples) > 0.1)
    assert present[0] / 16000 == pytest.approx(1.0, abs=0.01)


def test_a_real_file_whose_sound_begins_late() -> None:
    path = demo_media("face_noface.mov")
    first = next(decode_audio(str(path)))
    assert first.captured_at / SECOND == pytest.approx(2.43, abs=0.001)
    assert probe(str(path)).duration_seconds == pytest.approx(6.42, abs=0.01)


@pytest.mark.parametrize(
    ("name", "seconds", "pictures"),
    [("grid_bbaf2n.mpg", 2.98, True), ("jfk.flac", 11.0, False)],
)
def test_real_clips(name: str, seconds: float, pictures: bool) -> None:
    path = clip(name)
    info = probe(str(path))
    assert info.has_video == pictures
    assert info.duration_seconds == pytest.approx(seconds)
    chunks = list(decode_audio(str(path)))
    assert chunks[-1].end / SECOND == pytest.approx(seconds, abs=0.01)
    assert all(one.end == other.captured_at for one, other in pairwise(chunks))
