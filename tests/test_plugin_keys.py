"""Plugins on a feed that is locked: with keys they hear it, bad ones are one line."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from streamer.feed.keys import add_client, server_keys
from streamer.feed.publisher import Publisher
from tests.feed_fixtures import health, sentiment
from tests.plugin_fixtures import JAVASCRIPT, interrupt, node, python, run, started
from tests.scraping import scraped_when

pytestmark = [pytest.mark.slow, pytest.mark.parallel]

PLUGINS = ("highlights", "exporter", "outlet", "javascript")


def command(plugin: str, *arguments: str) -> list[str]:
    scripts = {
        "highlights": "highlights/highlights.py",
        "exporter": "prometheus-exporter/exporter.py",
        "outlet": "lab-streaming-layer/outlet.py",
    }
    if plugin == "javascript":
        return node(str(JAVASCRIPT / "cli.js"), *arguments)
    return python(scripts[plugin], *arguments)


@pytest.fixture
def publisher(keys: Path) -> Iterator[Publisher]:
    with Publisher("tcp://127.0.0.1:0", "json", blocking=True, keys=server_keys(keys)) as publisher:
        yield publisher


@pytest.mark.parametrize("plugin", PLUGINS)
def test_it_hears_a_locked_feed_with_its_keys(
    publisher: Publisher, keys: Path, tmp_path: Path, plugin: str
) -> None:
    ann = str(add_client(keys, "ann"))
    options = {"highlights": ["--out", str(tmp_path / "a.vtt")], "exporter": ["--port", "0"]}
    with started(
        command(plugin, publisher.address, "--keys", ann, *options.get(plugin, []))
    ) as listener:
        assert listener.stdout
        assert publisher.wait_for_subscriber(20)
        publisher.publish(sentiment(value=0.5))
        publisher.publish(health(bye=True))
        if plugin == "exporter":
            url = listener.stdout.readline().split()[-1]
            scraped_when(url, lambda seen: seen["qamoe_feed_messages_total", "sentiment"] == 1)
        if plugin in ("highlights", "javascript"):
            assert listener.wait(20) == 0
        else:
            assert interrupt(listener)[0] == 0
    assert publisher.refused == 0


@pytest.mark.parametrize("plugin", PLUGINS)
def test_bad_keys_are_one_line(tmp_path: Path, plugin: str) -> None:
    nothing = str(tmp_path / "nothing")
    code, lines, err = run(command(plugin, "--keys", nothing))
    assert (code, lines) == (2, [])
    assert f"keys {nothing}" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("damage", ["open to others", "cut", "another's"])
def test_javascript_refuses_keys_as_python_does(keys: Path, damage: str) -> None:
    secret = keys / "client.key_secret"
    complaint = "no secret-key"
    if damage == "open to others":
        secret.chmod(0o644)
        complaint = f"others may read it: chmod 600 {secret}"
    elif damage == "cut":
        secret.write_text(secret.read_text()[:-9])
    else:
        secret.write_bytes((keys / "client.key").read_bytes())
    code, lines, err = run(command("javascript", "--keys", str(keys)))
    assert (code, lines) == (2, [])
    assert complaint in err
    assert err.count("\n") == 1
