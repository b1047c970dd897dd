import queue
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from actors.camera import Camera
from models.features.face_reader import LOOK_SIZE
from streamer.errors import SourceError
from streamer.packets import FACE_MEASURES, SECOND, FaceFrames
from streamer.retreat import FULL, Step
from streamer.settings import Settings, load_settings
from tests import capturing
from tests.capturing import PATIENCE, file_settings
from tests.media_files import demo_media, write_video


@pytest.fixture(scope="module", autouse=True)
def _needs_the_face_model() -> None:
    capturing.needs_the_face_model()


def packets_of(settings: Settings) -> list[FaceFrames]:
    return capturing.packets_of(Camera, settings)


def captured(packets: list[FaceFrames]) -> list[int]:
    return [int(at) for packet in packets for at in packet.captured_at]


def test_each_packet_holds_the_pictures_of_its_hop(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", pictures=50, frame_rate=25)
    packets = packets_of(file_settings(path, **{"camera.frame_rate": 10}))
    assert [packet.hop for packet in packets] == [0, 1, 2, 3]
    assert [packet.ended for packet in packets] == [False, False, False, True]
    for packet in packets:
        assert set(packet.captured_at // (SECOND // 2)) == {packet.hop}
        frames = len(packet.captured_at)
        assert packet.features.shape == (frames, LOOK_SIZE)
        assert packet.found.shape == (frames,)
        assert packet.measures.shape == (frames, len(FACE_MEASURES))
    assert len(captured(packets)) == 20


def test_pictures_that_begin_late_leave_empty_packets(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", pictures=25, video_start=1.2, audio=(0.0, 1.0))
    packets = packets_of(file_settings(path))
    assert [len(packet.captured_at) == 0 for packet in packets] == [True, True, False, False, False]
    assert packets[0].features.shape == (0, LOOK_SIZE)
    assert packets[0].measures.shape == (0, len(FACE_MEASURES))


@pytest.mark.slow
@pytest.mark.parallel
def test_a_face_that_comes_into_the_picture_is_found() -> None:
    packets = packets_of(file_settings(demo_media("noface_face.mov"), **{"camera.frame_rate": 5}))
    found = np.concatenate([packet.found for packet in packets])
    third = len(found) // 3
    assert found[:third].mean() < 0.2
    assert found[-third:].mean() > 0.8


@pytest.mark.slow
@pytest.mark.parallel
def test_the_same_file_twice_is_the_same() -> None:
    settings = file_settings(demo_media("single_face.mp4"), **{"camera.frame_rate": 5})
    for one, other in zip(packets_of(settings), packets_of(settings), strict=True):
        np.testing.assert_array_equal(one.captured_at, other.captured_at)
        np.testing.assert_array_equal(one.features, other.features)
        np.testing.assert_array_equal(one.measures, other.measures)


def test_damage_is_done_before_the_face_is_sought() -> None:
    damage = [{"stream": "vision", "kind": "dark", "severity": 1.0, "start": 0, "end": 60}]
    path = demo_media("single_face.mp4")
    packets = packets_of(file_settings(path, **{"camera.frame_rate": 5}, damage=damage))
    brightness = FACE_MEASURES.index("brightness")
    assert max(float(packet.measures[:, brightness].max()) for packet in packets) < 30


@pytest.mark.slow
@pytest.mark.parallel
def test_a_mask_is_put_on_the_face_from_the_first_picture_on() -> None:
    damage = [{"stream": "vision", "kind": "mask", "severity": 1.0}]
    path = demo_media("single_face.mp4")
    clean, masked = (
        np.concatenate([packet.measures for packet in packets_of(settings)])
        for settings in (
            file_settings(path, **{"camera.frame_rate": 5}),
            file_settings(path, **{"camera.frame_rate": 5}, damage=damage),
        )
    )
    size, brightness = FACE_MEASURES.index("face_size"), FACE_MEASURES.index("brightness")
    np.testing.assert_allclose(masked[:, size], clean[:, size], rtol=0.15)
    assert (masked[:, brightness] > clean[:, brightness] + 20).all()


@pytest.mark.slow
def test_a_live_camera_sends_its_pictures_hop_by_hop() -> None:
    graph = f"lavfi:movie={demo_media('single_face.mp4')}:loop=0,setpts=N/(30*TB),realtime"
    options = {"camera.device": graph, "camera.first_frame_timeout": 20, "duration": 3}
    packets = packets_of(load_settings(options=options))
    assert [packet.hop for packet in packets] == list(range(6))
    times = captured(packets)
    assert times == sorted(times)
    assert len(times) + packets[-1].dropped >= 35
    assert len(times) <= 47
    assert np.concatenate([packet.found for packet in packets]).any()


@pytest.mark.slow
def test_a_camera_that_goes_sends_empty_packets_that_say_so_and_is_opened_again() -> None:
    graph = "lavfi:testsrc=size=64x48:rate=30:duration=1,realtime"
    options = {"camera.device": graph, "camera.first_frame_timeout": 20, "duration": 8}
    packets = packets_of(load_settings(options=options))
    assert [packet.hop for packet in packets] == list(range(16))
    empty = [packet for packet in packets if not len(packet.captured_at)]
    assert any("has gone" in str(packet.fault) for packet in empty)
    assert max(captured(packets)) > empty[0].hop * SECOND // 2


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.mp4"):
        packets_of(file_settings(tmp_path / "none.mp4"))


@pytest.mark.slow
@pytest.mark.parallel
def test_the_face_model_leaves_the_sound_devices_alone() -> None:
    look = (
        "import sys; from models.watching import *; from streamer.settings import load_settings;"
        "settings = load_settings();"
        "FaceReader(face_landmarker(settings), tuned_weights(settings, 'vision'), 'video');"
        "sys.exit('sounddevice' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", look], check=True, timeout=PATIENCE, capture_output=True)


def test_it_looks_at_fewer_pictures_when_told_and_says_how_many(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", pictures=100, frame_rate=25)
    received: queue.Queue[FaceFrames] = queue.Queue()
    camera = Camera(file_settings(path, **{"camera.frame_rate": 12.5}), received.put)
    camera.retreat(Step("fewest pictures", pictures=2.0))
    camera.open()
    camera.start(time.monotonic_ns())
    packets = [received.get(timeout=PATIENCE) for _ in range(8)]
    camera.stop()
    assert 7 <= len(captured(packets)) <= 9
    assert np.diff(captured(packets)).min() >= 0.3 * SECOND
    assert {packet.frame_rate for packet in packets} == {2.0}
    assert packets[-1].dropped == 0


def test_a_hop_with_two_rates_tells_the_lower_one(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", pictures=100, frame_rate=25)
    received: queue.Queue[FaceFrames] = queue.Queue()
    camera = Camera(file_settings(path, **{"camera.frame_rate": 12.5}), received.put)
    camera.retreat(Step("fewer pictures", pictures=5.0))
    camera.retreat(FULL)
    camera.open()
    camera.start(time.monotonic_ns())
    packets = [received.get(timeout=PATIENCE) for _ in range(8)]
    camera.stop()
    assert [packet.frame_rate for packet in packets] == [5.0, *[12.5] * 7]
