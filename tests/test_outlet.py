"""From stage to stage across real actors, of which some die."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from actors.channel import Channel
from actors.outlet import Outlet
from streamer import cluster
from streamer.errors import PipelineError
from streamer.settings import RaySettings
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.parallel]

PATIENCE = 20.0


@pytest.fixture(scope="module", autouse=True)
def _running() -> Iterator[None]:
    with cluster.running(RaySettings(address=None, readiness_timeout=60, object_store_mb=100)):
        yield


def receiver() -> Any:
    """An actor of a class that its process need not import."""

    class Receiver:
        """Takes its time, and dislikes a 3."""

        def __init__(self) -> None:
            self.items: list[int] = []

        def take(self, item: int) -> None:
            if item == 3:
                raise ValueError("not this one")
            time.sleep(0.05)
            self.items.append(item)

        def hang(self, item: int) -> None:
            self.items.append(item)
            time.sleep(PATIENCE)

        def taken(self) -> list[int]:
            return self.items

    return cluster.ray.remote(Receiver).options(num_cpus=0, max_concurrency=2).remote()


def taken(actor: Any) -> list[int]:
    items: list[int] = cluster.get("receiver", actor.taken.remote(), PATIENCE)
    return items


def test_no_more_is_under_way_than_the_channel_holds() -> None:
    actor, outlet = receiver(), Outlet()
    outlet.connect(actor.take)
    channel = Channel(outlet.deliver, 2, "block", "test", PATIENCE)
    for item in range(6):
        channel.put(item)
        assert item - len(taken(actor)) <= 4
    assert not channel.close(PATIENCE)
    assert taken(actor) == [0, 1, 2, 4, 5]
    assert channel.failed == 1
    assert isinstance(channel.failure, ValueError)


def test_what_a_receiver_that_dies_leaves_goes_to_the_next() -> None:
    first, second, outlet = receiver(), receiver(), Outlet(patience=PATIENCE)
    outlet.connect(first.hang)
    channel = Channel(outlet.deliver, 5, "drop_oldest", "test")
    for item in range(3):
        channel.put(item)
    assert eventually(lambda: taken(first), PATIENCE)
    cluster.ray.kill(first)
    time.sleep(0.2)
    outlet.connect(second.take)
    assert channel.close(PATIENCE)
    assert taken(second) == [0, 1, 2]


def test_nobody_is_waited_for_longer_than_told() -> None:
    actor, outlet = receiver(), Outlet(patience=0.1)
    outlet.connect(actor.take)
    cluster.ray.kill(actor)
    with pytest.raises(cluster.RayActorError):
        outlet.deliver(1)


def test_where_nobody_is_to_come_the_packet_is_lost_at_once() -> None:
    actor, outlet = receiver(), Outlet(patience=10 * PATIENCE)
    outlet.connect(actor.take)
    cluster.ray.kill(actor)
    threading.Timer(0.3, outlet.connect, [None]).start()
    with pytest.raises(PipelineError, match="nobody takes it"):
        outlet.deliver(1)


def test_one_that_does_not_answer_in_time_is_named() -> None:
    actor, outlet = receiver(), Outlet(timeout=0.2)
    outlet.connect(actor.hang)
    with pytest.raises(PipelineError, match=r"did not answer within 0\.2 s"):
        outlet.deliver(1)
