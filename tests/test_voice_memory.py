"""The voice of a session: what is remembered of it, and what is held against it."""

from dataclasses import replace

import numpy as np
import pytest

from models.voice_memory import VoiceMemory
from streamer.packets import SECOND, Evidence, StreamWindow, Window
from tests.training_fixtures import PlainVoice

SIZE = 3
SPEAKER = 2.0


def memory() -> VoiceMemory:
    return VoiceMemory(PlainVoice(SIZE))


def window(start: int, level: float = SPEAKER, score: float = 1.0, revision: int = 0) -> Window:
    """Four seconds of a voice that lies ``level`` above the average one."""
    noise = np.random.default_rng(start).normal(size=(20, SIZE))
    audio = StreamWindow(
        (level + noise).astype(np.float32), np.ones(20, np.bool_), Evidence(score, None, {})
    )
    return Window(
        start, start * SECOND, (start + 4) * SECOND, revision, (), 0, None, {"audio": audio}
    )


def test_a_session_begins_with_the_voice_of_training() -> None:
    first = window(0)
    np.testing.assert_allclose(
        memory().read(first).features,
        first.streams["audio"].features,
        rtol=1e-6,
    )


def test_a_voice_comes_to_count_as_an_average_one() -> None:
    remembered = memory()
    means = [float(remembered.read(window(start)).features.mean()) for start in range(120)]
    assert means[0] == pytest.approx(SPEAKER, abs=0.3)
    assert abs(means[-1]) < 0.5
    other = remembered.read(window(200, level=SPEAKER + 3)).features.mean()
    assert other > 1.5


def test_windows_that_overlap_are_heard_once() -> None:
    apart, hopping = memory(), memory()
    for start in range(0, 40, 4):
        apart.read(window(start))
    for start in range(37):
        hopping.read(window(start))
    after = window(44)
    np.testing.assert_allclose(hopping.read(after).features, apart.read(after).features, rtol=1e-5)


def test_a_revision_sees_the_same_history_and_is_not_heard_again() -> None:
    once, twice = memory(), memory()
    for start in range(0, 40, 4):
        seen = once.read(window(start)).features
        twice.read(window(start))
        again = twice.read(window(start, revision=1)).features
        np.testing.assert_array_equal(again, seen)


def test_what_was_heard_badly_is_not_remembered() -> None:
    remembered = memory()
    for start in range(0, 400, 4):
        remembered.read(window(start, level=5, score=0.3))
    first = window(400)
    np.testing.assert_allclose(
        remembered.read(first).features, first.streams["audio"].features, rtol=1e-5
    )


def test_a_voice_that_is_late_stays_empty() -> None:
    late = window(0)
    audio = replace(late.streams["audio"], features=np.zeros((0, 0), np.float32))
    empty = replace(late, streams={"audio": audio})
    assert memory().read(empty).features.shape == (0, 0)
