import wave
from pathlib import Path

import numpy as np
import pytest
from faster_whisper.vad import get_vad_model
from hypothesis import given, settings
from hypothesis import strategies as st
from platformdirs import user_cache_path

from models.voice_activity import MODEL_STEP, STEP, VoiceActivity
from streamer.packets import Floats

SPEECH = user_cache_path("qamoe-stream") / "demo-media" / "beckett.wav"


@pytest.fixture(scope="module")
def speech() -> Floats:
    if not SPEECH.is_file():
        pytest.skip(f"{SPEECH.name} is not among the demo media: qamoe-stream models pull")
    return _read_wav(SPEECH)


def _read_wav(path: Path) -> Floats:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    return (samples / np.float32(32768))[: len(samples) // STEP * STEP].astype(np.float32)


def test_speech_is_told_from_silence_and_noise(speech: Floats) -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, 16000).astype(np.float32)
    assert np.max(VoiceActivity()(speech)) > 0.95
    assert np.max(VoiceActivity()(noise)) < 0.5
    assert np.max(VoiceActivity()(np.full(16000, np.nan, np.float32))) < 0.5


def test_streaming_equals_the_whole_recording_at_once(speech: Floats) -> None:
    whole = speech[: len(speech) // MODEL_STEP * MODEL_STEP]
    at_once = get_vad_model()(whole.copy()).ravel()
    latest = np.arange(1, len(speech) // STEP + 1) * STEP // MODEL_STEP - 1
    streamed = VoiceActivity()(speech)
    np.testing.assert_allclose(streamed[latest >= 0], at_once[latest[latest >= 0]], atol=1e-3)


def test_missing_samples_end_speech_and_do_not_stick(speech: Floats) -> None:
    gap = np.full(16000, np.nan, np.float32)
    heard = VoiceActivity()(np.concatenate([speech[:32000], gap, speech[:32000]]))
    assert np.all(np.isfinite(heard))
    assert np.max(heard[130:150]) < 0.5
    assert np.max(heard[160:]) > 0.9


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_the_way_the_stream_is_cut_does_not_matter(speech: Floats, data: st.DataObject) -> None:
    steps = 60
    cuts = sorted(data.draw(st.sets(st.integers(0, steps), max_size=6)))
    detector = VoiceActivity()
    stream = speech[: steps * STEP]
    parts = [detector(part) for part in np.split(stream, [cut * STEP for cut in cuts])]
    np.testing.assert_allclose(np.concatenate(parts), VoiceActivity()(stream), atol=1e-5)


@pytest.mark.parametrize("seconds", [0.2, 0.5, 0.7, 1.0])
def test_every_hop_has_the_same_number_of_steps(seconds: float) -> None:
    detector = VoiceActivity()
    hop = np.zeros(round(seconds * 16000), np.float32)
    assert {len(detector(hop)) for _ in range(10)} == {round(seconds * 50)}


def test_a_part_of_a_step_is_refused() -> None:
    with pytest.raises(ValueError, match="8001 samples"):
        VoiceActivity()(np.zeros(8001, np.float32))
