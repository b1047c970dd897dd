import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.audio_sources import FileAudioSource, MicrophoneSource
from actors.hop_cutter import HopCutter
from actors.sample_clock import FOLLOWED_EVERY, MAX_DRIFT, PATIENCE, SampleClock
from actors.source import EndOfStream
from streamer.devices import Microphone, choose_microphone
from streamer.errors import SourceError
from streamer.packets import SAMPLE_RATE, SECOND, AudioChunk, Floats
from tests.media_files import demo_media, read_wav, tone, write_video, write_wav
from tests.pulse import PulseServer, pulse_server

BLOCK = SECOND // 50


@pytest.fixture(scope="module")
def pulse() -> Iterator[PulseServer]:
    with pulse_server() as server:
        yield server


def chunks_of(source: FileAudioSource) -> Iterator[AudioChunk]:
    while True:
        try:
            yield source.read(0)
        except EndOfStream:
            return


def joined(chunks: list[AudioChunk]) -> Floats:
    """All samples from session time 0 on, NaN where there are none."""
    whole = HopCutter(max(chunk.end for chunk in chunks) * 16000 // SECOND)
    for chunk in chunks:
        whole.add(chunk)
    return whole.cut()


def test_a_file_is_read_to_its_end(tmp_path: Path) -> None:
    source = FileAudioSource(str(write_wav(tmp_path / "a.wav", tone(1.3))))
    assert source.open().endswith("1.3 s")
    np.testing.assert_allclose(joined(list(chunks_of(source))), tone(1.3), atol=1e-4)
    with pytest.raises(EndOfStream):
        source.read(0)


def test_a_looped_file_begins_again_after_its_longest_track(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", pictures=50, audio=(0.0, 1.0))
    source = FileAudioSource(str(path), loop=True)
    source.open()
    chunks = itertools.takewhile(lambda chunk: chunk.captured_at < 6 * SECOND, chunks_of(source))
    samples = joined(list(chunks))
    loud = np.abs(np.nan_to_num(samples)) > 0.4
    for start in (0, 2, 4):
        assert loud[start * 16000 + 1000 : (start + 1) * 16000 - 1000].any()
        assert not loud[(start + 1) * 16000 + 1500 : (start + 2) * 16000 - 10].any()
    np.testing.assert_allclose(samples[1000:15000], samples[33000:47000], atol=1e-6)


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize("rounds", [0, 2])
@pytest.mark.parametrize("place", [0.0, 1.0, 17.3, 29.9])
@pytest.mark.parametrize("kind", ["wav", "mp4"])
def test_a_file_is_gone_on_with_from_where_the_session_is(
    tmp_path: Path, kind: str, place: float, rounds: int
) -> None:
    """An actor that takes another's place does not decode all that was before."""
    if kind == "wav":
        file = write_wav(tmp_path / "a.wav", tone(30.0))
    else:
        file = write_video(tmp_path / "a.mp4", 30 * 25, audio=(0.0, 30.0))
    whole = FileAudioSource(str(file))
    whole.open()
    sound = joined(list(chunks_of(whole)))
    source = FileAudioSource(str(file), loop=rounds > 0)
    source.open()
    period = source._period
    moment = round(place * SECOND) + period * rounds
    source.skip_to(moment)
    found = source.read(0)
    assert moment - 5 * SECOND <= found.captured_at <= moment
    while found.captured_at < moment - SECOND and found.captured_at % period < 29 * SECOND:
        found = source.read(0)  # the first samples after a jump may be others
    at = found.captured_at % period * SAMPLE_RATE // SECOND
    shift = 0.05  # resampled from another place, by less than a sample
    assert np.allclose(found.samples, sound[at : at + len(found.samples)], atol=shift)


def test_a_file_without_sound_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="has no sound"):
        FileAudioSource(str(write_video(tmp_path / "a.mp4"))).open()


MICROPHONES = [
    Microphone(0, "Built-in Audio", 2, 48000, False),
    Microphone(3, "USB Headset", 1, 16000, True),
    Microphone(4, "USB Headset Pro", 1, 48000, False),
]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [("default", 3), ("4", 4), ("built", 0), ("usb headset", 3), ("Pro", 4)],
    ids=["default", "index", "part", "whole-name-first", "case"],
)
def test_a_microphone_is_found_by_index_name_and_part(wanted: str, index: int) -> None:
    assert choose_microphone(MICROPHONES, wanted).index == index


@pytest.mark.parametrize(
    ("microphones", "wanted", "said"),
    [
        ([], "default", "no microphone found"),
        (MICROPHONES, "Line", "'Line' is not there; found: 0 'Built-in Audio', 3 'USB Headset'"),
        (MICROPHONES, "USB", "'USB' could be 3 'USB Headset', 4 'USB Headset Pro'"),
        (MICROPHONES, "7", "'7' is not there"),
        (MICROPHONES, "", "'' is not there"),
    ],
    ids=["none", "unknown", "ambiguous", "index", "empty"],
)
def test_a_wrong_microphone_names_what_there_is(
    microphones: list[Microphone], wanted: str, said: str
) -> None:
    with pytest.raises(SourceError) as error:
        choose_microphone(microphones, wanted)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@given(jitter=st.lists(st.integers(0, MAX_DRIFT), min_size=1, max_size=100))
def test_jitter_moves_no_block(jitter: list[int]) -> None:
    clock = SampleClock(16000, 0)
    first = clock.place(320, BLOCK)
    for number, delay in enumerate(jitter, 1):
        assert clock.place(320, (number + 1) * BLOCK + delay) == first + number * BLOCK


@given(before=st.integers(1, 50), lost=st.integers(6, 500))
def test_after_lost_samples_blocks_are_placed_by_the_clock_again(before: int, lost: int) -> None:
    clock = SampleClock(16000, 0)
    for number in range(before):
        assert clock.place(320, (number + 1) * BLOCK) == number * BLOCK
    settled = range(before + lost, before + lost + 20)
    placed = [clock.place(320, (number + 1) * BLOCK) for number in settled]
    late = PATIENCE // BLOCK + 1
    assert placed[late:] == [number * BLOCK for number in settled][late:]


@given(held_up=st.integers(1, 40))
def test_blocks_that_were_only_held_up_stay_together(held_up: int) -> None:
    clock = SampleClock(16000, 0)
    clock.place(320, BLOCK)
    arrival = (held_up + 1) * BLOCK
    placed = [clock.place(320, arrival) for _ in range(held_up)]
    assert placed == [(number + 1) * BLOCK for number in range(held_up)]


@given(
    run_off=st.integers(-200, 200),  # parts in a million
    jitter=st.lists(st.integers(0, BLOCK * 4), min_size=20, max_size=60),
    punctual=st.integers(0, 19),
)
def test_a_device_whose_clock_runs_off_is_followed(
    run_off: int, jitter: list[int], punctual: int
) -> None:
    clock, length = SampleClock(16000, 0), BLOCK + BLOCK * run_off // 1_000_000
    jitter[punctual] = 0
    last = None
    for number in range(10 * FOLLOWED_EVERY // BLOCK):
        captured_at = number * length
        placed = clock.place(320, captured_at + length + jitter[number % len(jitter)])
        if captured_at > 2 * FOLLOWED_EVERY:
            assert abs(placed - captured_at) < SECOND // 200
            assert last is not None
            assert abs(placed - last - BLOCK) < SECOND // 200
        last = placed


def test_a_device_that_runs_ahead_is_placed_anew() -> None:
    clock = SampleClock(16000, 0)
    clock.place(320, BLOCK)
    placed = [clock.place(640, (number + 2) * BLOCK) for number in range(20)]
    drift = [(number + 2) * BLOCK - (at + 2 * BLOCK) for number, at in enumerate(placed)]
    assert min(drift) >= -MAX_DRIFT


def record(source: MicrophoneSource, seconds: float) -> list[AudioChunk]:
    chunks: list[AudioChunk] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        chunk = source.read(0.1)
        chunks += [chunk] if chunk else []
    return chunks


def best_correlation(received: Floats, part: Floats) -> float:
    """With the place in ``received`` that fits best. By parts, as a busy machine's player stops."""
    lag = int(np.argmax(np.correlate(received, part, "valid")))
    return float(np.corrcoef(received[lag : lag + len(part)], part)[0, 1])


@pytest.mark.slow
@pytest.mark.parametrize("device", ["default", "pulse"])
def test_what_is_played_is_received(pulse: PulseServer, device: str) -> None:
    wav = demo_media("beckett.wav")
    played = read_wav(wav)[:64000]
    source = MicrophoneSource(device)
    assert "16000 Hz" in source.open()
    try:
        source.start(time.monotonic_ns())
        chunks = record(source, 0.3)
        speaker = threading.Thread(target=pulse.play, args=(wav,))
        speaker.start()
        while speaker.is_alive():
            chunks += record(source, 0.5)
    finally:
        source.close()
    received = np.nan_to_num(joined(chunks))
    assert np.median([best_correlation(received, part) for part in np.split(played, 8)]) > 0.95
    assert source.dropped == 0


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.usefixtures("pulse")
def test_an_unknown_device_names_the_server_s_own() -> None:
    with pytest.raises(SourceError, match=r"'no such' is not there; found: .*'pulse'"):
        MicrophoneSource("no such").open()


def test_no_microphone_is_one_line_and_nothing_on_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PULSE_SERVER", "unix:/nonexistent")
    source = MicrophoneSource("default")
    try:
        with pytest.raises(SourceError) as error:
            source.open()
    finally:
        source.close()
    assert "\n" not in str(error.value)
    assert capfd.readouterr().err == ""
