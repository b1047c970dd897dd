"""What each kind of damage does to sound."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from models.degradation import KINDS, speech_shaped_noise
from models.degradation.background import LENGTH, babble, sound_files
from models.degradation.losses import SLOTS, gilbert_elliott
from models.degradation.opus import DELAY
from streamer.errors import SettingError
from streamer.packets import SAMPLE_RATE, Flags, Floats
from tests.degradation_fixtures import damage, in_pieces, sound, voice

LEVELS = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1.0)
EPSILON = 1e-12


def damaged(kind: str, severity: float, samples: Floats, start: float = 0) -> Floats:
    return in_pieces([damage("audio", kind, severity, start, None)], samples)


def decibels(power: float) -> float:
    return float(10 * np.log10(power + EPSILON))


def spectral_distance(clean: Floats, other: Floats) -> float:
    """Log-spectral distance in dB, of frames of 32 ms, above -60 dB of full scale."""

    def spectra(samples: Floats) -> Floats:
        frames = np.lib.stride_tricks.sliding_window_view(np.nan_to_num(samples), 512)[::256]
        power = np.abs(np.fft.rfft(frames * np.hanning(512))) ** 2
        return 10 * np.log10(power + 1e-3).astype(np.float32)

    return float(np.sqrt(np.mean((spectra(clean) - spectra(other)) ** 2)))


@pytest.mark.parametrize("kind", sorted(KINDS["audio"]))
def test_the_more_severe_the_farther_from_clean(kind: str) -> None:
    samples = voice(3)
    late = DELAY if kind == "opus" else 0
    clean = samples[: len(samples) - late]
    distances = [spectral_distance(clean, damaged(kind, s, samples)[late:]) for s in LEVELS]
    # Where Opus gives up the band over 4 kHz, this buzz, which has little there, comes out cleaner.
    assert spearmanr(LEVELS, distances).statistic > (0.8 if kind == "opus" else 0.85)
    assert distances[-1] == max(distances)


def test_mute_is_silence() -> None:
    assert not faded("mute", 1, -20).any()


@pytest.mark.parametrize("kind", ["mute", "quiet"])
@pytest.mark.parametrize("level", [-50, -20, -6])
@pytest.mark.parametrize("severity", [0.1, 0.25, 0.5, 0.75, 0.99])
def test_a_voice_fades_by_even_steps_however_loud(kind: str, level: float, severity: float) -> None:
    """From the level there was down to -92 dBFS, where sixteen bits leave half a step."""
    expected = level + (-92 - level) * severity
    left = decibels(np.mean(np.square(faded(kind, severity, level), dtype=np.float64)))
    assert left == pytest.approx(expected, abs=0.5 if kind == "mute" or expected > -88 else 3)


def test_quiet_sound_has_few_steps_left() -> None:
    np.testing.assert_array_equal(faded("quiet", 0.75, -20) * 2**15 % 1, 0)
    assert np.abs(faded("quiet", 1, -20)).max() <= 4 / 2**15


def faded(kind: str, severity: float, level: float) -> Floats:
    """A second, after one without damage, of noise at ``level`` dBFS."""
    samples = sound(2) * np.float32(10 ** ((level + 20) / 20))
    return in_pieces([damage("audio", kind, severity, 1, None)], samples)[SAMPLE_RATE:]


@pytest.mark.parametrize("kind", ["noise", "babble"])
@pytest.mark.parametrize("gain", [0.03, 0.3, 1.0])
@pytest.mark.parametrize(("severity", "ratio"), [(0.25, 20), (0.5, 10), (0.75, 0)])
def test_noise_has_its_ratio_to_the_sound_however_loud(
    kind: str, gain: float, severity: float, ratio: float
) -> None:
    samples = sound(10) * np.float32(gain)
    added = (damaged(kind, severity, samples, 4) - samples)[4 * SAMPLE_RATE :]
    measured = 10 * np.log10(np.mean(samples**2) / np.mean(added**2))
    assert measured == pytest.approx(ratio, abs=2 if kind == "babble" else 1)


def test_noise_and_babble_come_from_the_given_recordings(data_folder: Path) -> None:
    noises, voices = data_folder / "noise" / "esc10", data_folder / "clips" / "jfk.flac"
    samples = sound(4)
    for kind, file in (("noise", noises), ("babble", voices), ("noise", sound_files(noises)[0])):
        own, given_one = (
            in_pieces([damage("audio", kind, 0.5, 0, None, **more)], samples)
            for more in ({}, {"file": str(file)})
        )
        assert not np.array_equal(own, given_one)
        assert np.isfinite(given_one).all()


def test_a_file_that_is_no_sound_is_named(tmp_path: Path) -> None:
    file = tmp_path / "noise.wav"
    file.write_bytes(b"not sound")
    with pytest.raises(SettingError, match=r"noise\.wav"):
        in_pieces([damage("audio", "noise", file=str(file))], sound(1))


@pytest.mark.parametrize("make", [speech_shaped_noise, babble])
def test_added_sound_can_be_looped_without_a_seam(
    make: Callable[[int, np.random.Generator], Floats],
) -> None:
    noise = make(2**15, np.random.default_rng(0))
    assert abs(noise[0] - noise[-1]) < 4 * np.abs(np.diff(noise)).std()
    assert np.sqrt(np.mean(noise**2)) == pytest.approx(1, abs=1e-3)


def test_babble_goes_up_and_down_as_noise_does_not() -> None:
    rng = np.random.default_rng(0)
    spread = []
    for made in (speech_shaped_noise(LENGTH, rng), babble(LENGTH, rng)):
        power = np.square(made).reshape(-1, 1024).mean(axis=1)
        spread.append(power.std() / power.mean())
    assert spread[1] > 2 * spread[0]


@pytest.mark.parametrize("gain", [0.05, 1.0, 5.0])
@pytest.mark.parametrize(("severity", "over"), [(0.25, 6), (0.5, 0), (0.75, -6), (1, -12)])
def test_clipping_cuts_off_so_far_over_the_level_there_was(
    gain: float, severity: float, over: float
) -> None:
    samples = sound(2) * np.float32(gain)
    clipped = in_pieces([damage("audio", "clip", severity, 1, None)], samples)[SAMPLE_RATE:]
    limit = np.abs(clipped).max()
    assert decibels(limit**2) - decibels(np.mean(samples**2)) == pytest.approx(over, abs=0.5)
    np.testing.assert_array_equal(clipped, np.clip(samples[SAMPLE_RATE:], -limit, limit))


@pytest.mark.parametrize(("severity", "low", "high"), [(0.5, 300, 3400), (1, 600, 1500)])
def test_the_band_ends_where_it_should(severity: float, low: float, high: float) -> None:
    power = np.abs(np.fft.rfft(damaged("band_limit", severity, sound(8)))) ** 2
    smooth = power[: len(power) // 40 * 40].reshape(-1, 40).mean(axis=1)
    frequencies = np.linspace(0, SAMPLE_RATE / 2, len(smooth))
    passed = frequencies[smooth > smooth.max() / 4]
    assert passed.min() == pytest.approx(low, rel=0.15)
    assert passed.max() == pytest.approx(high, rel=0.15)


def test_the_echo_comes_back_after_240_ms_and_again() -> None:
    click = np.zeros(SAMPLE_RATE, np.float32)
    click[100] = 0.5
    heard = damaged("echo", 1, click)
    assert list(np.flatnonzero(heard)) == [100 + k * 3840 for k in range(5)]
    np.testing.assert_allclose(heard[[100, 3940, 7780]], [0.5, 0.5, 0.25])


@pytest.mark.parametrize(("severity", "ratio"), [(0.25, -12.5), (0.5, -5), (1, 10)])
def test_a_room_rings_as_long_and_as_loud_as_documented(severity: float, ratio: float) -> None:
    click = np.zeros(2 * SAMPLE_RATE, np.float32)
    click[50] = 1
    heard = damaged("reverberation", severity, click)
    direct, tail = heard[50], heard[370:]
    np.testing.assert_allclose(heard[51:370], 0, atol=1e-7)
    assert decibels(np.sum(tail**2)) - decibels(direct**2) == pytest.approx(ratio, abs=0.1)
    rest = np.cumsum(np.square(tail[::-1]))[::-1]  # Schroeder's integral
    twenty = int(np.argmax(rest < rest[0] * 1e-2))
    assert 3 * twenty / SAMPLE_RATE == pytest.approx(0.3 + 0.9 * severity, rel=0.15)


def test_the_room_is_the_convolution_with_its_answer() -> None:
    click = np.zeros(SAMPLE_RATE, np.float32)
    click[0] = 1
    answer = damaged("reverberation", 0.3, click)
    samples = voice(1) / 4
    expected = np.convolve(samples, answer)[: len(samples)]
    np.testing.assert_allclose(damaged("reverberation", 0.3, samples), expected, atol=1e-5)


@pytest.mark.parametrize("severity", [0.1, 0.5, 1.0])
def test_opus_is_late_by_what_is_documented(severity: float) -> None:
    samples = voice(2)
    coded = damaged("opus", severity, samples)
    delays = range(DELAY - 60, DELAY + 60)
    likeness = [float(np.dot(coded[d : d + 24_000], samples[:24_000])) for d in delays]
    assert delays[int(np.argmax(likeness))] == pytest.approx(DELAY, abs=4)


def test_opus_runs_before_it_is_heard() -> None:
    coded = damaged("opus", 0.3, voice(2), 1)
    assert np.abs(coded[SAMPLE_RATE : SAMPLE_RATE + DELAY]).max() > 0.01


@given(severity=st.floats(0.05, 1))
@settings(max_examples=5, deadline=None)
def test_gaps_lose_as_much_as_the_severity_says(severity: float) -> None:
    assert np.isnan(damaged("gap", severity, sound(60))).mean() == pytest.approx(severity, abs=0.1)


@given(share=st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_packets_are_lost_in_bursts(share: float) -> None:
    lost = gilbert_elliott(share, np.random.default_rng(3))
    assert lost.mean() == pytest.approx(share, abs=0.08)
    if 0.05 < share < 0.8:
        bursts = np.count_nonzero(np.diff(lost.astype(int)) == 1)
        assert lost.sum() / bursts == pytest.approx(5 / (1 - share), rel=0.5)
    assert len(lost) == SLOTS


def _lost(kind: str, severity: float) -> Flags:
    result = damaged(kind, severity, sound(20))
    return np.isnan(result) | (result == 0)


@pytest.mark.parametrize("kind", ["gap", "packet_loss"])
def test_more_severe_losses_contain_the_lesser_ones(kind: str) -> None:
    few, many = _lost(kind, 0.3), _lost(kind, 0.6)
    assert few.any()
    assert not (few & ~many).any()


def test_concealment_goes_on_with_the_voice_and_fades() -> None:
    times = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    tone = (0.3 * np.sin(2 * np.pi * 200 * times)).astype(np.float32)
    bare, concealed = (damaged(kind, 0.3, tone) for kind in ("packet_loss", "concealed_loss"))
    lost = bare == 0
    begins = np.flatnonzero(np.diff(lost.reshape(-1, 320).all(axis=1).astype(int)) == 1) + 1
    first = int(begins[0]) * 320
    np.testing.assert_allclose(concealed[first : first + 160], tone[first : first + 160], atol=0.02)
    kept = ~lost.reshape(-1, 320).all(axis=1).repeat(320)
    np.testing.assert_array_equal(concealed[kept], tone[kept])
    assert np.mean((concealed - tone) ** 2) < np.mean((bare - tone) ** 2)


def test_a_stuck_buffer_is_the_last_one_again_and_again() -> None:
    samples = sound(3)
    stuck = damaged("stuck", 1, samples, 1)[SAMPLE_RATE:]
    last = samples[SAMPLE_RATE - 320 : SAMPLE_RATE]
    np.testing.assert_array_equal(stuck, np.resize(last, len(stuck)))
