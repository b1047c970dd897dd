"""``qamoe-stream dashboard``: feeds that others publish, in a process of its own."""

import asyncio
import os
import signal
import socket
import subprocess

import aiohttp
import pytest

from streamer.feed.codec import json_line
from streamer.feed.publisher import Publisher
from tests.commands import COMMAND, Answer
from tests.feed_fixtures import sentiment
from tests.gateways import TOKEN

ANY_PORT = "tcp://127.0.0.1:0"


@pytest.mark.slow
def test_it_serves_several_feeds_until_it_is_interrupted() -> None:
    with (
        Publisher(ANY_PORT, "json", blocking=False) as one,
        Publisher(ANY_PORT, "msgpack", blocking=False) as other,
    ):
        process = subprocess.Popen(
            [*COMMAND, "dashboard", one.address, other.address, "--port", "0"],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "QAMOE_TOKEN": TOKEN},
        )
        with process:
            assert process.stderr is not None
            line = process.stderr.readline().strip()
            assert line.endswith(f"/?token={TOKEN}")
            assert one.wait_for_subscriber(30)
            assert other.wait_for_subscriber(30)
            sent = [one.publish(sentiment()), other.publish(sentiment(participant="bob"))]
            feed = line.removeprefix("dashboard   ").replace("/?", "/feed?", 1)
            heard = asyncio.run(asyncio.wait_for(lines(feed, len(sent)), 30))
            assert sorted(heard) == sorted(map(json_line, sent))
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=30)[1] == ""
            assert process.returncode == 0


async def lines(url: str, count: int) -> list[str]:
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as client:
        return [await client.receive_str() for _ in range(count)]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--port", "70000"], 2, "dashboard.port = 70000"),
        (["--token", "short"], 2, "dashboard.token = 'short'"),
        (["--port", "0", "--pages", "/no/such/folder"], 2, "no such folder"),
        (["nowhere", "--port", "0"], 2, "feed address nowhere"),
    ],
)
def test_what_is_wrong_is_one_line(
    answer: Answer, arguments: list[str], code: int, said: str
) -> None:
    done = answer("dashboard", *arguments)
    assert done.code == code
    assert said in done.complaint


def test_a_port_in_use_is_one_line(answer: Answer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = answer("dashboard", "--port", str(port))
    assert done.code == 3
    assert f"dashboard.port = {port}: Address already in use" in done.complaint
