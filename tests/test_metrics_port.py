"""The port that Prometheus asks: only this machine, by its own name, and all that is documented."""

import http.client
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from prometheus_client import CollectorRegistry, Gauge

from streamer.errors import SourceError
from streamer.feed.publisher import Publisher
from streamer.metrics.server import MetricsServer
from streamer.metrics.session import SessionMetrics
from streamer.supervision import Vitals
from tests.commands import command, running
from tests.feed_fixtures import health, sentiment
from tests.media_files import demo_media
from tests.scraping import documented, families, listening_at, read, scrape, scraped_when


@pytest.fixture
def server() -> Iterator[MetricsServer]:
    registry = CollectorRegistry()
    Gauge("secret", "Not for everybody", registry=registry).set(7)
    with MetricsServer(0, registry) as server:
        yield server


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1:{port}", 200), ("localhost:{port}", 200), ("evil.example:{port}", 403),
     ("127.0.0.1", 403), (None, 403)],
)  # fmt: skip
def test_it_answers_to_its_own_name_only(
    server: MetricsServer, host: str | None, status: int
) -> None:
    """A name that somebody lets point to this machine would make its page one of ours."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.putrequest("GET", "/metrics", skip_host=True)
    if host is not None:
        connection.putheader("Host", host.format(port=server.port))
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read().decode()
    assert (answer.status, "secret 7.0" in body) == (status, status == 200)


def test_it_listens_on_loopback_only(server: MetricsServer) -> None:
    assert listening_at(server.port) == ["127.0.0.1"]


def test_who_connects_and_says_nothing_holds_nobody_up(server: MetricsServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port)):
        assert read(scrape(server.url)) == {("secret",): 7.0}


def test_a_port_that_is_taken_is_said_in_one_line(server: MetricsServer) -> None:
    with pytest.raises(SourceError, match=rf"^metrics.port = {server.port}: Address already in"):
        MetricsServer(server.port, CollectorRegistry())


@dataclass
class Running:
    """A session that says what it is told to."""

    address: str
    vitals: dict[str, Vitals] = field(default_factory=dict)
    name: str = "s1"


def test_the_documented_metrics_are_those_that_are_served() -> None:
    counts = {"waiting": 3.0, "dropped": 2.0, "failed": 1.0}
    vitals = {
        "camera": Vitals("starting", 2),
        "microphone": Vitals("healthy", 0, memory=5_000_000, busy=0.5, counts=counts),
    }
    with Publisher("tcp://127.0.0.1:0", "json", blocking=False) as publisher:
        metrics = SessionMetrics(0)
        session = Running(publisher.address, vitals)
        with metrics.server as server, metrics.hearing(session):
            assert publisher.wait_for_subscriber(20)
            publisher.publish(sentiment(0))
            publisher.publish(health())
            seen = scraped_when(
                server.url, lambda seen: ("qamoe_uptime_seconds", "ann", "s1") in seen
            )
            names = families(scrape(server.url))
    shown = {
        ("qamoe_actor_up", "camera"): 0,
        ("qamoe_actor_up", "microphone"): 1,
        ("qamoe_actor_restarts_total", "camera"): 2,
        ("qamoe_actor_memory_bytes", "microphone"): 5_000_000,
        ("qamoe_actor_busy_seconds", "microphone"): 0.5,
        ("qamoe_actor_queue_packets", "microphone"): 3,
        ("qamoe_actor_lost_packets_total", "microphone"): 3,
    }
    assert {name: seen[name] for name in shown} == shown
    assert ("qamoe_actor_queue_packets", "camera") not in seen
    ours = {name for name in names if name.startswith("qamoe_")}
    assert ours == documented("Of the feed") | documented("Of the actors")
    assert names - ours
    assert all(name.startswith("process_") for name in names - ours)


def test_nothing_listens_any_more_when_it_is_over() -> None:
    metrics = SessionMetrics(0)
    with metrics.server as server:
        scrape(server.url)
    assert "metrics" not in [thread.name for thread in threading.enumerate()]
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", server.port), timeout=5)


@pytest.mark.slow
@pytest.mark.usefixtures("assets")
def test_a_running_session_tells_all_of_itself() -> None:
    media = demo_media("single_face.mp4")
    with running("--source", str(media), "--loop", "--metrics-port", "0") as (process, _):
        assert process.stderr is not None
        said = iter(process.stderr)
        url = next(line.split()[1] for line in said if line.startswith("metrics: "))
        seen = scraped_when(
            url,
            lambda seen: seen.get(("qamoe_latency_seconds_count", "revision"), 0) > 1,
            patience=60,
        )
        text = scrape(url)
    ours = {name for name in families(text) if name.startswith("qamoe_")}
    assert ours == documented("Of the feed") | documented("Of the actors")
    actors = {"microphone", "camera", "transcriber", "analyzer", "feed"}
    assert min(seen["qamoe_actor_memory_bytes", actor] for actor in actors) > 30e6
    assert {seen["qamoe_actor_up", actor] for actor in actors} == {1}
    assert {seen["qamoe_actor_restarts_total", actor] for actor in actors} == {0}
    assert seen["qamoe_latency_seconds_count", "window"] > 1
    assert seen["qamoe_words_lag_seconds_count",] > 1
    assert len(text.splitlines()) < 300  # bounded label sets


@pytest.mark.slow
@pytest.mark.parallel
def test_a_bad_port_is_said_in_one_line() -> None:
    for given, complaint in [
        ("70000", "metrics.port"),
        ("-1", "metrics.port"),
        ("many", "--metrics-port"),
    ]:
        done = command("--metrics-port", given)
        assert done.code == 2
        assert complaint in done.complaint


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.usefixtures("assets")
def test_a_taken_port_ends_the_command_before_anything_is_loaded(server: MetricsServer) -> None:
    media = demo_media("two_cities.wav")
    done = command("--source", str(media), "--metrics-port", str(server.port), "--ui", "off")
    assert (done.code, done.lines) == (3, [])
    assert f"metrics.port = {server.port}: Address already in use" in done.complaint
