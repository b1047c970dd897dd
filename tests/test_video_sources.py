import time
from collections.abc import Iterator
from itertools import pairwise, takewhile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.source import EndOfStream
from actors.video_sources import CameraSource, FileVideoSource, FrameSchedule, cropped
from streamer.devices import camera_nodes
from streamer.errors import SourceError
from streamer.packets import SECOND, VideoFrame
from tests.media_files import clip, demo_media, numbered_picture, write_video
from tests.mjpeg import network_camera


def frames_of(source: FileVideoSource) -> Iterator[VideoFrame]:
    while True:
        try:
            yield source.read(0)
        except EndOfStream:
            return


def times(frames: list[VideoFrame]) -> list[float]:
    return [round(frame.captured_at / SECOND, 3) for frame in frames]


def numbers(frames: list[VideoFrame]) -> list[int]:
    return [round(float(frame.image.mean()) / 10) for frame in frames]


@given(
    frame_rate=st.integers(1, 60),
    gaps=st.lists(st.integers(1, SECOND // 5), min_size=1, max_size=200),
)
def test_never_more_than_the_frame_rate(frame_rate: int, gaps: list[int]) -> None:
    schedule = FrameSchedule(frame_rate)
    captured = np.cumsum(gaps)
    taken = [at for at in captured if schedule.takes(int(at))]
    span = (taken[-1] - taken[0]) / SECOND
    assert len(taken) <= span * frame_rate * (1 + 1e-6) + 1.25 + 1e-6


@given(jitter=st.lists(st.integers(-SECOND // 61, SECOND // 61), min_size=2, max_size=100))
def test_a_camera_at_just_the_frame_rate_loses_nothing_to_jitter(jitter: list[int]) -> None:
    schedule = FrameSchedule(15)
    period = round(SECOND / 15)
    assert schedule.takes(0)
    assert all(schedule.takes(number * period + delay) for number, delay in enumerate(jitter, 1))


def test_a_file_is_decimated_by_capture_time(tmp_path: Path) -> None:
    path = str(write_video(tmp_path / "a.mp4", pictures=25, frame_rate=25))
    source = FileVideoSource(path, frame_rate=12.5)
    assert "64x48" in source.open()
    frames = list(frames_of(source))
    assert times(frames) == [round(0.08 * number, 3) for number in range(13)]
    assert numbers(frames) == list(range(0, 25, 2))
    with pytest.raises(EndOfStream):
        source.read(0)


def test_pictures_that_begin_late_keep_the_clock_of_the_sound(tmp_path: Path) -> None:
    path = str(write_video(tmp_path / "a.mp4", video_start=1.0, audio=(0.0, 1.0)))
    source = FileVideoSource(path, frame_rate=25)
    source.open()
    assert source.read(0).captured_at == SECOND


def test_a_looped_file_begins_again_after_its_longest_track(tmp_path: Path) -> None:
    path = str(write_video(tmp_path / "a.mp4", pictures=25, audio=(0.0, 2.0)))
    source = FileVideoSource(path, frame_rate=5, loop=True)
    source.open()
    frames = list(takewhile(lambda frame: frame.captured_at < 5.5 * SECOND, frames_of(source)))
    rounds = [[frame for frame in frames if frame.captured_at // SECOND == at] for at in range(6)]
    assert numbers(rounds[0]) == numbers(rounds[2]) == numbers(rounds[4])
    assert [len(frames) for frames in rounds] == [6, 0, 6, 0, 6, 0]


def test_a_file_that_breaks_off_plays_what_is_there(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = write_video(tmp_path / "a.mkv", pictures=100)
    half = tmp_path / "half.mkv"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    played = []
    for path in (whole, half):
        source = FileVideoSource(str(path), frame_rate=25)
        source.open()
        played.append(numbers(list(frames_of(source))))
    assert 25 < len(played[1]) < len(played[0])
    assert played[1] == played[0][: len(played[1])]
    assert capfd.readouterr().err == ""


def test_crop_takes_the_tile(tmp_path: Path) -> None:
    image = np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3)
    np.testing.assert_array_equal(cropped(image, (10, 5, 20, 30)), image[5:35, 10:30])
    source = FileVideoSource(str(write_video(tmp_path / "a.mp4")), 5, crop=(10, 5, 20, 30))
    source.open()
    assert source.read(0).image.shape == (30, 20, 3)


@pytest.mark.parametrize(
    "crop", [(50, 0, 20, 20), (-1, 0, 5, 5), (0, 0, 64, 49), (0, 0, 0, 5)], ids=str
)
def test_a_crop_outside_the_picture_is_refused(
    tmp_path: Path, crop: tuple[int, int, int, int]
) -> None:
    source = FileVideoSource(str(write_video(tmp_path / "a.mp4")), 15, crop=crop)
    with pytest.raises(SourceError, match=r"crop .* is not inside the picture of 64x48"):
        source.open()


def test_a_file_without_pictures_is_refused() -> None:
    source = FileVideoSource(str(demo_media("beckett.wav")), 15)
    with pytest.raises(SourceError, match="has no pictures"):
        source.open()


@pytest.mark.parametrize(
    ("name", "seconds"), [("grid_bbaf2n.mpg", 2.98), ("talking_head_en_8s.mp4", 8.0)]
)
def test_real_clips_come_at_the_frame_rate(name: str, seconds: float) -> None:
    source = FileVideoSource(str(clip(name)), frame_rate=10)
    source.open()
    frames = list(frames_of(source))
    assert len(frames) == pytest.approx(seconds * 10, abs=1.5)
    assert frames[0].captured_at == 0
    assert frames[-1].captured_at / SECOND == pytest.approx(seconds, abs=0.2)


def camera(graph: str, frame_rate: float = 30, timeout: float = 20.0) -> CameraSource:
    return CameraSource(f"lavfi:{graph}", frame_rate, timeout)


@pytest.mark.slow
def test_a_camera_delivers_paced_pictures_with_rising_times() -> None:
    source = camera("testsrc=size=320x240:rate=30,realtime")
    assert "320x240" in source.open()
    try:
        source.start(source.clock())
        frames = [source.read(5.0) for _ in range(30)]
    finally:
        source.close()
    stamps = [frame.captured_at for frame in frames if frame is not None]
    assert len(stamps) == 30
    assert all(a < b for a, b in pairwise(stamps))
    assert stamps[-1] - stamps[0] >= 28 * SECOND // 30


def test_a_slow_reader_gets_the_newest_picture_and_the_others_are_counted(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", pictures=25)
    source = camera(f"movie={path}:loop=0,setpts=N/(25*TB),realtime", frame_rate=25)
    source.open()
    try:
        start = source.clock()
        source.start(start)
        while source.dropped < 5:
            assert source.clock() - start < 60 * SECOND
            time.sleep(0.01)
        before = source.clock()
        frame = source.read(5.0)
    finally:
        source.close()
    assert frame is not None
    assert before - start - frame.captured_at < SECOND


@pytest.mark.parametrize("device", ["0", "/dev/video7", "lavfi:no_such_filter", "nowhere.mp4"])
def test_a_camera_that_cannot_be_opened(device: str, capfd: pytest.CaptureFixture[str]) -> None:
    if camera_nodes():
        pytest.skip("this machine has a camera")
    source = CameraSource(device, 15, 20.0)
    with pytest.raises(SourceError, match=r"cannot be opened: no camera found") as error:
        source.open()
    source.close()
    assert "\n" not in str(error.value)
    assert capfd.readouterr().err == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("graph", "said"),
    [
        ("testsrc=size=64x48:duration=1,select=0", "opens but delivers no picture within 0.5 s"),
        ("testsrc=size=64x48:rate=30,realtime,select=gte(n\\,60)", "did not answer within 0.5 s"),
    ],
    ids=["no-picture", "no-answer"],
)
def test_a_camera_that_gives_no_picture_in_time(graph: str, said: str) -> None:
    source = camera(graph, timeout=0.5)
    with pytest.raises(SourceError) as error:
        source.open()
    assert said in str(error.value)


def test_a_password_in_a_camera_s_address_is_not_told() -> None:
    source = CameraSource("rtsp://me:secret@127.0.0.1:1/stream", 15, 20.0)
    with pytest.raises(SourceError) as error:
        source.open()
    assert "secret" not in str(error.value)


def test_camera_nodes_are_sorted_and_named(tmp_path: Path) -> None:
    for name in ("video10", "video2", "video-old", "vcs"):
        (tmp_path / name).touch()
    (tmp_path / "names" / "video2").mkdir(parents=True)
    (tmp_path / "names" / "video2" / "name").write_text("Integrated Camera\n")
    found = [(path.name, name) for path, name in camera_nodes(tmp_path, tmp_path / "names")]
    assert found == [("video2", "Integrated Camera"), ("video10", "unnamed")]


def test_numbered_pictures_tell_their_number() -> None:
    assert numbers([VideoFrame(0, numbered_picture(number)) for number in (0, 7, 24)]) == [0, 7, 24]


@pytest.mark.slow
@pytest.mark.parallel
def test_a_camera_that_was_there_is_not_waited_for_as_long_as_a_new_one() -> None:
    """What sends garbage opens and delivers nothing; the next attempt may be the one."""
    with network_camera(demo_media("WolfgangLanger_Pexels.mp4")) as camera:
        source = CameraSource(camera.address, 15, 20.0)
        source.open()
        source.close()
        camera.garbage = True
        with pytest.raises(SourceError, match=r"within (\d\.?\d*) s") as refusal:
            source.again().open()
        assert "within 20 s" not in str(refusal.value)
        camera.garbage = False
        again = source.again()
        again.open()
        again.close()


@pytest.mark.parametrize("rounds", [0, 2])
@pytest.mark.parametrize("place", [0.0, 1.0, 7.3, 9.9])
def test_a_file_is_gone_on_with_from_where_the_session_is(
    tmp_path: Path, place: float, rounds: int
) -> None:
    """An actor that takes another's place does not decode all that was before."""
    film = str(write_video(tmp_path / "a.mp4", pictures=250))
    whole = FileVideoSource(film, 25)
    whole.open()
    shown = dict(zip(times(read := list(frames_of(whole))), numbers(read), strict=True))
    source = FileVideoSource(film, 25, loop=rounds > 0)
    source.open()
    moment = place + 10 * rounds
    source.skip_to(round(moment * SECOND))
    found = [source.read(0) for _ in range(250 - round(25 * place))]
    assert moment - 5 <= times(found)[0] <= moment
    inside = [frame for frame in found if times([frame])[0] < 10 * (rounds + 1)]
    assert numbers(inside) == [shown[round(at - 10 * rounds, 3)] for at in times(inside)]
