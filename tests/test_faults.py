"""Which windows are told to be at fault, and why."""

from dataclasses import replace

from actors.faults import Faults
from streamer.packets import SECOND, Window
from tests.test_windows import faces, voice, words


def window(hop: int, revision: int = 0) -> Window:
    return Window(hop, hop * SECOND, (hop + 1) * SECOND, revision, (), 0, None, {})


def test_a_device_s_fault_lasts_from_packet_to_packet_and_takes_the_words_along() -> None:
    faults = Faults()
    faults.take(replace(voice(0), fault="microphone has gone"))
    faults.take(faces(0))
    assert faults.at(window(0)) == {"audio": "microphone has gone", "text": "microphone has gone"}
    assert faults.told == "microphone has gone"
    faults.take(words(0))
    assert faults.at(window(1)) != {}
    faults.take(voice(1))
    assert faults.at(window(2)) == {}
    assert faults.told is None


def test_a_window_keeps_what_was_at_fault_when_it_closed() -> None:
    faults = Faults()
    assert faults.at(window(0)) == {}
    faults.set({"vision": "camera restarts"})
    assert faults.at(window(1)) == {"vision": "camera restarts"}
    assert faults.of_stages == (("vision", "camera restarts"),)
    faults.set({})
    assert faults.at(window(0, revision=1)) == {}
    assert faults.at(window(1, revision=1)) == {"vision": "camera restarts"}


def test_a_fault_that_is_over_soon_is_told_by_one_window() -> None:
    faults = Faults()
    faults.set({"vision": "camera restarts"})
    faults.set({})
    assert faults.at(window(0)) == {"vision": "camera restarts"}
    assert faults.at(window(1)) == {}


def test_the_memory_of_windows_is_bounded() -> None:
    faults = Faults()
    for hop in range(1000):
        faults.at(window(hop))
    assert len(faults._closed) <= 100
