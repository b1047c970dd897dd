from pathlib import Path

import pytest

from streamer.devices import (
    Camera,
    Devices,
    Microphone,
    camera_nodes,
    camera_path,
    list_devices,
    path_again,
)
from tests.pulse import pulse_server


@pytest.mark.slow
def test_the_sound_server_s_microphones_are_listed() -> None:
    with pulse_server():
        devices = list_devices()
    assert {"pulse", "default"} <= {microphone.name for microphone in devices.microphones}
    assert [microphone.name for microphone in devices.microphones if microphone.is_default]
    assert "pulse" in str(devices)


def test_a_machine_without_devices_says_so(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PULSE_SERVER", "unix:/nonexistent")
    devices = list_devices()
    if devices.microphones or camera_nodes():
        pytest.skip("this machine has a microphone or a camera")
    assert "no microphone found" in str(devices)
    assert "no camera found" in str(devices)
    assert capfd.readouterr().err == ""


def test_each_device_is_one_line() -> None:
    devices = Devices(
        (Microphone(3, "USB Headset", 1, 48000, True),),
        (Camera("/dev/video0", "Webcam", (640, 480)), Camera("/dev/video1", "Webcam", None)),
    )
    assert str(devices).splitlines() == [
        "microphones (--mic NAME, part of a name, or index):",
        "  3  USB Headset  1 ch  48000 Hz  (default)",
        "cameras (--camera INDEX or PATH):",
        "  /dev/video0  Webcam  640x480",
        "  /dev/video1  Webcam  cannot be opened",
    ]


NODES = [
    (Path("/dev/video0"), "Integrated Camera"),
    (Path("/dev/video2"), "Logitech C920"),
    (Path("/dev/video3"), "Logitech C920"),
]


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("logitech", "/dev/video2"),
        ("0", "0"),
        ("/dev/video0", "/dev/video0"),
        ("http://camera/logitech", "http://camera/logitech"),
        ("lavfi:testsrc", "lavfi:testsrc"),
        ("Kinect", "Kinect"),
        ("", ""),
    ],
)
def test_a_camera_is_found_by_part_of_its_name(wanted: str, path: str) -> None:
    assert camera_path(wanted, NODES) == path


def test_a_camera_that_comes_back_under_another_number_is_found_by_its_name() -> None:
    assert path_again("/dev/video3", "Logitech C920", NODES) == "/dev/video3"
    assert path_again("/dev/video1", "Logitech C920", NODES) == "/dev/video2"
    assert path_again("/dev/video9", "Kinect", NODES) == "/dev/video9"
