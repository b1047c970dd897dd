"""A gateway over a real feed, for the tests of what it serves."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from streamer.feed.keys import server_keys
from streamer.feed.publisher import Publisher
from streamer.settings import DashboardSettings, load_settings
from streamer.web.gateway import Gateway
from tests.feed_fixtures import health

TOKEN = "a-token-for-the-tests"


@dataclass
class Served:
    """A publisher, the gateway that hears it, and what the gateway has said."""

    publisher: Publisher
    gateway: Gateway
    said: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.gateway.port

    def http(self, path: str = "/", token: str | None = TOKEN) -> str:
        separator = "&" if "?" in path else "?"
        query = "" if token is None else f"{separator}token={token}"
        return f"http://127.0.0.1:{self.port}{path}{query}"

    def feed(self, query: str = "") -> str:
        return self.http(f"/feed{query}").replace("http://", "ws://")


def gateway_settings(
    *, port: int = 0, clients: int = 16, pages: Path | None = None
) -> DashboardSettings:
    options = {
        "dashboard.port": port,
        "dashboard.token": TOKEN,
        "dashboard.clients": clients,
        "dashboard.pages": None if pages is None else str(pages),
    }
    return load_settings(options=options).dashboard


@contextmanager
def served(
    *, clients: int = 16, pages: Path | None = None, keys: Path | None = None
) -> Iterator[Served]:
    """A gateway on a free port that hears a publisher of its own, which ``keys`` lock."""
    lock = None if keys is None else server_keys(keys)
    said: list[str] = []
    with (
        Publisher("tcp://127.0.0.1:0", "msgpack", blocking=False, keys=lock) as publisher,
        Gateway(gateway_settings(clients=clients, pages=pages), keys, said.append) as gateway,
        gateway.hearing(publisher.address),
    ):
        assert publisher.wait_for_subscriber(10)
        yield Served(publisher, gateway, said)
        publisher.publish(health(bye=True))  # or the gateway would wait for one
