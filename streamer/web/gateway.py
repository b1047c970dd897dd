"""The gateway: serves feeds to browsers on this machine, in a thread of its own."""

import asyncio
import secrets
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from aiohttp import web

from streamer.errors import PipelineError
from streamer.feed.async_subscriber import AsyncSubscriber
from streamer.settings import DashboardSettings
from streamer.web.application import application
from streamer.web.guard import Guard
from streamer.web.hub import Hub
from streamer.web.loopback import cannot_listen

POLL_SECONDS = 60.0
CALL_SECONDS = 10.0
CHECK_SECONDS = 0.02

FAREWELL_SECONDS = 0.5
"""How long the end of a feed is waited for."""

TOKEN_BYTES = 16
"""128 random bits, 22 letters."""

SEND_BUFFER = 1 << 16
"""Bytes the system keeps for one client, so that one who does not read is found out soon."""

Result = TypeVar("Result")


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class Gateway:
    """Serves the messages of feeds as WebSocket frames, and the dashboard that shows them.

        with Gateway(settings.dashboard) as gateway, gateway.hearing("tcp://127.0.0.1:5556"):
            print(gateway.url)

    It listens on 127.0.0.1 only. ``feed_keys`` is a folder of keys that open the feeds. ``say`` is
    told where it can be seen and whom it has refused. Raises SourceError where the port cannot be
    had, SettingError where the folder of pages is none.
    """

    def __init__(
        self,
        settings: DashboardSettings,
        feed_keys: Path | None = None,
        say: Callable[[str], None] = _to_stderr,
    ) -> None:
        self._socket = _listening(settings.port)
        self._token = settings.token or secrets.token_urlsafe(TOKEN_BYTES)
        self._feed_keys = feed_keys
        self._say = say
        self._hub = Hub(settings.clients)
        self._guard = Guard(self.port, self._token, say)
        pages = None if settings.pages is None else Path(settings.pages)
        try:
            self._application = application(self._hub, self._guard, pages)
        except BaseException:
            self._socket.close()
            raise
        self._loop = asyncio.SelectorEventLoop()  # the kind that ZeroMQ needs on every system
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="dashboard", daemon=True
        )
        self._runner = web.AppRunner(
            self._application, access_log=None, handle_signals=False, shutdown_timeout=1.0
        )

    @property
    def port(self) -> int:
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """The address of the dashboard, with the token."""
        return f"http://127.0.0.1:{self.port}/?token={self._token}"

    @property
    def clients(self) -> int:
        """How many listen at the moment."""
        return len(self._hub)

    @property
    def mishaps(self) -> str:
        """What has gone wrong so far, in one line; empty where nothing has."""
        counts = {
            "requests refused": self._guard.refused,
            "slow clients dropped": self._hub.dropped,
        }
        return ", ".join(f"{count} {what}" for what, count in counts.items() if count)

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._start())
        self._say(f"dashboard   {self.url}")
        return self

    def __exit__(self, *_: object) -> None:
        if self.mishaps:
            self._say(f"dashboard   {self.mishaps}")
        try:
            self._call(self._stop())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(CALL_SECONDS)
            self._loop.close()

    @contextmanager
    def hearing(self, address: str) -> Iterator[None]:
        """Serve the feed at ``address`` meanwhile. Raises SettingError for a malformed one."""
        feed, task = self._call(self._begin_hearing(address))
        try:
            yield
        finally:
            self._call(_end_hearing(feed, task))

    async def _start(self) -> None:
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()

    async def _stop(self) -> None:
        self._hub.close()
        await self._runner.cleanup()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _begin_hearing(self, address: str) -> tuple[AsyncSubscriber, asyncio.Task[None]]:
        feed = AsyncSubscriber(address, keys=self._feed_keys)
        return feed, asyncio.create_task(self._pass_on(feed, address))

    async def _pass_on(self, feed: AsyncSubscriber, address: str) -> None:
        """Until cancelled: after a bye another session may begin at the same address."""
        try:
            while True:
                message = await feed.receive(POLL_SECONDS)
                if message is not None:
                    self._hub.publish(message)
        except Exception as error:
            self._say(f"dashboard   hears {address} no more: {type(error).__name__}: {error}")
        finally:
            feed.close()

    def _call(self, steps: Coroutine[Any, Any, Result]) -> Result:
        """Run in the gateway's thread."""
        future = asyncio.run_coroutine_threadsafe(steps, self._loop)
        try:
            return future.result(CALL_SECONDS)
        except TimeoutError:
            with suppress(Exception):
                future.cancel()
            raise PipelineError(f"dashboard: no answer within {CALL_SECONDS:g} s") from None


async def _end_hearing(feed: AsyncSubscriber, task: asyncio.Task[None]) -> None:
    """The bye of a session that has just ended may still be on its way."""
    deadline = asyncio.get_running_loop().time() + FAREWELL_SECONDS
    while not (feed.ended or task.done()) and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(CHECK_SECONDS)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _listening(port: int) -> socket.socket:
    """A socket on loopback; port 0 takes any free one. Raises SourceError."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise cannot_listen("dashboard.port", port, error) from None
    return listener
