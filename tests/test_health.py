from typing import get_args

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actors.health import Health
from streamer.feed.messages import StreamState
from streamer.packets import SECOND
from tests.test_windows import faces, voice, words

HOP = SECOND // 2


def test_a_message_is_due_once_in_a_second_whatever_the_hop() -> None:
    for hop in (SECOND // 5, SECOND // 2, 7 * SECOND // 10, SECOND):
        health = Health(hop, ("vision",))
        due = [(k + 1) * hop // SECOND for k in range(70 * SECOND // hop) if health.due(k)]
        assert due == list(range(1, len(due) + 1))
        assert len(due) >= 69


def test_rates_are_per_second_and_states_follow_the_packets() -> None:
    health = Health(HOP, ("text", "audio", "vision"))
    for hop in range(4):
        health.count(voice(hop))
        health.count(faces(hop, count=7))
        health.count(words(hop))
    streams = health.streams(3)
    assert (streams["audio"].state, streams["audio"].rate) == ("live", 1.0)
    assert (streams["vision"].state, streams["vision"].rate) == ("live", 14.0)
    assert streams["text"].state == "live"


def test_a_stream_without_packets_is_stalled_and_one_that_is_not_wanted_is_off() -> None:
    health = Health(HOP, ("vision",))
    health.count(faces(0))
    assert health.streams(0)["vision"].state == "live"
    assert health.streams(4)["vision"].state == "stalled"
    assert health.streams(4)["audio"].state == "off"


def test_a_stream_that_came_to_its_end_has_ended() -> None:
    health = Health(HOP, ("vision",))
    health.count(faces(3, ended=True))
    assert health.streams(3)["vision"].state == "live"
    assert health.streams(4)["vision"].state == "ended"


@given(st.lists(st.integers(0, 12), min_size=1, max_size=40))
def test_memory_is_bounded_and_states_are_known(counts: list[int]) -> None:
    health = Health(HOP, ("vision",))
    for hop, count in enumerate(counts):
        health.count(faces(hop, count=max(count, 1)))
        assert health.streams(hop)["vision"].state in get_args(StreamState)
    assert len(health._deliveries["vision"]) <= 4
    assert np.isfinite(health.streams(len(counts))["vision"].rate)
