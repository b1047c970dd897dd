"""The port that Prometheus asks."""

import socket
import threading
from collections.abc import Callable, Iterable
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

from streamer.web.loopback import LOOPBACK, cannot_listen, own_hosts

PATIENCE_SECONDS = 5.0
"""For a client to send its request and to take the answer."""

JOIN_SECONDS = 2.0
LOOK_SECONDS = 0.1
"""From one look whether it is to end to the next."""

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class MetricsServer:
    """Answers with what ``registry`` holds, from its being made until it is closed.

        with MetricsServer(9556, registry) as server:
            print(server.url)

    On loopback, where it answers nobody but who asks for it by a name of this machine's; or at
    ``host``. Port 0 takes any free one. Raises SourceError, naming the ``setting``, where the port
    cannot be had.
    """

    def __init__(
        self,
        port: int,
        registry: CollectorRegistry,
        host: str = "127.0.0.1",
        setting: str = "metrics.port",
    ) -> None:
        try:
            self._server = _Server(host, port)
        except OSError as error:
            elsewhere = "" if host in LOOPBACK else f" on {host}"
            raise cannot_listen(setting, f"{port}{elsewhere}", error) from None
        self.port = int(self._server.server_address[1])
        self.url = f"http://{host}:{self.port}/metrics"
        app: App = make_wsgi_app(registry)
        self._server.set_app(guarded(app, own_hosts(self.port)) if host in LOOPBACK else app)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(LOOK_SECONDS,), name="metrics", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(JOIN_SECONDS)


def guarded(app: App, hosts: frozenset[str]) -> App:
    """``app`` for requests to one of ``hosts``; any others are refused."""

    def answer(request: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if request.get("HTTP_HOST") in hosts:
            return app(request, start)
        start("403 Forbidden", [("Content-Type", "text/plain")])
        return [b"403: wrong host\n"]

    return answer


class _Quiet(WSGIRequestHandler):
    timeout = PATIENCE_SECONDS

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody wants a line for every scrape."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, host: str, port: int) -> None:
        ((self.address_family, *_, address), *_) = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        super().__init__((str(address[0]), port), _Quiet)

    def server_bind(self) -> None:
        """Without the look-up of this machine's name that the library does."""
        TCPServer.server_bind(self)
        self.server_name = str(self.server_address[0])
        self.server_port = int(self.server_address[1])
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no error of ours."""
