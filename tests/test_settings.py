from pathlib import Path

import pytest

from streamer.errors import SettingError
from streamer.settings import load_settings


def test_defaults_are_complete_and_valid() -> None:
    settings = load_settings()
    assert settings.window.hop <= settings.window.length
    assert settings.feed.bind.startswith("tcp://127.0.0.1:")
    assert not settings.feed.transcripts


def test_command_line_overrides_file_overrides_defaults(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("window: {hop: 1.0, length: 5.0}\ncamera: {device: 2}\n")
    settings = load_settings(file, {"window.hop": 0.25 * 2, "participant": None})
    assert (settings.window.hop, settings.window.length) == (0.5, 5.0)
    assert settings.camera.device == "2"
    assert settings.participant == "me"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"window.hop": 9}, "window.hop = 9: Input should be less than or equal to 1"),
        ({"window.hop": 0.25}, "must be a multiple of 0.1 s"),
        ({"window.hopp": 1}, "window.hopp: there is no such setting"),
        ({"feed.encoding": "xml"}, "feed.encoding = 'xml': Input should be 'json' or 'msgpack'"),
        ({"participant": "a/b"}, "participant = 'a/b'"),
        ({"duration": float("nan")}, "duration = nan"),
    ],
    ids=["range", "grid", "unknown", "choice", "separator", "nan"],
)
def test_a_bad_setting_names_key_value_and_what_is_allowed(
    options: dict[str, object], said: str
) -> None:
    with pytest.raises(SettingError) as error:
        load_settings(options=options)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["[1, 2]", "a: [", "window: 3"], ids=["list", "broken", "scalar"])
def test_a_bad_file_is_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    with pytest.raises(SettingError) as error:
        load_settings(file)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="none"):
        load_settings(tmp_path / "none.yaml")
