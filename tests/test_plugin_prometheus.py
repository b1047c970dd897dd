"""The Prometheus exporter: a real feed, scraped over HTTP, read by Prometheus' own parser."""

import re
import signal
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from metrics import FeedMetrics
from participants import Participants
from streamer.feed import Subscriber
from streamer.feed.messages import Message, Reliability
from streamer.feed.publisher import Publisher
from tests.feed_fixtures import health, sentiment, transcript
from tests.plugin_fixtures import PLUGINS, outcome, python, run, sending, stamped, started

SCRIPT = "prometheus-exporter/exporter.py"
Samples = dict[tuple[str, ...], float]


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher("tcp://127.0.0.1:0", "json", blocking=False) as publisher:
        yield publisher


def read(text: str) -> Samples:
    """Every sample by its name and the values of its labels, in the order of the labels' names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scrape(url: str) -> Samples:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return read(answer.read().decode())


def scraped_when(url: str, holds: Callable[[Samples], bool]) -> Samples:
    """The first scrape for which ``holds``: messages need a moment to arrive."""
    for _ in range(200):
        samples = scrape(url)
        if holds(samples):
            return samples
        time.sleep(0.05)
    raise AssertionError(f"never came: {samples}")


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
    readme = (PLUGINS / SCRIPT).with_name("README.md").read_text()
    names = {re.sub(r"_(bucket|count|sum)$", "", name) for name, *_ in seen}
    names -= {name for name in names if name.endswith("_created")}
    assert names == set(re.findall(r"`(qamoe_\w+)`", readme))


class Clock:
    """Seconds that pass when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def metrics(publisher: Publisher, clock: Clock) -> Iterator[FeedMetrics]:
    """Those of up to three participants: stale after 3 seconds, forgotten after 60."""
    with Subscriber(publisher.address) as feed:
        yield FeedMetrics(feed, Participants(3, 60), stale=3, clock=clock)


def collected(metrics: FeedMetrics) -> Samples:
    return read(generate_latest(metrics.registry).decode())


def test_abstention_silence_and_bye_have_no_value(metrics: FeedMetrics, clock: Clock) -> None:
    value, abstaining, up, silent = (
        (f"qamoe_{name}", "ann", "s1")
        for name in ("sentiment_value", "sentiment_abstaining", "up", "silent_seconds")
    )
    metrics.hear(sentiment(0))
    assert collected(metrics)[value] == 0.4
    metrics.hear(sentiment(1, value=None, reason="dark"))
    seen = collected(metrics)
    assert (seen[up], seen[abstaining], value in seen) == (1, 1, False)
    metrics.hear(sentiment(2))
    clock.now = 2.9
    assert value in collected(metrics)
    clock.now = 3.0
    seen = collected(metrics)
    assert (seen[up], seen[silent], value in seen) == (0, 3.0, False)
    metrics.hear(sentiment(3))
    assert collected(metrics)[value] == 0.4
    metrics.hear(health(bye=True))
    seen = collected(metrics)
    assert (seen[up], value in seen) == (0, False)
    clock.now = 63.0
    seen = collected(metrics)
    assert up not in seen
    assert seen[("qamoe_participants_forgotten_total",)] == 1


def test_only_so_many_participants_are_shown(metrics: FeedMetrics) -> None:
    for number in range(10):
        metrics.hear(health(session=f"s{number}"))
    metrics.hear(health(session="s7"))  # the one heard last stays longest
    metrics.hear(health(session="s10"))
    seen = collected(metrics)
    assert sorted(who[1] for name, *who in seen if name == "qamoe_up") == ["s10", "s7", "s9"]
    assert seen[("qamoe_participants_forgotten_total",)] == 8


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


def test_streams_it_does_not_know_make_no_labels(metrics: FeedMetrics) -> None:
    """Whoever can publish must not be able to fill Prometheus' memory."""
    many = {f"stream{number}": Reliability(1, 1, 1) for number in range(100)}
    metrics.hear(msgspec.structs.replace(sentiment(), reliability=many))
    assert [name for name in collected(metrics) if "stream1" in name] == []


def test_it_serves_on_loopback_only(exporter: tuple[Publisher, str]) -> None:
    _, url = exporter
    port = int(re.search(r":(\d+)/", url)[1])  # type: ignore[index]
    listening = [
        line.split()[1]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()
        if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
    ]
    assert listening == [f"0100007F:{port:04X}"]


def test_what_is_wrong_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for arguments, code, complaint in [
            (["nowhere"], 2, "exporter: feed address nowhere"),
            (["--port", port], 3, f"exporter: cannot serve on 127.0.0.1:{port}: Address already"),
            (["--host", "no.such.host.invalid"], 3, "exporter: cannot serve on no.such.host"),
            (["--port", "70000"], 2, "--port = 70000: must be 0 to 65535"),
        ]:
            ended, lines, err = run(python(SCRIPT, *arguments))
            assert (ended, lines) == (code, [])
            assert complaint in err.splitlines()[-1]
            assert "Traceback" not in err
