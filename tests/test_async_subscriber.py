"""The subscriber for asyncio: the same rules, while other tasks go on."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from streamer.errors import SettingError
from streamer.feed import AsyncSubscriber, StaleError
from streamer.feed.messages import HealthMessage, Message
from streamer.feed.publisher import Publisher
from tests.feed_fixtures import health, sentiment

ANY_PORT = "tcp://127.0.0.1:0"


def run(steps: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(steps, 30))


def test_iteration_gives_typed_messages_until_the_bye() -> None:
    async def listen() -> None:
        with Publisher(ANY_PORT, "msgpack", blocking=False) as publisher:
            async with AsyncSubscriber(publisher.address, kinds=["sentiment"]) as feed:
                assert await asyncio.to_thread(publisher.wait_for_subscriber, 5)
                sent = [publisher.publish(sentiment(number)) for number in range(3)]
                publisher.publish(health(bye=True))
                heard: list[Message] = [message async for message in feed]
                assert heard == sent
                assert (feed.ended, feed.gaps, feed.restarts, feed.malformed) == (True, 0, 0, 0)

    run(listen())


def test_iteration_gives_up_on_silence() -> None:
    async def listen() -> None:
        with Publisher(ANY_PORT, "json", blocking=False) as publisher:
            async with AsyncSubscriber(publisher.address, idle=0.05) as feed:
                assert [message async for message in feed] == []
                assert feed.silent
                assert not feed.ended

    run(listen())


def test_it_finds_a_publisher_that_starts_again() -> None:
    async def listen() -> None:
        publisher = Publisher(ANY_PORT, "json", blocking=False)
        address = publisher.address
        async with AsyncSubscriber(address, kinds=["health"]) as feed:
            with publisher:
                assert await asyncio.to_thread(publisher.wait_for_subscriber, 5)
                sent = publisher.publish(health())
                assert await feed.receive(5) == sent
            with Publisher(address, "json", blocking=False) as again:
                heard = None
                while heard is None:  # until the connection is there again
                    again.publish(health(reason="again"))
                    heard = await feed.receive(0.1)
                assert isinstance(heard, HealthMessage)
                assert heard.reason == "again"

    run(listen())


def test_the_latest_is_awaited_and_goes_stale() -> None:
    async def listen() -> None:
        with Publisher(ANY_PORT, "json", blocking=False) as publisher:
            async with AsyncSubscriber(publisher.address) as feed:
                with pytest.raises(StaleError, match="no sentiment heard yet"):
                    await feed.latest(0.01)
                assert await asyncio.to_thread(publisher.wait_for_subscriber, 5)
                sent = publisher.publish(sentiment(participant="bob"))
                assert await feed.latest(5.0) == {"bob": sent}

    run(listen())


def test_a_flood_does_not_keep_other_tasks_from_running() -> None:
    async def listen() -> None:
        with Publisher(ANY_PORT, "json", blocking=True) as publisher:
            async with AsyncSubscriber(publisher.address, kinds=["sentiment"]) as feed:
                assert await asyncio.to_thread(publisher.wait_for_subscriber, 5)
                for number in range(500):
                    publisher.publish(sentiment(number))
                publisher.publish(health(bye=True))
                turns = 0

                async def other() -> None:
                    nonlocal turns
                    while True:
                        turns += 1
                        await asyncio.sleep(0)

                beside = asyncio.create_task(other())
                assert len([message async for message in feed]) == 500
                beside.cancel()
                assert turns >= 500

    run(listen())


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(SettingError, match="moods"):
        AsyncSubscriber("tcp://127.0.0.1:5556", kinds=["moods"])
