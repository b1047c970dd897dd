from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.features.prosody import COLUMNS, FRAMES_PER_STEP, HOP, PROSODY_SIZE, prosody_steps
from models.features.voice import voice_steps
from streamer.packets import SAMPLE_RATE, Floats

SECONDS = 2.0
STEPS = 10
STEP = HOP * FRAMES_PER_STEP
LEVEL = COLUMNS.index("level")


def column(steps: Floats, name: str) -> Floats:
    return steps[:, COLUMNS.index(name)]


def speechlike(seed: int = 0, seconds: float = SECONDS) -> Floats:
    """Harmonics of a wandering pitch under a wandering level, and a little noise."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    phase = 2 * np.pi * np.cumsum(180 + 40 * np.sin(5 * time)) / SAMPLE_RATE
    voice = sum(np.sin(k * phase) / k for k in range(1, 12))
    shape = 0.05 * (1.2 + np.sin(9 * time + rng.uniform(0, 6)))
    return (shape * voice + 0.002 * rng.normal(size=len(time))).astype(np.float32)


@pytest.mark.parametrize("pitch", [80, 120, 200, 310, 450])
def test_a_tone_has_its_pitch_and_is_voiced(pitch: int) -> None:
    time = np.arange(round(SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    tone = (0.1 * np.sin(2 * np.pi * pitch * time)).astype(np.float32)
    steps = prosody_steps(tone, SECONDS)
    assert 150 * 2 ** column(steps, "pitch")[1:] == pytest.approx(pitch, abs=2)
    assert column(steps, "voiced")[1:] == pytest.approx(1)
    assert column(steps, "level")[1:] == pytest.approx(-23.0, abs=0.2)


def test_harmonics_do_not_raise_the_pitch_nor_subharmonics_lower_it() -> None:
    time = np.arange(round(SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    rich = sum(np.sin(2 * np.pi * 150 * k * time) for k in range(1, 20)) * 0.02
    assert 150 * 2 ** column(prosody_steps(rich, SECONDS), "pitch")[1:] == pytest.approx(150, abs=2)


def test_noise_is_not_voiced_and_less_harmonic_than_a_voice() -> None:
    noise = 0.05 * np.random.default_rng(0).normal(size=round(SECONDS * SAMPLE_RATE))
    steps = prosody_steps(noise.astype(np.float32), SECONDS)
    assert column(steps, "voiced").max() == 0
    voice = prosody_steps(speechlike(), SECONDS)
    assert column(voice, "harmonicity").min() > column(steps, "harmonicity").max() + 5


@settings(deadline=None, max_examples=20)
@given(decibels=st.floats(-18, 12), seed=st.integers(0, 100))
def test_the_recording_level_changes_the_level_alone(decibels: float, seed: int) -> None:
    samples = speechlike(seed)
    before = prosody_steps(samples, SECONDS)
    after = prosody_steps(samples * np.float32(10 ** (decibels / 20)), SECONDS)
    assert after[:, LEVEL] - before[:, LEVEL] == pytest.approx(decibels, abs=0.01)
    others = np.arange(PROSODY_SIZE) != LEVEL
    assert after[:, others] == pytest.approx(before[:, others], abs=0.02)


def test_silence_is_finite_and_the_same_as_what_never_came() -> None:
    silence = prosody_steps(np.zeros(round(SECONDS * SAMPLE_RATE), np.float32), SECONDS)
    assert np.isfinite(silence).all()
    assert column(silence, "voiced").max() == 0
    nothing = prosody_steps(np.zeros(0, np.float32), SECONDS)
    missing = prosody_steps(np.full(round(SECONDS * SAMPLE_RATE), np.nan, np.float32), SECONDS)
    assert nothing == pytest.approx(silence, abs=1e-4)
    assert missing == pytest.approx(silence, abs=1e-4)


@settings(deadline=None, max_examples=30)
@given(first=st.integers(0, 31_000), length=st.integers(1, 1000))
def test_missing_samples_leave_far_steps_as_they_are(first: int, length: int) -> None:
    samples = speechlike()
    whole = prosody_steps(samples, SECONDS)
    holed = samples.copy()
    holed[first : first + length] = np.nan
    steps = prosody_steps(holed, SECONDS)
    assert np.isfinite(steps).all()
    # Frames look back by one hop, and the changes by one step.
    touched = np.arange(STEPS)
    hit = (touched >= first // STEP) & (touched <= (first + length + HOP) // STEP + 1)
    assert np.array_equal(steps[~hit], whole[~hit])
    assert np.abs(steps[:, LEVEL] - whole[:, LEVEL]).max() < 6


@settings(deadline=None)
@given(cut=st.integers(1, STEPS - 1))
def test_no_step_sees_the_future(cut: int) -> None:
    samples = speechlike()
    other = samples.copy()
    other[cut * STEP :] = 0.1 * np.random.default_rng(cut).normal(size=len(samples) - cut * STEP)
    whole, changed = prosody_steps(samples, SECONDS), prosody_steps(other, SECONDS)
    assert np.array_equal(whole[:cut], changed[:cut])
    assert not np.array_equal(whole[cut:], changed[cut:])


@pytest.mark.parametrize("seconds", [0.1, 0.5, 1.0, 2.74, 6.0])
def test_steps_lie_where_those_of_the_voice_lie(seconds: float) -> None:
    """A click is in the step in which the voice features have the same time."""
    samples = np.zeros(round(seconds * SAMPLE_RATE), np.float32)
    frames = len(samples) // HOP
    at = frames - 3  # 60 ms before the end
    samples[at * HOP : (at + 1) * HOP] = 0.5
    hidden = np.zeros((frames, 4), np.float32)
    hidden[at] = 1
    voice, _ = voice_steps(hidden, np.ones(frames, np.float32), SECONDS)
    steps = prosody_steps(samples, SECONDS)
    assert steps.shape == (STEPS, PROSODY_SIZE)
    loud = column(steps, "level") > -60
    assert loud.tolist() == (voice[:, 0] > 0).tolist()


@pytest.mark.slow
@pytest.mark.parallel
def test_a_second_costs_at_most_ten_milliseconds() -> None:
    samples = speechlike(seconds=4.0)
    prosody_steps(samples, 4.0)
    times = []
    for _ in range(10):
        start = process_time()
        prosody_steps(samples, 4.0)
        times.append((process_time() - start) / 4)
    assert min(times) < 0.010
