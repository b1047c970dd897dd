"""The measures of sound, on real speech where there is some."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from models.degradation import KINDS, AudioDamage
from models.reliability import audio_evidence
from models.reliability.sound import (
    FRAME,
    band_levels,
    band_snr,
    bandwidth,
    decay,
    echo,
    lost,
    quantile,
    repeated,
    spectra_of,
    voiced,
)
from models.voice_activity import VoiceActivity
from streamer.media import decode_audio
from streamer.packets import SAMPLE_RATE, Evidence, Flags, Floats
from tests.degradation_fixtures import damage

WINDOW = 4 * SAMPLE_RATE
NOISE = np.random.default_rng(0).standard_normal(WINDOW).astype(np.float32)

sounds = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 12), st.just(FRAME)), elements=st.floats(-1, 1, width=32)
)


@pytest.fixture(scope="module")
def speech(data_folder: Path) -> Floats:
    path = data_folder / "speech" / "emodb"
    files = sorted(path.glob("03*.opus"))[::9]
    joined = np.concatenate([c.samples for file in files for c in decode_audio(str(file))])
    return np.asarray(joined[: 2 * WINDOW], np.float32)


def judged(samples: Floats, kind: str, severity: float) -> list[Evidence]:
    """Evidence of two windows, one after the other, of ``samples`` (2 WINDOW,)."""
    applied = AudioDamage([damage("audio", kind, severity, 0, None)], np.random.default_rng(3))
    damaged = applied.apply(samples, 0)
    voices = VoiceActivity()(damaged)
    parts = zip(damaged.reshape(2, -1), voices.reshape(2, -1), strict=True)
    return [audio_evidence(part, voice) for part, voice in parts]


@pytest.mark.parametrize(
    ("kind", "reason", "measure"),
    [
        ("band_limit", "narrow band", "bandwidth_hz"),
        ("echo", "echo", "echo_db"),
        ("reverberation", "reverberant room", "decay_db"),
        ("stuck", "sound is stuck", "repeated_share"),
        ("packet_loss", "sound breaks off", "lost_share"),
        ("opus", "narrow band", "bandwidth_hz"),
    ],
)
def test_damage_is_named_and_lowers_the_evidence(
    speech: Floats, kind: str, reason: str, measure: str
) -> None:
    clean = judged(speech, kind, 0)
    assert all(evidence.score > 0.8 for evidence in clean)
    damaged = judged(speech, kind, 0.75)
    assert np.mean([evidence.score for evidence in damaged]) < 0.55
    assert reason in {evidence.reason for evidence in [*damaged, *judged(speech, kind, 0.5)]}
    for before, after in zip(clean, damaged, strict=True):
        # Where so much is lost that no voice is left, those of the voice are not taken.
        assert before.measures[measure] != after.measures.get(measure)
    assert any(measure in evidence.measures for evidence in damaged)


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize("kind", KINDS["audio"])
def test_evidence_never_rises_with_the_damage(speech: Floats, kind: str) -> None:
    means = [
        np.mean([evidence.score for evidence in judged(speech, kind, severity)])
        for severity in (0, 0.1, 0.25, 0.5, 0.75)
    ]
    assert all(later <= before + 0.05 for before, later in pairwise(means))


@given(sounds)
@settings(max_examples=50)
def test_measures_of_any_sound_are_in_their_range(frames: Floats) -> None:
    spectra, every = spectra_of(frames), np.ones(len(frames), np.bool_)
    levels = band_levels(spectra)
    assert 0 <= bandwidth(spectra) <= SAMPLE_RATE / 2
    assert repeated(frames).shape == (len(frames),)
    assert voiced(frames, frames.var(axis=1), every).shape == (len(frames),)
    assert not np.isnan(decay(levels, every))
    assert -200 < band_snr(levels, every, every) < 200
    assert -120 <= echo(np.resize(frames, WINDOW)) < 60


@given(period=st.sampled_from([160, 320, 480, 512, 1024]), start=st.integers(2, 40))
@settings(max_examples=20)
def test_a_buffer_that_comes_again_is_found(period: int, start: int) -> None:
    sound = NOISE.copy()
    at = start * 1024
    sound[at:] = np.resize(sound[at - period : at], WINDOW - at)
    found = repeated(sound.reshape(-1, FRAME))
    assert not found[: at // FRAME].any()
    assert found[at // FRAME + 3 :].all()


@given(gain=st.floats(0.06, 1), delay=st.integers(1300, 9500))
@settings(max_examples=20)
def test_an_echo_measures_what_it_is(gain: float, delay: int) -> None:
    delay = delay // 2 * 2
    sound = NOISE.copy()
    sound[delay:] += np.float32(gain) * NOISE[:-delay]
    assert echo(sound) == pytest.approx(20 * np.log10(gain), abs=4)


@pytest.mark.parametrize("edge", [2000, 4000, 6000])
def test_the_band_ends_where_it_is_cut(edge: int) -> None:
    spectrum = np.fft.rfft(NOISE)
    spectrum[np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE) > edge] = 0
    cut = np.fft.irfft(spectrum).astype(np.float32).reshape(-1, FRAME)
    assert bandwidth(spectra_of(cut)) == pytest.approx(edge, abs=500)


def test_a_burst_of_silence_is_lost_where_it_borders_on_speech() -> None:
    power = np.ones(100)
    power[:5] = power[20:25] = power[60:100] = 0
    present = np.ones(100, np.bool_)
    assert np.flatnonzero(lost(power, power > 0, present, 1.0)).tolist() == [20, 21, 22, 23, 24]
    faded = power.copy()
    faded[[19, 25]] = 1e-4
    assert not lost(faded, faded > 0, present, 1.0).any()


@given(fall=st.floats(1, 60))
@settings(max_examples=20)
def test_the_decay_is_what_a_voice_falls_by(fall: float) -> None:
    level = np.where(np.arange(200) % 40 < 20, 0.0, -fall)
    bands = np.stack([level, np.roll(level, 7)], axis=1)
    assert decay(bands, np.ones(200, np.bool_)) == pytest.approx(fall, rel=0.01)


@given(snr=st.floats(1, 40))
@settings(max_examples=20)
def test_noise_counts_alike_in_every_band(snr: float) -> None:
    spoken = np.arange(200) % 20 < 10
    voice = np.array([0.0, -10, -20, -30])
    levels = np.where(spoken[:, None], voice, voice - snr)
    assert band_snr(levels, np.ones(200, np.bool_), spoken) == pytest.approx(snr)
    # Where the upper bands are full of noise, the loudest alone would not show it.
    levels[:, 2:] = -20
    assert band_snr(levels, np.ones(200, np.bool_), spoken) == pytest.approx(snr / 2)


@given(sounds, st.floats(0, 1))
@settings(max_examples=50)
def test_a_quantile_is_numpy_s(frames: Floats, share: float) -> None:
    np.testing.assert_allclose(
        quantile(frames, share), np.quantile(frames, share, axis=0), atol=1e-6
    )


def frames_of(sound: Floats) -> tuple[Floats, Floats, Flags]:
    frames = sound.reshape(-1, FRAME)
    return frames, frames.var(axis=1), np.ones(len(frames), np.bool_)


@given(pitch=st.floats(80, 350), down=st.floats(0, 60))
@settings(max_examples=20)
def test_a_pitch_is_heard_however_faint_and_a_hum_is_not(pitch: float, down: float) -> None:
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    tone = np.sign(np.sin(2 * np.pi * pitch * time)) * 0.1 * 10 ** (-down / 20)
    syllables = np.where(time % 0.3 < 0.2, 1, 0.01)
    spoken = (tone * syllables).astype(np.float32)
    assert voiced(*frames_of(spoken)).mean() > 0.5
    assert not voiced(*frames_of(tone.astype(np.float32))).any()
    assert voiced(*frames_of((NOISE[:SAMPLE_RATE] * syllables).astype(np.float32))).mean() < 0.05


@pytest.mark.parametrize(
    ("kind", "severity", "reason"),
    [("quiet", 0.75, "too quiet"), ("band_limit", 1.0, "narrow band")],
)
def test_a_voice_is_judged_before_voice_activity_has_got_used_to_it(
    data_folder: Path, kind: str, severity: float, reason: str
) -> None:
    """A second after the onset, when Silero hears next to nobody in it."""
    files = sorted((data_folder / "speech" / "emodb").glob("13*.opus"))[::5]
    voice = np.concatenate([c.samples for file in files for c in decode_audio(str(file))])
    at = WINDOW + SAMPLE_RATE
    damages = [damage("audio", kind, severity, WINDOW / SAMPLE_RATE, None)]
    heard = AudioDamage(damages, np.random.default_rng(0)).apply(voice[:at].astype(np.float32), 0)
    voices = VoiceActivity()(heard)
    assert audio_evidence(heard[:WINDOW], voices[: WINDOW // FRAME]).score > 0.8
    assert (voices[-SAMPLE_RATE // FRAME :] >= 0.5).mean() < 0.1
    evidence = audio_evidence(heard[-WINDOW:], voices[-WINDOW // FRAME :])
    assert evidence.score < 0.2
    assert evidence.reason == reason
