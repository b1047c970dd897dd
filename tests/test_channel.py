import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.channel import Channel, Policy
from streamer.errors import PipelineError

PATIENCE = 20.0


class Receiver:
    """Takes nothing until it is opened."""

    def __init__(self) -> None:
        self.items: list[int] = []
        self.opened = threading.Event()
        self.busy = threading.Event()

    def __call__(self, item: int) -> None:
        self.busy.set()
        assert self.opened.wait(PATIENCE)
        self.items.append(item)


@given(count=st.integers(0, 60), capacity=st.integers(1, 8))
def test_block_loses_nothing_and_keeps_the_order(count: int, capacity: int) -> None:
    received: list[int] = []
    channel = Channel(received.append, capacity, "block", "test", PATIENCE)
    for item in range(count):
        channel.put(item)
    assert channel.close(PATIENCE)
    assert received == list(range(count))
    assert (channel.dropped, channel.failed, channel.pending) == (0, 0, 0)


@given(
    count=st.integers(1, 60),
    capacity=st.integers(1, 8),
    policy=st.sampled_from(["latest", "drop_oldest"]),
)
def test_a_slow_receiver_gets_the_first_and_the_newest(
    count: int, capacity: int, policy: Policy
) -> None:
    receiver = Receiver()
    channel = Channel(receiver, capacity, policy, "test")
    channel.put(0)
    assert receiver.busy.wait(PATIENCE)
    for item in range(1, count):
        channel.put(item)
    kept = min(count - 1, 1 if policy == "latest" else capacity)
    assert channel.pending == 1 + kept
    receiver.opened.set()
    channel.close(PATIENCE)
    assert receiver.items == [0, *range(count - kept, count)]
    assert channel.dropped == count - 1 - kept


def test_block_gives_up_on_a_receiver_that_takes_nothing() -> None:
    receiver = Receiver()
    channel = Channel(receiver, 1, "block", "camera to analyzer", patience=0.01)
    channel.put(0)
    assert receiver.busy.wait(PATIENCE)
    channel.put(1)
    with pytest.raises(PipelineError, match="camera to analyzer: the receiver took nothing"):
        channel.put(2)
    receiver.opened.set()
    assert channel.close(PATIENCE)
    assert receiver.items == [0, 1]


def test_a_failed_delivery_is_kept_and_the_next_item_is_tried() -> None:
    received: list[float] = []
    channel: Channel[int] = Channel(
        lambda item: received.append(1 / item), 4, "block", "test", PATIENCE
    )
    for item in (1, 0, 2):
        channel.put(item)
    assert not channel.close(PATIENCE)
    assert received == [1.0, 0.5]
    assert channel.failed == 1
    assert isinstance(channel.failure, ZeroDivisionError)
    with pytest.raises(PipelineError, match=r"test: 1 packets not delivered: .*division by zero"):
        channel.check()


def test_close_gives_up_on_a_receiver_that_hangs_and_counts_what_is_lost() -> None:
    receiver = Receiver()
    channel = Channel(receiver, 4, "drop_oldest", "test")
    channel.put(0)
    assert receiver.busy.wait(PATIENCE)
    channel.put(1)
    channel.put(2)
    assert not channel.close(0.01)
    assert channel.dropped == 2
    receiver.opened.set()
    channel.put(3)
    assert channel.dropped == 3


def test_a_channel_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="capacity 0"):
        Channel(print, 0, "block", "test")
