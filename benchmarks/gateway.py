"""What the gateway adds to a message's way, beside a bare subscriber of the same feed in one run.

    python -m benchmarks.gateway [--clients 16] [--messages 400] [--rate 40]

One publisher, one subscriber, one gateway with as many WebSocket clients as are asked for. Times
vary with the machine, so nothing here is asserted.
"""

import argparse
import asyncio
import time
from typing import Any

import aiohttp
import msgspec
import numpy as np

from streamer.feed import AsyncSubscriber
from streamer.feed.messages import HealthMessage
from streamer.feed.publisher import Publisher
from streamer.settings import load_settings
from streamer.web.gateway import Gateway

MESSAGE = HealthMessage(
    session="benchmark", participant="me", seq=0, captured_at=0.0, published_at=0.0,
    state="running", reason=None, uptime_s=0.0, windows=0, late_windows=0, publisher_dropped=0,
    streams={},
)  # fmt: skip
PATIENCE = 30.0


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--messages", type=int, default=400)
    parser.add_argument("--rate", type=float, default=40.0, help="messages a second")
    options = parser.parse_args()
    chosen = {"dashboard.port": 0, "dashboard.clients": options.clients}
    with (
        Publisher("tcp://127.0.0.1:0", "json", blocking=False) as publisher,
        Gateway(load_settings(options=chosen).dashboard) as gateway,
        gateway.hearing(publisher.address),
    ):
        bare, clients = asyncio.run(measure(publisher, gateway.url, options))
    print("ms from the publication to the reader   p50    p95")
    for name, taken in (("bare subscriber", bare), (f"{options.clients} browsers", clients)):
        print(f"{name:36} {np.percentile(taken, 50):6.1f} {np.percentile(taken, 95):6.1f}")
    print(gateway.mishaps or "nothing refused or dropped")


async def measure(
    publisher: Publisher, url: str, options: argparse.Namespace
) -> tuple[list[float], list[float]]:
    """Milliseconds on the way: to the bare subscriber, and to all clients of the gateway."""
    bare: list[float] = []
    clients: list[float] = []
    address = url.replace("http://", "ws://").replace("/?", "/feed?")
    async with AsyncSubscriber(publisher.address) as feed, aiohttp.ClientSession() as http:
        sockets = [await http.ws_connect(address) for _ in range(options.clients)]
        reading = [read_socket(socket, options.messages, clients) for socket in sockets]
        tasks = [
            asyncio.create_task(task)
            for task in (read_feed(feed, options.messages, bare), *reading)
        ]
        await asyncio.sleep(0.5)
        for _ in range(options.messages):
            publisher.publish(MESSAGE)
            await asyncio.sleep(1 / options.rate)
        await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE)
        for socket in sockets:
            await socket.close()
    return bare, clients


async def read_feed(feed: AsyncSubscriber, count: int, taken: list[float]) -> None:
    while len(taken) < count:
        message = await feed.receive(PATIENCE)
        if message is not None:
            taken.append(1000 * (time.time() - message.published_at))


async def read_socket(socket: Any, count: int, taken: list[float]) -> None:
    for _ in range(count):
        message = msgspec.json.decode(await socket.receive_str(), type=HealthMessage)
        taken.append(1000 * (time.time() - message.published_at))


if __name__ == "__main__":
    main()
