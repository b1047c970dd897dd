"""The gateway over real sockets: who gets what, who gets nothing, and who has to go."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import hypothesis
import msgspec
import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import SettingError, SourceError
from streamer.feed.codec import json_line
from streamer.feed.messages import Message
from streamer.web.gateway import Gateway
from streamer.web.guard import LINES
from streamer.web.hub import QUEUE, Hub
from tests.feed_fixtures import health, sentiment, transcript
from tests.gateways import TOKEN, Served, gateway_settings, served

SECONDS = 20.0


@pytest.fixture
def here() -> Iterator[Served]:
    with served() as here:
        yield here


async def heard(client: ClientWebSocketResponse, count: int) -> list[str]:
    return [await client.receive_str(timeout=SECONDS) for _ in range(count)]


def visit(steps: Any) -> Any:
    return asyncio.run(asyncio.wait_for(steps, 60))


@asynccontextmanager
async def listening(here: Served, query: str = "", **options: Any) -> AsyncIterator[Any]:
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(here.feed(query), **options) as client,
    ):
        yield client


def answer(url: str, **options: Any) -> tuple[int, str, dict[str, str]]:
    """Status, text and headers of what a GET brings."""

    async def get() -> tuple[int, str, dict[str, str]]:
        async with aiohttp.ClientSession() as http, http.get(url, **options) as got:
            return got.status, await got.text(), dict(got.headers)

    result: tuple[int, str, dict[str, str]] = visit(get())
    return result


def test_a_client_gets_the_state_and_then_every_message_as_it_is(here: Served) -> None:
    async def listen() -> None:
        messages = (sentiment(0), sentiment(1), health(), transcript("so it goes"))
        async with listening(here) as first:
            before: list[Message] = [here.publisher.publish(message) for message in messages]
            assert await heard(first, 4) == [json_line(message) for message in before]
            async with listening(here) as late:
                assert await heard(late, 3) == [json_line(message) for message in before[1:]]
                more = here.publisher.publish(sentiment(2, revision=1))
                assert await heard(late, 1) == await heard(first, 1) == [json_line(more)]

    visit(listen())


def test_a_locked_feed_is_heard_with_its_keys(keys: Path) -> None:
    async def listen() -> None:
        with served(keys=keys) as here:
            async with listening(here) as client:
                told = here.publisher.publish(sentiment(0))
                assert await heard(client, 1) == [json_line(told)]

    visit(listen())


def test_a_client_may_want_one_participant_and_some_kinds_only(here: Served) -> None:
    async def listen() -> None:
        async with listening(here, "?participant=bob&kinds=sentiment,transcript") as client:
            here.publisher.publish(sentiment(0))
            here.publisher.publish(health(participant="bob"))
            mine = here.publisher.publish(sentiment(0, participant="bob"))
            here.publisher.publish(transcript("not mine"))
            last = here.publisher.publish(transcript("mine", participant="bob"))
            assert await heard(client, 2) == [json_line(mine), json_line(last)]

    visit(listen())


@pytest.mark.parametrize("query", ["?kinds=moods", "?kinds=", "?participant=a/b"])
def test_impossible_wishes_are_told(here: Served, query: str) -> None:
    status, text, _ = answer(here.http(f"/feed{query}"))
    assert status == 400
    assert "allowed" in text


@pytest.mark.parametrize("path", ["/", "/feed"])
@pytest.mark.parametrize(
    ("token", "headers", "why"),
    [
        (None, {}, "no token"),
        ("another-token-altogether", {}, "wrong token"),
        ("", {}, "wrong token"),
        (TOKEN, {"Host": "evil.example:80"}, "wrong host"),
        (TOKEN, {"Origin": "https://evil.example"}, "wrong origin"),
        (TOKEN, {"Origin": "http://127.0.0.1:1"}, "wrong origin"),
        (TOKEN, {"Origin": "null"}, "wrong origin"),
        (TOKEN, {"Origin": "http://[::1"}, "wrong origin"),
    ],
)
def test_strangers_get_nothing_and_leave_a_line(
    here: Served, path: str, token: str | None, headers: dict[str, str], why: str
) -> None:
    here.publisher.publish(sentiment())
    status, text, _ = answer(here.http(path, token), headers=headers)
    assert status == 403
    assert text == f"403: {why}\n"
    (line,) = [line for line in here.said if "refused" in line]
    assert line.startswith(f"dashboard   refused: {why}")
    assert TOKEN not in line


def test_a_flood_of_strangers_leaves_few_lines(here: Served) -> None:
    for _ in range(LINES + 20):
        assert answer(here.http("/feed", "x" * 2000))[0] == 403
    lines = [line for line in here.said if "refused" in line]
    assert len(lines) == LINES
    assert max(map(len, lines)) < 200
    assert here.gateway.mishaps == f"{LINES + 20} requests refused"


def test_one_client_more_than_is_allowed_is_turned_away() -> None:
    async def listen(here: Served) -> None:
        async with listening(here), listening(here):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with listening(here):
                    pass
            assert refused.value.status == 503
        await until(lambda: here.gateway.clients == 0)
        async with listening(here):
            pass

    with served(clients=2) as here:
        visit(listen(here))


async def until(condition: Any) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parallel
def test_who_does_not_keep_up_is_let_go_and_the_others_miss_nothing(here: Served) -> None:
    long_words = " ".join(["word"] * 2000)

    async def listen() -> None:
        async with listening(here) as quick, listening(here) as slow:
            slow._conn.transport.pause_reading()  # as a page that hangs
            sent = []
            while not here.gateway.mishaps:
                sent.append(json_line(here.publisher.publish(transcript(long_words))))
                assert await heard(quick, 1) == [sent[-1]]
                assert len(sent) < 100 * QUEUE
            assert here.gateway.mishaps == "1 slow clients dropped"
            slow._conn.transport.resume_reading()
            while (message := await slow.receive(SECONDS)).type is WSMsgType.TEXT:
                assert message.data == sent.pop(0)
            assert message.type is WSMsgType.CLOSE
            assert slow.close_code == 1013
            assert not quick.closed

    visit(listen())


@pytest.mark.parametrize(("sent", "code"), [("hello", 1008), ("x" * 5000, 1009)])
def test_messages_from_clients_are_not_accepted(here: Served, sent: str, code: int) -> None:
    async def speak() -> None:
        async with listening(here) as client:
            await client.send_str(sent)
            assert (await client.receive(SECONDS)).type is WSMsgType.CLOSE
            assert client.close_code == code

    visit(speak())


HANDSHAKE = (
    "GET /feed?token={token} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
REQUESTS = [
    b"",
    b"GET / HTTP/9\r\n\r\n",
    b"GET /" + b"a" * 20_000 + b"\r\n",
    b"GET /feed?token=%ff%00 HTTP/1.1\r\nHost: \xff\r\nOrigin: \x00\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
]


@hypothesis.settings(
    max_examples=60, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
@given(st.booleans(), st.sampled_from(REQUESTS), st.binary(max_size=300))
def test_bytes_that_nobody_understands_do_no_harm(
    here: Served, upgraded: bool, request: bytes, garbage: bytes
) -> None:
    begun = HANDSHAKE.format(token=TOKEN, port=here.port).encode() if upgraded else request
    with socket.create_connection(("127.0.0.1", here.port), SECONDS) as stranger:
        stranger.sendall(begun + garbage)
        stranger.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            while got := stranger.recv(4096):
                assert b"Traceback" not in got


def test_after_all_that_it_still_serves(here: Served, capfd: pytest.CaptureFixture[str]) -> None:
    for garbage in REQUESTS:
        with socket.create_connection(("127.0.0.1", here.port), SECONDS) as stranger:
            stranger.sendall(garbage)
    assert answer(here.http())[0] == 200
    assert capfd.readouterr().err == ""
    assert here.gateway.clients == 0


def test_pages_come_with_a_strict_policy_and_nothing_is_kept(here: Served) -> None:
    for url in (here.http(), here.http("/static/index.html", None)):
        status, text, headers = answer(url)
        assert status == 200
        assert "<!doctype html>" in text
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"


def test_a_folder_of_pages_is_served_with_the_token_and_never_left(tmp_path: Path) -> None:
    folder, secret = tmp_path / "pages", tmp_path / "secret.txt"
    folder.mkdir()
    secret.write_text("secret")
    (folder / "overlay.html").write_text("<!doctype html>overlay")
    (folder / "overlay.js").write_text("hello")
    (folder / "out.txt").symlink_to(secret)
    with served(pages=folder) as here:
        status, text, headers = answer(here.http("/pages/overlay.html"))
        assert (status, text) == (200, "<!doctype html>overlay")
        assert answer(here.http("/pages/overlay.html", None))[0] == 403
        for path in ("out.txt", "../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt", ""):
            status, text, _ = answer(here.http(f"/pages/{path}"))
            assert status in (403, 404), path
            assert "secret" not in text
        # The page's own script, which the browser asks for without the token.
        cookie = headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        script = here.http("/pages/overlay.js", None)
        assert answer(script, headers={"Cookie": cookie.partition(";")[0]})[:2] == (200, "hello")
        assert answer(script)[0] == 403
        feed = here.http("/feed", None)
        assert answer(feed, headers={"Cookie": cookie.partition(";")[0]})[0] == 403


def test_who_still_listens_at_the_end_is_told() -> None:
    async def listen() -> None:
        with ExitStack() as stack:
            here = stack.enter_context(served())
            async with listening(here) as client:
                ending = asyncio.create_task(asyncio.to_thread(stack.close))
                assert [json.loads(line)["state"] for line in await heard(client, 1)] == ["bye"]
                assert (await client.receive(SECONDS)).type is WSMsgType.CLOSE
                assert client.close_code == 1001
                await ending

    visit(listen())


def test_a_feed_that_starts_again_is_heard_again(here: Served) -> None:
    async def listen() -> None:
        async with listening(here, "?kinds=health") as client:
            here.publisher.publish(health(bye=True))
            here.publisher.publish(health(session="s2"))
            assert [json.loads(line)["session"] for line in await heard(client, 2)] == ["s1", "s2"]

    visit(listen())


def test_a_port_in_use_and_a_folder_that_is_none_are_told(here: Served, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"dashboard\.port = \d+: Address already in use"):
        Gateway(gateway_settings(port=here.port))
    with pytest.raises(SettingError, match=r"dashboard\.pages .* no such folder"):
        Gateway(gateway_settings(pages=tmp_path / "x"))


def test_it_says_where_it_is(here: Served) -> None:
    assert here.said == [f"dashboard   http://127.0.0.1:{here.port}/?token={TOKEN}"]


def test_topics_are_bounded() -> None:
    async def publish() -> None:
        hub = Hub(1)
        for number in range(2000):
            hub.publish(msgspec.structs.replace(health(), participant=f"p{number}"))
        client = hub.join(["health"], None)
        assert client is not None
        assert client.lines.qsize() == QUEUE
        assert client.lines.get_nowait().participant == f"p{2000 - QUEUE}"

    visit(publish())
