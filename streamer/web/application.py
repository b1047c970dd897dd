"""What the gateway answers: the page, its files, a folder of the user's pages, and the feed."""

import asyncio
from contextlib import suppress
from importlib import resources
from pathlib import Path

from aiohttp import WSCloseCode, WSMsgType, web

from streamer.errors import SettingError
from streamer.feed.messages import KINDS
from streamer.feed.subscriber import check_wishes
from streamer.web.guard import OPEN, PAGES, Guard
from streamer.web.hub import Client, Hub

FAREWELL_SECONDS = 2.0
"""How long a client that has to go may take to read why."""

HEARTBEAT_SECONDS = 20.0
"""A client that does not answer a ping within half of it is gone."""

LARGEST_MESSAGE = 128
"""Bytes from a client; nothing it sends is wanted."""

HUB = web.AppKey("hub", Hub)
STATIC = Path(str(resources.files("streamer.web").joinpath("static")))


def application(hub: Hub, guard: Guard, pages: Path | None) -> web.Application:
    """Raises SettingError where ``pages`` is no folder."""
    app = web.Application(middlewares=[guard.middleware])
    app[HUB] = hub
    app.on_response_prepare.append(_secured)
    app.router.add_get("/", _page)
    app.router.add_get("/feed", _feed)
    app.router.add_static(OPEN, STATIC)
    if pages is not None:
        if not pages.is_dir():
            raise SettingError(f"dashboard.pages = {pages}: there is no such folder")
        app.router.add_static(PAGES, pages.resolve())  # follows no link out of the folder
    return app


async def _page(_: web.Request) -> web.FileResponse:
    return web.FileResponse(STATIC / "index.html")


async def _feed(request: web.Request) -> web.StreamResponse:
    """Every message as a text frame, from the last one of every topic on."""
    wanted = request.query.get("kinds")
    kinds = list(KINDS) if wanted is None else wanted.split(",")
    participant = request.query.get("participant")
    try:
        check_wishes(kinds, None, participant)
    except SettingError as error:
        raise web.HTTPBadRequest(text=f"400: {error}\n") from None
    hub = request.app[HUB]
    client = hub.join(kinds, participant)
    if client is None:
        raise web.HTTPServiceUnavailable(text="503: as many clients as are allowed\n")
    try:
        return await _served(request, client)
    finally:
        hub.leave(client)


async def _served(request: web.Request, client: Client) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(
        timeout=FAREWELL_SECONDS,
        heartbeat=HEARTBEAT_SECONDS,
        max_msg_size=LARGEST_MESSAGE,
        compress=False,
    )
    await socket.prepare(request)
    tasks = [
        asyncio.create_task(_send(socket, client)),
        asyncio.create_task(_refuse_messages(socket, client)),
    ]
    try:
        code = await client.code
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    with suppress(TimeoutError):
        async with asyncio.timeout(FAREWELL_SECONDS):
            await socket.close(code=code, drain=False)
    if request.transport is not None:
        request.transport.abort()  # what it has not read until now it never will
    return socket


async def _send(socket: web.WebSocketResponse, client: Client) -> None:
    with suppress(ConnectionError):
        while True:
            line = await client.lines.get()
            await socket.send_str(line.text)


async def _refuse_messages(socket: web.WebSocketResponse, client: Client) -> None:
    message = await socket.receive()
    spoke = message.type in (WSMsgType.TEXT, WSMsgType.BINARY)
    client.end(WSCloseCode.POLICY_VIOLATION if spoke else WSCloseCode.OK)


async def _secured(request: web.Request, response: web.StreamResponse) -> None:
    """Nothing comes from elsewhere, runs inline, is framed, kept or passed on."""
    # OBS brings a browser source's own look in as a style element.
    style = "'self' 'unsafe-inline'" if request.path.startswith(PAGES) else "'self'"
    response.headers.update(
        {
            "Content-Security-Policy": (
                f"default-src 'none'; script-src 'self'; style-src {style}; img-src 'self'; "
                f"font-src 'self'; connect-src 'self' ws://{request.host}; base-uri 'none'; "
                "form-action 'none'; frame-ancestors 'none'"
            ),
            "Cache-Control": "no-store",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Server": "qamoe-stream",
        }
    )
