"""Who may ask the gateway: the right token, from this machine, from a page of its own."""

import secrets
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from streamer.web.loopback import own_hosts

LINES, PER_SECONDS = 5, 60.0
"""Refusals that are told about in any minute; the others are only counted."""

LONGEST = 60
"""Letters of what a stranger has sent that are repeated."""

OPEN = "/static/"
"""Below it lies nothing but the program's own files, which need no token."""

PAGES = "/pages/"
"""Below it lie the user's own pages."""


class Guard:
    """Lets requests for ``port`` with ``token`` pass, and says on ``say`` whom it refuses."""

    def __init__(
        self,
        port: int,
        token: str,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.refused = 0
        """Requests that did not pass."""
        self._hosts = own_hosts(port)
        self._token = token
        self._cookie = f"qamoe-{port}"
        self._say = say
        self._clock = clock
        self._told: list[float] = []

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answers 403 where something is wrong."""
        why = self._objection(request)
        if why is not None:
            self._tell(f"{why}, {request.method} {_shortened(request.path)}")
            raise web.HTTPForbidden(text=f"403: {why.partition(':')[0]}\n")
        response = await handler(request)
        if request.path.startswith(PAGES) and self._has_token(request) and not response.prepared:
            # A page asks for its own scripts and pictures without the token in their addresses.
            response.set_cookie(
                self._cookie, self._token, path=PAGES, httponly=True, samesite="Strict"
            )
        return response

    def _objection(self, request: web.Request) -> str | None:
        """What is wrong with a request."""
        if request.host not in self._hosts:
            return f"wrong host: {_shortened(request.host)}"
        origin = request.headers.get("Origin")
        if origin is not None and not self._is_own(origin):
            return f"wrong origin: {_shortened(origin)}"
        if request.path.startswith(OPEN) or self._has_token(request):
            return None
        cookie = request.cookies.get(self._cookie, "")
        if request.path.startswith(PAGES) and self._is_token(cookie):
            return None
        return "wrong token" if "token" in request.query else "no token"

    def _is_own(self, origin: str) -> bool:
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.scheme == "http" and parts.netloc in self._hosts

    def _has_token(self, request: web.Request) -> bool:
        return self._is_token(request.query.get("token", ""))

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(errors="replace"), self._token.encode())

    def _tell(self, what: str) -> None:
        self.refused += 1
        now = self._clock()
        self._told = [moment for moment in self._told if moment > now - PER_SECONDS]
        if len(self._told) < LINES:
            self._told.append(now)
            last = " (more of them within a minute are not shown)" * (len(self._told) == LINES)
            self._say(f"dashboard   refused: {what}{last}")


def _shortened(given: str) -> str:
    """What a stranger has sent, made safe to print."""
    shown = ascii(given[:LONGEST])
    return f"{shown}..." if len(given) > LONGEST else shown
