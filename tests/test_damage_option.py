"""What --damage takes, and the scenes that come with it."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from models.degradation import KINDS, check
from streamer.damage_option import STREAMS, parse
from streamer.errors import SettingError
from streamer.media import decode_audio
from streamer.packets import SAMPLE_RATE, Floats, Image
from streamer.reel import PLAN, captions, damage_captions
from streamer.scenes import scenes
from streamer.settings import DamageSettings, load_settings
from tests.degradation_fixtures import damage, in_pieces, shown
from tests.media_files import first_pictures

SCENES = Path(__file__).parents[1] / "configs" / "damage"


def parsed(text: str) -> tuple[DamageSettings, ...]:
    return load_settings(options={"damage": parse(text)}).damage


@pytest.fixture(scope="module")
def speech(data_folder: Path) -> Floats:
    chunks = decode_audio(str(data_folder / "clips" / "jfk.flac"))
    return np.concatenate([chunk.samples for chunk in chunks])[: 2 * SAMPLE_RATE]


@pytest.fixture(scope="module")
def film(data_folder: Path) -> list[Image]:
    return first_pictures(data_folder / "clips" / "talking_head_en_8s.mp4", 15)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("audio:noise=0.6@10-20", [damage("audio", "noise", 0.6, 10, 20)]),
        (
            "audio:noise=0.6@10-20,video:freeze=1@25-30",
            [damage("audio", "noise", 0.6, 10, 20), damage("vision", "freeze", 1, 25, 30)],
        ),
        ("words:invent=.5", [damage("text", "invent", 0.5, 0, None)]),
        ("audio:mute@10-", [damage("audio", "mute", 1, 10, None)]),
        ("video:h264=0.3@-2.5", [damage("vision", "h264", 0.3, 0, 2.5)]),
        ("muted", [damage("audio", "mute", 1, 0, None, scene="muted")]),
        (
            " muted@3-4 , audio:gap=0.2@5-6",
            [damage("audio", "mute", 1, 3, 4, scene="muted"), damage("audio", "gap", 0.2, 5, 6)],
        ),
    ],
)
def test_the_option_becomes_settings(text: str, expected: list[DamageSettings]) -> None:
    assert list(parsed(text)) == expected


@pytest.mark.slow
@pytest.mark.parallel
@given(
    st.sampled_from([(s, kind) for s, stream in STREAMS.items() for kind in KINDS[stream]]),
    st.integers(0, 100),
    st.integers(0, 900),
    st.none() | st.integers(1, 900),
)
def test_every_kind_can_be_asked_for(
    named: tuple[str, str], percent: int, start: int, length: int | None
) -> None:
    stream, kind = named
    end = None if length is None else start + length
    written = f"{stream}:{kind}={percent / 100}@{start}-{'' if end is None else end}"
    (found,) = parsed(written)
    check([found])
    assert found == damage(STREAMS[stream], kind, percent / 100, start, end)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must be STREAM:KIND=SEVERITY@START-END"),
        ("café", "or one of bad-wifi, cafe, dark-room, mask, mobile-call, muted"),
        ("../default", "or one of bad-wifi"),
        ("audio:noise=0.6@10", "must be STREAM:KIND=SEVERITY@START-END"),
        ("audio:noise=loud", "'loud' is no number"),
        ("audio:noise=0.6@1..2-3", "'1..2' is no number"),
        ("taste:salt=1", "the stream must be one of audio, video, words"),
        ("audio:noise=0.6,,", "option --damage ''"),
        ("audio:noise=2", "damage.0.severity = 2.0: Input should be less than or equal to 1"),
        ("audio:noise=nan", "damage.0.severity"),
        ("audio:noise=1@3-0", "damage.0.end = 0.0"),
    ],
)
def test_what_cannot_be_is_one_line_with_what_is_allowed(text: str, said: str) -> None:
    with pytest.raises(SettingError) as error:
        parsed(text)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", scenes())
def test_every_scene_does_something_to_real_sound_and_pictures(
    name: str, speech: Floats, film: list[Image]
) -> None:
    damages = parsed(name)
    check(damages)
    heard, seen = in_pieces(damages, speech, [8000, 16_001]), shown(damages, film)
    streams = {damage.stream for damage in damages}
    assert heard.shape == speech.shape
    assert np.isfinite(heard).all()
    assert np.array_equal(heard, speech) == ("audio" not in streams)
    same = all(after is before for before, after in zip(film, seen, strict=True))
    assert same == ("vision" not in streams)


@pytest.mark.parametrize("name", scenes())
def test_a_scene_in_a_file_is_the_scene_on_the_command_line(name: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"damage: [{{scene: {name}, start: 3, end: 9.5}}]")
    assert load_settings(file).damage == parsed(f"{name}@3-9.5")
    assert {(part.scene, part.start, part.end) for part in parsed(f"{name}@3-9.5")} == {
        (name, 3, 9.5)
    }


def test_scenes_stand_among_others_in_their_order() -> None:
    found = parsed("video:blur=0.1,muted@1-2,audio:gap=0.2,muted@5-")
    assert [(part.kind, part.scene, part.start) for part in found] == [
        ("blur", None, 0), ("mute", "muted", 1), ("gap", None, 0), ("mute", "muted", 5),
    ]  # fmt: skip


def test_changing_a_scene_changes_everything_that_names_it() -> None:
    assert [part.kind for part in parsed("cafe")] == [
        part["kind"] for part in yaml.safe_load((SCENES / "cafe.yaml").read_text())["damage"]
    ]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{scene: caff}", "damage.1.scene = 'caff': must be one of bad-wifi, cafe"),
        ("{scene: [cafe]}", "damage.1.scene = ['cafe']: must be one of"),
        ("{scene: ../demo}", "must be one of"),
        ("{scene: cafe, severity: 0.5}", "damage.1.severity: a scene takes only start and end"),
        ("{scene: muted, start: -1}", "damage.1.start = -1"),
        ("{scene: muted, end: soon}", "damage.1.end = 'soon'"),
        ("{start: 1}", "damage.1.stream"),
        ("cafe", "damage.1 = 'cafe'"),
    ],
)
def test_a_wrong_scene_in_a_file_is_one_line(entry: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"damage: [{{scene: muted}}, {entry}]")
    with pytest.raises(SettingError) as error:
        load_settings(file)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_scene_is_captioned_by_its_name_once_for_each_stream() -> None:
    found = damage_captions(parsed("bad-wifi@3-9,audio:noise=1@5-6,bad-wifi@20-"))
    assert [(item.text.split(":")[0], item.stream, item.start) for item in found] == [
        ("bad wifi", "audio", 3),
        ("bad wifi", "vision", 3),
        ("noise drowns the voice", "audio", 5),
        ("bad wifi", "audio", 20),
        ("bad wifi", "vision", 20),
    ]


def test_every_kind_has_a_caption_also_without_an_end() -> None:
    for stream, kinds in KINDS.items():
        for kind in kinds:
            (*_, shown_last) = captions([damage(stream, kind, 1, 45, None)])
            assert shown_last.end == PLAN.seconds
            assert " " in shown_last.text
    late = captions([damage("audio", "mute", 1, 1000, None)])
    assert late == captions([])
