"""What a user sees who asks for help, or for something that cannot be."""

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from streamer.assets import Assets
from tests.commands import Answer, command, stream

HEAVY = ("torch", "ray", "cv2", "mediapipe", "faster_whisper", "pydantic", "matplotlib", "aiohttp")


def test_help_names_the_commands_and_loads_nothing_heavy() -> None:
    shown = command("--help")
    assert shown.code == 0
    text = "\n".join(shown.lines)
    for name in (
        "--camera",
        "--mic",
        "--source",
        "--damage",
        "--plot",
        "--dashboard",
        "demo",
        "--record",
        "record",
        "replay",
        "export",
        "dashboard",
        "devices",
        "doctor",
        "models",
        "tap",
        "control",
        "schema",
        "keys",
        "train",
        "evaluate",
    ):
        assert name in text
    code = "import sys, streamer.cli; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not set(HEAVY) & set(loaded.stdout.split())


@pytest.mark.slow
def test_devices_are_listed() -> None:
    listed = command("devices")
    assert listed.code == 0
    assert "icrophone" in "\n".join(listed.lines)
    assert "amera" in "\n".join(listed.lines)


def test_models_are_listed(answer: Answer, assets: Assets) -> None:
    assert not assets.missing(["minilm-l6"])
    listed = answer("models", "list")
    assert listed.code == 0
    assert any(line.startswith("minilm-l6") and "present" in line for line in listed.lines)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--speed", "fast"], 2, "source.speed = 'fast': Input should be 'real' or 'max'"),
        (["--duration", "-1"], 2, "duration = -1.0: Input should be greater than 0"),
        (["--crop", "1,2"], 2, "source.crop"),
        (["--crop", "a,b,c,d"], 2, "must be X,Y,W,H"),
        (["--participant", "a/b"], 2, "participant = 'a/b'"),
        (["--camera", "off", "--mic", "off"], 2, "both off"),
        (["--config", "none.yaml"], 2, "none.yaml"),
        (["--damage", "rain"], 2, "or one of bad-wifi, cafe"),
        (["--damage", "audio:rust=1"], 2, "audio damage must be one of mute, quiet"),
        (["--damage", "video:blur=7@1-2"], 2, "severity = 7.0: Input should be less than"),
        (["demo", "--damage", "smell:noise"], 2, "must be one of audio, video, words"),
        (["--damage", "cafe@5-9", "--source", "none.mp4"], 3, "none.mp4"),
        (["--no-such-option"], 2, "--no-such-option"),
        (["--ui", "gui"], 2, "gui"),
        (["nonsense"], 2, "nonsense"),
        (["--source", "none.mp4"], 3, "none.mp4"),
        (["tap", "tcp://127.0.0.1:9", "--timeout", "0.5"], 3, "nothing heard"),
        (["tap", "not-an-address"], 2, "not-an-address"),
        (["record", __file__], 2, "is there already; choose another name, or --overwrite"),
        (["record", "--camera", "0", "a.qmr"], 2, "--camera"),
        (["record", "none/a.qmr", "--camera", "off"], 2, "cannot be made in none"),
        (["record", "a.qmr", "--record-limit", "0"], 2, "feed.record_limit = 0"),
        (["record", "a.qmr", "--no-such-option"], 2, "--no-such-option"),
        (["demo", "--record", __file__], 2, "is there already"),
        (["replay", "none.qmr"], 3, "recording none.qmr: No such file"),
        (["replay", __file__], 3, "does not begin as a recording does"),
        (["replay", __file__, "--speed", "2"], 2, "'2' is not one of 'real', 'max'"),
        (["replay", __file__, "--bind", "here"], 3, "does not begin as a recording does"),
        (["export", __file__], 3, "does not begin as a recording does"),
        (["export", __file__, "--to", "xml"], 2, "'xml' is not one of 'csv', 'parquet'"),
        (["control", "not-an-address", "pause"], 2, "not-an-address"),
        (["control", "tcp://127.0.0.1:9", "pause", "audio"], 2, "stream = audio: must be none"),
        (["control", "tcp://127.0.0.1:9", "fly"], 2, "fly"),
        (["tap", "--keys", "none"], 2, "keys none"),
    ],
    ids=lambda value: "_".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_one_line_and_an_exit_code(
    answer: Answer, arguments: list[str], code: int, said: str
) -> None:
    done = answer(*arguments)
    assert done.code == code
    assert said in done.said
    assert len(done.said.strip().splitlines()) == 1
    assert not done.lines


@pytest.mark.parametrize("arguments", [[], ["demo"]], ids=["live", "demo"])
@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("run.jpg", "must end in .png"),
        ("none/run.png", "cannot write there: No such file or directory"),
        ("file/run.png", "cannot write there: Not a directory"),
        ("folder.png", "is a folder"),
    ],
    ids=["jpg", "no-folder", "under-a-file", "folder"],
)
def test_a_picture_that_cannot_be_written_is_named_before_anything_begins(
    answer: Answer, tmp_path: Path, arguments: list[str], file: str, said: str
) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").write_text("")
    done = answer(*arguments, "--plot", str(tmp_path / file))
    assert done.code == 2
    assert said in done.complaint
    assert len(done.said.strip().splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.png"]


@pytest.mark.parametrize("content", [b"", b"not media at all\n" * 100], ids=["empty", "text"])
def test_a_file_that_is_no_media_is_named(answer: Answer, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "clip.mp4"
    file.write_bytes(content)
    done = answer("--source", str(file))
    assert done.code == 3
    assert str(file) in done.complaint


@pytest.mark.slow
@pytest.mark.parallel
def test_a_truncated_file_is_named(tmp_path: Path, assets: Assets) -> None:
    whole = assets.file("demo-media", "single_face.mp4").read_bytes()
    file = tmp_path / "clip.mp4"
    file.write_bytes(whole[: len(whole) // 2])
    done = command("--source", str(file))
    assert done.code == 3
    assert str(file) in done.complaint


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("window: {hop: 9}", "window.hop = 9: Input should be less than or equal to 1"),
        ("windows: {hop: 1}", "setting windows: there is no such setting"),
        ("damage: [{stream: audio, kind: rust, severity: 1, start: 0, end: 1}]", "rust"),
        ("feed: {bind: 'tcp://0.0.0.0:5556'}", "only loopback (127.0.0.1, [::1], localhost) is"),
        ("feed: {bind: 'tcp://0.0.0.0:5556'}", "make some with qamoe-stream keys new FOLDER"),
        ("feed: {control: 'tcp://0.0.0.0:5557'}", "feed.control = tcp://0.0.0.0:5557: only loop"),
        ("feed: {bind: 'tcp://0.0.0.0:5556', keys: none}", "none: no key pair in server.key"),
        ("window: [", "settings file"),
    ],
    ids=["range", "unknown", "damage", "loopback", "how-to", "control", "no-keys", "broken"],
)
def test_a_bad_settings_file_is_one_line(
    answer: Answer, tmp_path: Path, settings: str, said: str
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(settings)
    done = answer("--config", str(file))
    assert done.code == 2
    assert said in done.complaint


@pytest.mark.slow
@pytest.mark.parallel
def test_offline_without_the_models_ends_at_once(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(f"assets: {{folder: {tmp_path / 'empty'}}}")
    done = command("--config", str(file), "--offline", "--camera", "0")
    assert done.code == 4
    assert "whisper-tiny.en" in done.complaint
    assert "models pull" in done.complaint


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.usefixtures("assets")
class TestDevicesThatFail:
    def test_no_camera(self) -> None:
        done = stream("--camera", "97", "--mic", "off")
        assert done.code == 3
        assert "97" in done.complaint

    def test_a_camera_that_opens_and_gives_no_picture(self, tmp_path: Path) -> None:
        settings = tmp_path / "settings.yaml"
        settings.write_text("camera: {first_frame_timeout: 1.0}")
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}/camera.mjpg"
            done = stream("--camera", url, "--mic", "off", "--config", str(settings))
        assert done.code == 3
        assert url in done.complaint

    def test_no_microphone(self) -> None:
        done = stream("--mic", "no such microphone", "--camera", "off")
        assert done.code == 3
        assert "microphone" in done.complaint

    def test_an_address_in_use(self, assets: Assets) -> None:
        voice = str(assets.file("demo-media", "beckett.wav"))
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
            done = command("--source", voice, "--bind", address)
        assert done.code == 3
        assert "in use" in done.complaint

    def test_a_checkpoint_of_other_features_is_refused(
        self, tmp_path: Path, assets: Assets
    ) -> None:
        from importlib import resources

        shipped = Path(str(resources.files("models").joinpath("checkpoints", "live")))
        other = tmp_path / "checkpoint"
        shutil.copytree(shipped, other)
        config = other / "config.json"
        config.write_text(config.read_text().replace('"features": "', '"features": "0'))
        settings = tmp_path / "settings.yaml"
        settings.write_text(f"analyzer: {{checkpoint: {other}}}")
        voice = str(assets.file("demo-media", "beckett.wav"))
        done = stream("--source", voice, "--config", str(settings))
        assert done.code == 4
        assert "trained on features" in done.complaint
