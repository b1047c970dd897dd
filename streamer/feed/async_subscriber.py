"""The receiving end of the feed for programs that run on asyncio."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Self, cast

import zmq
import zmq.asyncio

from streamer.feed.messages import Message, SentimentMessage
from streamer.feed.subscriber import Listener, Result, Steps


class AsyncSubscriber(Listener):
    """``Subscriber`` to be awaited.

        async with AsyncSubscriber("tcp://127.0.0.1:5556") as feed:
            async for message in feed:
                print(message)

    Make and use it within one event loop, in one task at a time. On Windows that must be a
    ``SelectorEventLoop``.
    """

    _context_type = zmq.asyncio.Context

    async def receive(self, timeout: float) -> Message | None:
        """See ``Subscriber.receive``."""
        return await self._take(self._receiving(timeout))

    async def latest(self, max_age: float) -> dict[str, SentimentMessage]:
        """See ``Subscriber.latest``. Raises StaleError."""
        return await self._take(self._looking(max_age))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def __aiter__(self) -> AsyncIterator[Message]:
        self._heard_at = self._clock()
        while not self.silent:
            message = await self.receive(self._idle)
            if message is not None:
                yield message
            if self.ended:
                return

    async def _take(self, steps: Steps[Result]) -> Result:
        try:
            wait = next(steps)
            while True:
                wait = steps.send(await self._frames(wait))
        except StopIteration as done:
            return cast(Result, done.value)

    async def _frames(self, timeout: float) -> list[bytes] | None:
        await asyncio.sleep(0)  # a flood must not keep the loop from its other tasks
        with suppress(zmq.Again):
            return await self._frames_now()
        self._freshness.nothing_waits()
        if timeout > 0 and await self._socket.poll(math.ceil(timeout * 1000)):
            return await self._frames_now()
        return None

    async def _frames_now(self) -> list[bytes]:
        frames: list[bytes] = await self._socket.recv_multipart(zmq.DONTWAIT)
        return frames
