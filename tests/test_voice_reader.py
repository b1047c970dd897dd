"""What the network is given of a voice."""

import numpy as np
import pytest

from models.checkpoint_files import SHIPPED, TUNED
from models.features.prosody import PROSODY_SIZE
from models.features.voice import HIDDEN_SIZE
from models.features.voice_features import VOICE_SIZE
from models.features.voice_reader import VoiceReader
from streamer.packets import Floats

STEPS = 20


@pytest.fixture(scope="module")
def reader() -> VoiceReader:
    return VoiceReader.load(SHIPPED / TUNED["audio"])


@pytest.fixture
def steps() -> Floats:
    return np.random.default_rng(0).normal(size=(2, STEPS, VOICE_SIZE)).astype(np.float32)


def test_each_step_has_the_heads_states_and_its_prosody(reader: VoiceReader, steps: Floats) -> None:
    states = reader.read(steps, np.ones((2, STEPS), np.bool_))
    assert states.shape[:2] == (2, STEPS)
    np.testing.assert_array_equal(states[..., -PROSODY_SIZE:], steps[..., HIDDEN_SIZE:])
    assert np.abs(states[..., :-PROSODY_SIZE]).max() > 0.1


def test_steps_without_speech_are_zero_and_change_no_other(
    reader: VoiceReader, steps: Floats
) -> None:
    mask = np.ones((2, STEPS), np.bool_)
    mask[:, 10:] = False
    louder = steps.copy()
    louder[:, 10:] *= 5
    states = reader.read(steps, mask)
    assert not states[:, 10:].any()
    np.testing.assert_array_equal(reader.read(louder, mask), states)


def test_one_window_is_read_as_it_is_among_others(reader: VoiceReader, steps: Floats) -> None:
    mask = np.ones((2, STEPS), np.bool_)
    both = reader.read(steps, mask)
    np.testing.assert_allclose(reader.read(steps[1:], mask[1:])[0], both[1], atol=1e-5)
