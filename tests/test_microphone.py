import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actors.microphone import Microphone
from models.voice_activity import VoiceActivity
from streamer.errors import PipelineError, SourceError
from streamer.packets import AudioHop
from streamer.settings import Settings, load_settings
from tests.capturing import PATIENCE, file_settings, packets_of
from tests.media_files import clip, demo_media, read_wav, tone, write_video, write_wav
from tests.pulse import PulseServer, pulse_server


@pytest.fixture(scope="module")
def pulse() -> Iterator[PulseServer]:
    with pulse_server() as server:
        yield server


def hops_of(settings: Settings, **parts: Any) -> list[AudioHop]:
    return packets_of(partial(Microphone, **parts), settings)


def test_a_file_comes_in_whole_hops_with_its_last_filled_up(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", tone(1.75))
    hops = hops_of(file_settings(path))
    assert [hop.hop for hop in hops] == [0, 1, 2, 3]
    assert [hop.ended for hop in hops] == [False, False, False, True]
    assert {(len(hop.samples), len(hop.speech)) for hop in hops} == {(8000, 25)}
    samples = np.concatenate([hop.samples for hop in hops])
    np.testing.assert_allclose(samples[:28000], tone(1.75), atol=1e-4)
    assert np.isnan(samples[28000:]).all()


@pytest.mark.parametrize("hop", [0.2, 0.5, 1.0])
def test_a_file_of_whole_hops_gets_no_empty_one(tmp_path: Path, hop: float) -> None:
    path = write_wav(tmp_path / "a.wav", tone(2.0))
    hops = hops_of(file_settings(path, **{"window.hop": hop}))
    assert len(hops) == round(2.0 / hop)
    assert not any(np.isnan(hop.samples).any() for hop in hops)


def test_sound_that_begins_late_or_ends_early_is_missing_there(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", pictures=75, audio=(1.0, 1.0))
    missing = [float(np.isnan(hop.samples).mean()) for hop in hops_of(file_settings(path))]
    assert missing[0] == 1
    assert missing[1] > 0.9
    assert missing[2] == 0


def test_speech_is_where_it_is_spoken() -> None:
    path = demo_media("beckett.wav")
    hops = hops_of(file_settings(path))
    sound = read_wav(path)
    whole = len(sound) // 8000 * 8000
    speech = np.concatenate([hop.speech for hop in hops])
    np.testing.assert_allclose(speech[: whole // 320], VoiceActivity()(sound[:whole]), atol=1e-3)


def test_the_same_file_twice_is_the_same() -> None:
    settings = file_settings(clip("jfk.flac"))
    for one, other in zip(hops_of(settings), hops_of(settings), strict=True):
        np.testing.assert_array_equal(one.samples, other.samples)
        np.testing.assert_array_equal(one.speech, other.speech)


def test_the_duration_ends_a_looped_file(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", tone(0.7))
    hops = hops_of(file_settings(path, **{"source.loop": True, "duration": 2.2}))
    assert len(hops) == 5
    assert hops[-1].ended
    samples = np.concatenate([hop.samples for hop in hops])
    np.testing.assert_allclose(samples[:11200], samples[11200:22400], atol=1e-6)


def test_damage_is_done_before_the_voice_activity() -> None:
    damage = [{"stream": "audio", "kind": "mute", "severity": 1.0, "start": 0, "end": 60}]
    path = demo_media("beckett.wav")
    hops = hops_of(file_settings(path, damage=damage))
    assert max(float(np.nan_to_num(hop.samples).max()) for hop in hops) == 0
    assert max(float(hop.speech.max()) for hop in hops) < 0.5


def test_a_source_that_breaks_is_told_by_stats(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", tone(1.0))
    microphone = Microphone(file_settings(path), print)
    microphone.open()
    path.unlink()
    microphone.start(time.monotonic_ns())
    deadline = time.monotonic() + PATIENCE
    while microphone.running and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(PipelineError, match=r"microphone: .*a\.wav"):
        microphone.stats()
    microphone.stop()


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    microphone = Microphone(file_settings(tmp_path / "none.wav"), print)
    with pytest.raises(SourceError, match=r"none\.wav"):
        microphone.open()
    microphone.stop()


@contextmanager
def live_hops() -> Iterator["queue.Queue[AudioHop]"]:
    received: queue.Queue[AudioHop] = queue.Queue()
    microphone = Microphone(load_settings(), received.put)
    assert "microphone" in microphone.open()
    microphone.start(time.monotonic_ns())
    try:
        yield received
    finally:
        microphone.stop()


@pytest.mark.slow
def test_a_live_microphone_s_hops_hold_what_is_played(pulse: PulseServer) -> None:
    with live_hops() as received:
        received.get(timeout=PATIENCE)
        pulse.play(demo_media("beckett.wav"))
        hops = [received.get(timeout=PATIENCE) for _ in range(10)]
    assert [hop.hop for hop in hops] == list(range(1, 11))
    assert max(float(hop.speech.max()) for hop in hops) > 0.9
    assert np.mean([np.isnan(hop.samples).mean() for hop in hops]) < 0.2


@pytest.mark.slow
def test_a_stalled_microphone_is_missing_sound_and_comes_back(pulse: PulseServer) -> None:
    with live_hops() as received:
        next_with(received, missing=0.0)
        pulse.suspend(True)
        stalled = next_with(received, missing=1.0)
        assert received.get(timeout=PATIENCE).hop == stalled.hop + 1
        pulse.suspend(False)
        next_with(received, missing=0.0)


def next_with(received: "queue.Queue[AudioHop]", missing: float) -> AudioHop:
    """The next hop of which this share is missing."""
    for _ in range(60):
        hop = received.get(timeout=PATIENCE)
        if np.isnan(hop.samples).mean() == missing:
            return hop
    raise AssertionError(f"no hop of which {missing:.0%} is missing")


@pytest.mark.slow
def test_a_microphone_that_goes_says_so_and_comes_back_at_another_rate(pulse: PulseServer) -> None:
    with live_hops() as received:
        next_with(received, missing=0.0)
        pulse.stop()
        gone = next_that(received, lambda hop: hop.fault is not None)
        assert "microphone default" in str(gone.fault)
        pulse.start(rate=44_100)
        back = next_that(received, lambda hop: not np.isnan(hop.samples).any())
        assert back.fault is None
        assert back.hop > gone.hop


def next_that(received: "queue.Queue[AudioHop]", accepts: Callable[[AudioHop], bool]) -> AudioHop:
    for _ in range(60):
        hop = received.get(timeout=PATIENCE)
        if accepts(hop):
            return hop
    raise AssertionError("no such hop")
