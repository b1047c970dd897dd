"""Whatever is taken for sound: out comes a value within its range, or one line why not."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest

from models.degradation import KINDS, AudioDamage
from models.features.prosody import prosody_steps
from models.features.voice import encode, hidden_states
from models.reliability import audio_evidence
from models.voice_activity import VoiceActivity
from streamer.packets import (
    SAMPLE_RATE,
    Floats,
)
from streamer.settings import load_settings
from tests.degradation_fixtures import damage

WINDOW = 4 * SAMPLE_RATE
GOOD = (0.1 * np.random.default_rng(0).standard_normal(WINDOW)).astype(np.float32)
SPEECH = np.ones(200, np.float32)

ODD_SOUND = {
    "not numbers": np.full(WINDOW, np.nan, np.float32),
    "infinite": np.full(WINDOW, np.inf, np.float32),
    "half infinite": np.where(np.arange(WINDOW) % 2, GOOD, np.float32(-np.inf)),
    "constant": np.full(WINDOW, 0.3, np.float32),
    "empty": np.zeros(0, np.float32),
    "huge": GOOD * np.float32(1e30),
    "as large as it gets": np.sign(GOOD) * np.finfo(np.float32).max,
    "beyond 32 bits": GOOD.astype(np.float64) * 1e300,
    "as small as it gets": GOOD * np.float32(1e-40),
    "double precision": GOOD.astype(np.float64),
    "half precision": GOOD.astype(np.float16),
    "a list": GOOD[:3200].tolist(),
    "of three times the rate": np.tile(GOOD, 3),
    "of half the rate": GOOD[: WINDOW // 2],
}
NO_SOUND = {
    "stereo": np.stack([GOOD, GOOD], axis=1),
    "in a batch": GOOD[None],
    "a single number": np.float32(0.1),
    "16 bits": (GOOD * 32767).astype(np.int16),
    "8 bits": (GOOD * 127 + 128).astype(np.uint8),
    "flags": GOOD > 0,
    "objects": GOOD.astype(object),
    "complex": GOOD.astype(np.complex64),
    "nothing": None,
}


def heard_by_whisper(samples: Any) -> Floats:
    return hidden_states(encode(_whisper(), samples), 4.0)


def damaged(samples: Any) -> Floats:
    """By all kinds at once; what is missing is replaced, as it may stay missing."""
    damages = [damage("audio", kind, 0.7, 0, None) for kind in KINDS["audio"]]
    return np.nan_to_num(AudioDamage(damages, np.random.default_rng(0)).apply(samples, 0))


HEARERS: dict[str, Callable[[Any], Floats]] = {
    "evidence": lambda samples: np.array([audio_evidence(samples, SPEECH).score]),
    "voice activity": lambda samples: VoiceActivity()(samples),
    "prosody": lambda samples: prosody_steps(samples, 4.0),
    "damage": damaged,
    "Whisper": heard_by_whisper,
}
hearers = pytest.mark.parametrize("stage", HEARERS.values(), ids=HEARERS.keys())


@cache
def _whisper() -> Any:
    from actors.transcriber import load_whisper

    return load_whisper(load_settings())


@pytest.fixture(autouse=True)
def _overflow_is_an_error() -> Iterator[None]:
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        yield


@hearers
@pytest.mark.parametrize("samples", ODD_SOUND.values(), ids=ODD_SOUND.keys())
@pytest.mark.usefixtures("assets")
def test_odd_sound_is_worth_a_number(stage: Callable[[Any], Floats], samples: Any) -> None:
    result = stage(samples)
    assert np.isfinite(result).all()
    if stage in (HEARERS["evidence"], HEARERS["voice activity"]):
        assert ((result >= 0) & (result <= 1)).all()


@hearers
@pytest.mark.parametrize("samples", NO_SOUND.values(), ids=NO_SOUND.keys())
@pytest.mark.usefixtures("assets")
def test_what_is_no_sound_is_refused_in_one_line(
    stage: Callable[[Any], Floats], samples: Any
) -> None:
    with pytest.raises(ValueError, match=r"^samples .*: must be \(n,\) floats$"):
        stage(samples)


@pytest.mark.parametrize("kind", KINDS["audio"])
@pytest.mark.parametrize("samples", ODD_SOUND.values(), ids=ODD_SOUND.keys())
def test_damage_stays_within_what_a_line_carries(kind: str, samples: Any) -> None:
    spoilt = AudioDamage([damage("audio", kind, 0.7, 0, None)], np.random.default_rng(0))
    result = spoilt.apply(samples, 0)
    assert (result.shape, result.dtype) == (np.shape(samples), np.float32)
    assert not np.isinf(result).any()
    assert not (np.abs(result) > 400).any()  # LOUDEST, and 40 dB more


def test_speech_of_another_shape_is_refused() -> None:
    for speech in (SPEECH[None], np.stack([SPEECH] * 2, axis=1), SPEECH.astype(int)):
        with pytest.raises(ValueError, match=r"speech .*: must be \(s,\) floats"):
            audio_evidence(GOOD, speech)
