"""What every window takes: spans of the stages, as a profile and as OpenTelemetry traces."""

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from streamer.errors import SettingError
from streamer.packets import SECOND
from streamer.settings import Settings, load_settings
from streamer.tracing.profile import Profile
from streamer.tracing.session import check_traces, traced
from streamer.tracing.spans import STAGES, WAITING, Span, Spans
from streamer.tracing.windows import Windows, WindowTrace, Work
from tests.commands import command, stream
from tests.media_files import demo_media
from tests.serving import serving

MS = 1_000_000
EPOCH = 5 * SECOND
HOP = SECOND // 2


def settings(**trace: object) -> Settings:
    return load_settings(options={f"trace.{name}": value for name, value in trace.items()})


def work(stage: str, hop: int, begun: int, ended: int, revision: int = 0) -> Work:
    """In ms after the end of the hop."""
    end = EPOCH + (hop + 1) * HOP
    span = Span(stage, hop, end + begun * MS, end + ended * MS, revision)
    return Work(stage, STAGES.index(stage) + 1, span)


def work_for(hop: int) -> list[Work]:
    return [
        work("read face", hop, -400, -380),
        work("hear", hop, 5, 40),
        work("transcribe", hop, 40, 90),
        work("estimate", hop, 50, 60),
        work("publish", hop, 61, 62),
        work("estimate", hop, 1000, 1010, revision=1),
        work("publish", hop, 1011, 1012, revision=1),
    ]


class Told:
    """A session whose stages have done what they are told to have done."""

    name = "s1"
    epoch = EPOCH

    def __init__(self, all_work: Sequence[Work]) -> None:
        self._work = list(all_work)

    def take_work(self) -> list[Work]:
        taken, self._work = self._work, []
        return taken


class Receiver(BaseHTTPRequestHandler):
    """Takes OTLP over HTTP, or answers with what it is told to."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server: Any = self.server
        server.requests.append((self.path, body))
        self.send_response(server.status)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@contextmanager
def receiver(status: int = 200) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    server: Any = HTTPServer(("127.0.0.1", 0), Receiver)
    server.status, server.requests = status, []
    with serving(server) as url:
        yield url, server.requests


def spans_in(requests: list[tuple[str, bytes]]) -> list[Any]:
    assert {path for path, _ in requests} == {"/v1/traces"}
    return [
        span
        for _, body in requests
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def check_profile(file: Path) -> dict[int, dict[str, Any]]:
    """That everything in it lies where it belongs; the windows."""
    events = json.loads(file.read_text())
    begun = {event["id"]: event["ts"] for event in events if event["ph"] == "b"}
    ended = {event["id"]: event["ts"] for event in events if event["ph"] == "e"}
    assert begun.keys() == ended.keys()
    tracks: dict[int, list[tuple[float, float]]] = {}
    windows: dict[int, dict[str, Any]] = {number: {} for number in begun}
    for event in events:
        if event["ph"] == "X":
            number, until = event["args"]["window"], event["ts"] + event["dur"]
            assert begun[number] <= event["ts"] <= until <= ended[number] + 1e-3
            windows[number].setdefault(event["name"], []).append(event)
            tracks.setdefault(event["tid"], []).append((event["ts"], until))
    for spans in tracks.values():
        for (_, before), (after, _) in zip(sorted(spans), sorted(spans)[1:], strict=False):
            assert before <= after + 1e-3
    named = {event["pid"]: event["args"]["name"] for event in events if event["ph"] == "M"}
    assert {event["pid"] for event in events} == named.keys()
    return windows


def test_a_profile_holds_every_window_with_its_stages(tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    said: list[str] = []
    all_work = [each for hop in range(4) for each in work_for(hop)]
    with traced(settings(profile=file), Told(all_work), said.append):
        pass
    windows = check_profile(file)
    assert list(windows) == [0, 1, 2, 3]
    assert all(tuple(stages) == STAGES for stages in windows.values())
    assert [event["args"]["revision"] for event in windows[2]["publish"]] == [0, 1]
    (hear,) = windows[2]["hear"]
    assert hear["dur"] == 35_000
    assert hear["ts"] == 2 * 500_000 + 500_000 + 5_000
    assert said == [f"profile     {file} (4 windows)"]
    assert file.stat().st_mode & 0o777 == 0o600


def test_traces_are_those_of_the_profile() -> None:
    said: list[str] = []
    with (
        receiver() as (address, requests),
        traced(settings(endpoint=address), Told([*work_for(0), *work_for(1)]), said.append),
    ):
        pass
    spans = spans_in(requests)
    roots = [span for span in spans if not span.parent_span_id]
    assert [span.name for span in roots] == ["window", "window"]
    for root in roots:
        children = [span for span in spans if span.parent_span_id == root.span_id]
        assert {span.trace_id for span in children} == {root.trace_id}
        assert {span.name for span in children} == set(STAGES)
        for span in children:
            assert root.start_time_unix_nano <= span.start_time_unix_nano
            assert span.end_time_unix_nano <= root.end_time_unix_nano
        assert root.end_time_unix_nano - root.start_time_unix_nano == HOP + 1012 * MS
    assert said == [f"traces      16 spans to {address}/v1/traces"]


@pytest.mark.parametrize("status", [400, 307])
def test_what_is_not_taken_is_counted_and_goes_nowhere_else(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    said: list[str] = []
    with (
        receiver(status) as (address, _),
        caplog.at_level(logging.WARNING),
        traced(settings(endpoint=address), Told(work_for(0)), said.append),
    ):
        pass
    assert said == [f"traces      0 spans to {address}/v1/traces, 8 could not be delivered"]
    assert caplog.messages == ["traces not delivered (spans: 8, lost: 8)"]


@pytest.mark.slow
@pytest.mark.parallel
def test_a_receiver_that_is_not_there_holds_nothing_up() -> None:
    said: list[str] = []
    with receiver() as (address, _):
        pass
    with traced(settings(endpoint=address), Told(work_for(0)), said.append):
        pass
    assert said[0].endswith("8 could not be delivered")


@pytest.mark.slow
@pytest.mark.parallel
@given(hops=st.lists(st.integers(0, 1000), max_size=200))
def test_every_piece_of_work_comes_out_once_and_few_windows_wait(hops: list[int]) -> None:
    windows = Windows(load_settings(), EPOCH)
    out: list[WindowTrace] = []
    for hop in hops:
        out += windows.add(work("hear", hop, 1, 2))
        assert len(windows._open) <= 42
    out += windows.rest()
    assert sorted(each.span.hop for trace in out for each in trace.work) == sorted(hops)


def test_without_real_time_a_window_begins_with_its_first_work() -> None:
    fast = load_settings(options={"source.file": "x.mp4", "source.speed": "max"})
    windows = Windows(fast, EPOCH)
    assert list(windows.add(work("hear", 3, 1, 2))) == []
    (trace,) = windows.rest()
    assert trace.begun == trace.work[0].span.begun


def test_a_profile_stays_within_its_bound_and_readable(tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    profile = Profile(file, 20_000)
    windows = Windows(load_settings(), EPOCH)
    for hop in range(200):
        for each in work_for(hop):
            for trace in windows.add(each):
                profile.add(trace)
    profile.close()
    assert 20_000 <= file.stat().st_size < 25_000
    assert len(check_profile(file)) == profile.windows
    assert profile.left_out > 100
    assert f"{profile.left_out} left out" in profile.outcome


def test_a_full_disk_is_said() -> None:
    with pytest.raises(SettingError, match="No space left"):
        Profile(Path("/dev/full"), 1000)


def test_an_actor_keeps_few_spans_and_none_unless_they_are_wanted() -> None:
    wanted, unwanted = Spans(True), Spans(False)
    for spans in (wanted, unwanted):
        for hop in range(WAITING + 10):
            with spans.of("hear", hop):
                pass
    assert unwanted.fetch() == ()
    assert [span.hop for span in wanted.fetch()] == list(range(10, WAITING + 10))
    assert wanted.fetch() == ()


@pytest.mark.parametrize(
    "endpoint", ["127.0.0.1:4318", "ftp://here", "http://", "http://here:99999", "nonsense"]
)
def test_an_address_that_is_none_is_refused(endpoint: str) -> None:
    with pytest.raises(SettingError, match=r"must be the address of an OTLP receiver"):
        check_traces(settings(endpoint=endpoint))


@pytest.mark.slow
@pytest.mark.parallel
def test_without_the_extra_one_line_says_what_to_install(tmp_path: Path) -> None:
    """A package of that name that is not there, as far as Python can see."""
    hidden = tmp_path / "sitecustomize.py"
    hidden.write_text("import sys; sys.modules['opentelemetry'] = None\n")
    done = command("--traces", "http://127.0.0.1:4318", env={"PYTHONPATH": str(tmp_path)})
    assert done.code == 2
    assert "pip install 'qamoe-stream[traces]'" in done.complaint


@pytest.mark.slow
@pytest.mark.parallel
def test_a_profile_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    done = command("--profile", str(tmp_path / "none" / "profile.json"))
    assert done.code == 2
    assert "trace.profile = " in done.complaint


@pytest.mark.slow
@pytest.mark.usefixtures("assets")
def test_a_session_writes_both(tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    media = demo_media("single_face.mp4")
    with receiver() as (address, requests):
        done = stream(
            "--source", str(media), "--loop", "--duration", "6",
            "--profile", str(file), "--traces", address,
        )  # fmt: skip
    assert done.code == 0, done.said
    windows = check_profile(file)
    published = {round(message.window.end * 2) - 1 for message in done.windows}
    assert published <= windows.keys()
    stages = {name for window in windows.values() for name in window}
    assert stages == set(STAGES)
    for number in published:
        assert {"hear", "estimate", "publish"} <= windows[number].keys()
    assert len(windows[5]["publish"]) == len(
        [message for message in done.windows if round(message.window.end * 2) - 1 == 5]
    )
    spans = spans_in(requests)
    assert {span.name for span in spans} == {*STAGES, "window"}
    assert len([span for span in spans if span.name == "window"]) == len(windows)
