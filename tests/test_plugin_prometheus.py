"""The Prometheus exporter: a real feed, scraped over HTTP, read by Prometheus' own parser."""

import re
import signal
import socket
from collections.abc import Iterator

import pytest

from streamer.feed.messages import Message, Reliability
from streamer.feed.publisher import Publisher
from tests.feed_fixtures import health, sentiment, transcript
from tests.plugin_fixtures import outcome, python, run, sending, stamped, started
from tests.scraping import documented, families, listening_at, scrape, scraped_when

SCRIPT = "prometheus-exporter/exporter.py"


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher("tcp://127.0.0.1:0", "json", blocking=False) as publisher:
        yield publisher


@pytest.fixture
def exporter(publisher: Publisher) -> Iterator[tuple[Publisher, str]]:
    """A publisher and where its metrics are."""
    with started(python(SCRIPT, publisher.address, "--port", "0", "--stale", "600")) as plugin:
        assert plugin.stdout
        url = plugin.stdout.readline().split()[-1]
        assert publisher.wait_for_subscriber(20)
        yield publisher, url
        plugin.send_signal(signal.SIGINT)
        assert outcome(plugin) == (0, [], "")


def test_a_feed_becomes_metrics(exporter: tuple[Publisher, str]) -> None:
    publisher, url = exporter
    noisy = Reliability(0.1, 0.7, 0.1, "noise")
    messages: list[Message] = [
        sentiment(0, latency_ms=80.0),
        sentiment(0, revision=1, value=-0.5, audio=noisy, latency_ms=1200.0),
        transcript("good day"),
        health(vision_dropped=7, windows=1),
    ]
    for message in messages:
        publisher.publish(message)
    ann = ("ann", "s1")
    seen = scraped_when(url, lambda samples: ("qamoe_uptime_seconds", *ann) in samples)
    expected = {
        ("qamoe_up", *ann): 1,
        ("qamoe_sentiment_value", *ann): -0.5,
        ("qamoe_sentiment_uncertainty", *ann): 0.2,
        ("qamoe_sentiment_abstaining", *ann): 0,
        ("qamoe_stream_reliability", *ann, "text"): 0.9,
        ("qamoe_stream_reliability", *ann, "audio"): 0.1,
        ("qamoe_stream_rate", *ann, "vision"): 15,
        ("qamoe_stream_live", *ann, "audio"): 1,
        ("qamoe_stream_dropped_total", *ann, "vision"): 7,
        ("qamoe_windows_total", *ann): 1,
        ("qamoe_feed_messages_total", "sentiment"): 2,
        ("qamoe_feed_messages_total", "transcript"): 1,
        ("qamoe_feed_messages_total", "health"): 1,
        ("qamoe_latency_seconds_count", "window"): 1,
        ("qamoe_latency_seconds_sum", "window"): 0.08,
        ("qamoe_latency_seconds_sum", "revision"): 1.2,
        ("qamoe_latency_seconds_sum", "words"): 0.9,
        ("qamoe_latency_seconds_bucket", "0.05", "window"): 0,
        ("qamoe_latency_seconds_bucket", "0.1", "window"): 1,
        ("qamoe_feed_gaps_total",): 0,
    }
    assert {name: seen.get(name) for name in expected} == pytest.approx(expected)
    assert families(scrape(url)) == documented("Of the feed")


def test_gaps_restarts_and_malformed_messages_are_counted() -> None:
    with sending() as sender, started(python(SCRIPT, sender.address, "--port", "0")) as plugin:
        assert plugin.stdout
        url = plugin.stdout.readline().split()[-1]
        sender.accept(3)
        for seq, published_at in [(1, 1.0), (1, 1.0), (5, 2.0), (0, 3.0)]:
            sender.message(stamped(sentiment(), seq, published_at))
        sender.send(b"sentiment/s1/ann/", b"{}")
        seen = scraped_when(url, lambda samples: samples[("qamoe_feed_malformed_total",)] == 1)
        assert seen[("qamoe_feed_gaps_total",)] == 3
        assert seen[("qamoe_feed_restarts_total",)] == 1
        assert seen[("qamoe_feed_messages_total", "sentiment")] == 3


def test_it_serves_on_loopback_only(exporter: tuple[Publisher, str]) -> None:
    _, url = exporter
    port = int(re.search(r":(\d+)/", url)[1])  # type: ignore[index]
    assert listening_at(port) == ["127.0.0.1"]


def test_what_is_wrong_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for arguments, code, complaint in [
            (["nowhere"], 2, "exporter: feed address nowhere"),
            (["--port", port], 3, f"exporter: --port = {port}: Address already in use"),
            (["--host", "no.such.host.invalid"], 3, "exporter: --port = 9556 on no.such.host"),
            (["--port", "70000"], 2, "--port = 70000: must be 0 to 65535"),
        ]:
            ended, lines, err = run(python(SCRIPT, *arguments))
            assert (ended, lines) == (code, [])
            assert complaint in err.splitlines()[-1]
            assert "Traceback" not in err
