"""Whom reliability is fitted to, and whom it is shown on: nobody is in both."""

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from models.training.reliability.people import (
    READERS,
    SPEAKERS,
    VIDEOS,
    Person,
    Recordings,
    damage,
    noises,
    together,
)
from streamer.assets import Assets
from streamer.errors import SourceError
from streamer.packets import SAMPLE_RATE, SECOND
from streamer.settings import load_settings


@pytest.fixture(scope="module")
def recordings(data_folder: Path, assets: Assets) -> Recordings:
    del assets  # skips where the demo's media are missing
    return Recordings(data_folder, load_settings())


@pytest.mark.parametrize("parts", [SPEAKERS, READERS, VIDEOS], ids=["voices", "readers", "faces"])
def test_nobody_is_in_two_parts(parts: Mapping[str, tuple[str, ...]]) -> None:
    assert {"fit", "report"} <= set(parts)
    for one, other in combinations(parts.values(), 2):
        assert one
        assert not set(one) & set(other)
    assert all(len(set(part)) == len(part) for part in parts.values())


def test_no_noise_is_in_both_parts(data_folder: Path) -> None:
    fit, report = (noises(data_folder, part) for part in ("fit", "report"))
    assert not set(fit) & set(report)
    classes = [{file.stem.split("-")[0][:-2] for file in part} for part in (fit, report)]
    assert not classes[0] & classes[1]
    assert len(classes[0] | classes[1]) == 10


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize("name", [SPEAKERS["report"][0], READERS["report"][0]])
def test_a_voice_is_as_long_as_asked_for_and_the_same_each_time(
    recordings: Recordings, name: str
) -> None:
    person = recordings.voice(name, 6.0)
    assert person.samples.shape == (6 * SAMPLE_RATE,)
    assert np.isfinite(person.samples).all()
    assert np.abs(person.samples).max() > 0.01
    assert person.reads == (name in READERS["report"])
    assert not person.frames
    np.testing.assert_array_equal(recordings.voice(name, 6.0).samples, person.samples)


def test_a_face_goes_to_and_fro_at_the_rate_of_the_camera(recordings: Recordings) -> None:
    rate = load_settings().camera.frame_rate
    person = recordings.face("grid_lbax4n.mpg", 7.0)
    assert len(person.frames) == round(7 * rate)
    times = np.array([frame.captured_at for frame in person.frames])
    np.testing.assert_allclose(np.diff(times), SECOND / rate, atol=1)
    images = [frame.image for frame in person.frames]
    turn = next(n for n in range(1, len(images) - 1) if images[n - 1] is images[n + 1])
    for away in range(1, turn + 1):
        assert images[turn - away] is images[(turn + away) % len(images)]


def test_who_is_not_there_is_named(recordings: Recordings) -> None:
    with pytest.raises(SourceError, match="speaker ravdess-99"):
        recordings.voice("ravdess-99", 1)
    with pytest.raises(SourceError, match=r"recording nobody\.mp4"):
        recordings.face("nobody.mp4", 1)


def test_without_noise_it_says_what_belongs_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="ESC-10"):
        noises(tmp_path, "fit")


def test_a_voice_and_a_face_make_one_session() -> None:
    voice = Person("ann", np.ones(3, np.float32), (), reads=True)
    both = together(voice, Person("bob", np.zeros(0, np.float32), ()))
    assert (both.name, both.reads, len(both.samples)) == ("ann bob", True, 3)


def test_damage_is_as_the_settings_hold_it(tmp_path: Path) -> None:
    made = damage("audio", "noise", 0.5, 1, 2, file=tmp_path)
    assert (made.stream, made.kind, made.severity) == ("audio", "noise", 0.5)
    assert (made.start, made.end, made.file) == (1, 2, str(tmp_path))
    assert damage("vision", "blur", 1).file is None
