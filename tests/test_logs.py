"""Structured logs: what a line holds, how many there are, where they go, and from whom."""

import json
import logging
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.host import Host
from streamer.errors import PipelineError, SettingError
from streamer.feed import Subscriber
from streamer.feed.messages import TranscriptMessage
from streamer.logs.behind import Behind
from streamer.logs.event import LONGEST, Event, Line, Scalar, as_record, line_of
from streamer.logs.limit import Limited
from streamer.logs.relay import OURS, WAITING, Relay, relay
from streamer.logs.writing import logged, target_of
from streamer.settings import LogSettings, load_settings
from tests.commands import command, running
from tests.media_files import demo_media

log = logging.getLogger("streamer.tests")


def settings(**changed: object) -> LogSettings:
    return load_settings(options={f"log.{name}": value for name, value in changed.items()}).log


def lines_of(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


class Kept(logging.Handler):
    """What has come through."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[Line] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(line_of(record))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_event_is_one_object_a_line(tmp_path: Path) -> None:
    file = tmp_path / "log"
    with logged(settings(format="json", file=file)):
        log.warning(Event("actor failed", actor="camera", restarts=2, fault='it\nsaid "no"'))
    (line,) = lines_of(file)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", str(line.pop("time")))
    assert line == {
        "level": "warning",
        "actor": "command",
        "event": "actor failed",
        "fields": {"actor": "camera", "restarts": 2, "fault": "it\nsaid \"no\""},
    }  # fmt: skip
    assert file.stat().st_mode & 0o777 == 0o600


@given(name=st.text(min_size=1), fields=st.dictionaries(st.text(), st.text() | st.integers()))
def test_whatever_is_told_stays_one_line(name: str, fields: dict[str, str | int]) -> None:
    event = Event(name)
    event.fields.update(fields)
    text = Line(0.0, logging.INFO, "feed", name, event.fields).json()
    assert "\n" not in text
    assert json.loads(text)["event"] == name


def test_for_people_it_is_text_with_warnings_only(capsys: pytest.CaptureFixture[str]) -> None:
    with logged(settings()):
        log.info(Event("session ready"))
        log.warning(Event("device lost", device="camera 0"))
    said = capsys.readouterr().err
    assert re.fullmatch(r"\d\d:\d\d:\d\d warning command: device lost \(device: camera 0\)\n", said)


def test_of_an_exception_only_kind_and_place_are_told(tmp_path: Path) -> None:
    """What it says may hold what somebody said."""
    file = tmp_path / "log"
    with logged(settings(format="json", file=file)):
        try:
            int("it was the best of times")
        except ValueError:
            log.exception(Event("broken"))
    (line,) = lines_of(file)
    assert line["event"] == "broken"
    assert line["fields"] == {"error": "ValueError", "at": line["fields"]["at"]}  # type: ignore[index]
    assert "tests.test_logs:" in str(line["fields"])
    assert "best of times" not in file.read_text()


def test_libraries_do_not_log_here(tmp_path: Path) -> None:
    file = tmp_path / "log"
    with logged(settings(format="json", file=file, level="debug")):
        logging.getLogger("faster_whisper").error("it was the best of times")
    assert file.read_text() == ""


def test_an_error_that_ends_it_is_told(tmp_path: Path) -> None:
    file = tmp_path / "log"
    with pytest.raises(PipelineError), logged(settings(format="json", file=file)):
        raise PipelineError("camera: it died")
    (line,) = lines_of(file)
    assert (line["event"], line["level"]) == ("failed", "error")
    assert line["fields"] == {"reason": "camera: it died", "exit_code": 5}


def test_the_same_event_comes_so_often_and_the_rest_is_counted() -> None:
    kept, clock = Kept(), Clock()
    limited = Limited(kept, lines=3, seconds=60.0, clock=clock)
    for number in range(10):
        limited.handle(as_record(Line(0.0, logging.WARNING, "camera", "lost", {"n": number})))
    limited.handle(as_record(Line(0.0, logging.WARNING, "microphone", "lost", {})))
    assert [line.fields.get("n") for line in kept.lines] == [0, 1, 2, None]
    clock.now = 61.0
    limited.handle(as_record(Line(0.0, logging.INFO, "feed", "other", {})))
    told, last = kept.lines[4:]
    assert (told.actor, told.event, told.fields) == (
        "camera", "suppressed", {"of": "lost", "lines": 7},
    )  # fmt: skip
    assert last.event == "other"
    limited.close()
    assert len(kept.lines) == 6


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 100)), max_size=60))
def test_every_line_is_told_or_counted(events: list[tuple[str, float]]) -> None:
    kept, clock = Kept(), Clock()
    limited = Limited(kept, lines=2, seconds=60.0, clock=clock)
    for name, pause in events:
        clock.now += pause
        limited.handle(as_record(Line(0.0, logging.WARNING, "feed", name, {})))
    limited.close()
    told = [line for line in kept.lines if line.event != "suppressed"]
    counted = [int(str(line.fields["lines"])) for line in kept.lines if line.event == "suppressed"]
    assert len(told) + sum(counted) == len(events)


def test_made_up_events_do_not_fill_the_memory() -> None:
    kept = Kept()
    limited = Limited(kept, lines=1)
    for number in range(5000):
        limited.handle(as_record(Line(0.0, logging.WARNING, "feed", f"event {number}", {})))
    assert len(limited._periods) < 1000
    assert len(kept.lines) < 1000
    long = Event("x", why="y" * 10_000)
    assert len(str(long.fields["why"])) == LONGEST


def test_a_file_stays_within_its_bound(tmp_path: Path) -> None:
    target = target_of(settings(format="json", file=tmp_path / "log", limit=1))
    for _ in range(4000):
        fields: dict[str, Scalar] = {"why": "y" * LONGEST}
        target.handle(as_record(Line(0.0, logging.WARNING, "camera", "device lost", fields)))
    target.close()
    files = {path.name: path.stat() for path in tmp_path.iterdir()}
    assert files.keys() == {"log", "log.1"}
    assert 500_000 < sum(file.st_size for file in files.values()) <= 1_000_000
    assert {file.st_mode & 0o777 for file in files.values()} == {0o600}


def test_a_file_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    missing = tmp_path / "none" / "log"
    with pytest.raises(SettingError, match=r"^log.file = .*: No such file"), logged(
        settings(file=missing)
    ):  # fmt: skip
        pass


def test_a_full_disk_does_not_end_the_session(capsys: pytest.CaptureFixture[str]) -> None:
    with logged(settings(file="/dev/full")):
        log.warning(Event("device lost"))
    assert capsys.readouterr().err == "log: 1 lines could not be written\n"


@pytest.mark.slow
@pytest.mark.parallel
def test_nobody_waits_for_a_log_that_takes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    class Stuck(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002
            unstuck.wait(60)

    unstuck = threading.Event()
    behind = Behind(Stuck(), waiting=3)
    for _ in range(10):
        behind.handle(as_record(Line(0.0, logging.WARNING, "feed", "device lost", {})))
    behind.close()
    unstuck.set()
    (lost,) = re.findall(r"^log: (\d+) lines came too fast to be written$", capsys.readouterr().err)
    assert int(lost) >= 10


@pytest.fixture
def installed() -> Iterator[Relay]:
    handler = Relay()
    handler.install()
    yield handler
    for name in OURS:
        logging.getLogger(name).removeHandler(handler)
        logging.getLogger(name).setLevel(logging.NOTSET)


def test_what_an_actor_logs_is_fetched_once_and_told_as_its_own(
    installed: Relay, tmp_path: Path
) -> None:
    log.info(Event("device opened again", attempts=3))
    logging.getLogger("faster_whisper").error("it was the best of times")
    lines = installed.fetch()
    assert installed.fetch() == ()
    file = tmp_path / "log"
    with logged(settings(format="json", file=file)):
        relay(lines, "camera")
    (line,) = lines_of(file)
    assert (line["actor"], line["event"], line["fields"]) == (
        "camera", "device opened again", {"attempts": 3},
    )  # fmt: skip


def test_an_actor_keeps_a_bounded_number_of_lines(installed: Relay) -> None:
    for number in range(WAITING + 7):
        log.warning(Event("packet dropped", dropped=number))
    *lines, last = installed.fetch()
    assert len(lines) == WAITING
    assert (last.event, last.fields) == ("lines lost", {"lines": 7})


def test_a_beat_brings_the_lines() -> None:
    host = Host()
    host.open("tests.test_logs:Talkative", (), {})
    assert [line.event for line in host.beat().lines] == ["it talks"]
    assert host.beat().lines == ()


class Talkative:
    """A stage that logs once."""

    def open(self) -> str:
        logging.getLogger("actors.tests").warning(Event("it talks"))
        return ""

    def stats(self) -> dict[str, float]:
        return {}


def test_the_documented_events_are_those_that_are_told() -> None:
    root = Path(__file__).parent.parent
    docs = (root / "docs" / "observability.md").read_text()
    rows = docs.split("| event |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    documented = {name for row in rows for name in re.findall("`([a-z ]+)`", row.split("|")[1])}
    sources = [path for name in OURS for path in root.glob(f"{name}/**/*.py")]
    told = {
        name
        for source in sources
        for name in re.findall(r"log\.\w+\(\s*Event\(\s*\"([^\"]+)\"", source.read_text())
    }
    assert documented == told | {"suppressed", "lines lost"}
    assert len(told) > 10


def test_bad_settings_are_said_in_one_line() -> None:
    done = command("--log-format", "xml")
    assert done.code == 2
    assert "log.format = 'xml': Input should be 'text' or 'json'" in done.complaint


@pytest.mark.slow
@pytest.mark.usefixtures("assets")
def test_a_session_logs_what_happens_to_its_actors_and_not_what_was_said(tmp_path: Path) -> None:
    media, file = demo_media("two_cities.wav"), tmp_path / "log"
    options = ("--source", str(media), "--loop", "--transcripts", "--log-file", str(file))
    with (
        running(*options, "--log-format", "json", "--ui", "json") as (process, address),
        Subscriber(address, idle=90) as feed,
    ):
        words = heard(feed, lambda words: len(words) > 5)
        assert process.stdout is not None
        hosts = [
            child
            for child in psutil.Process(process.pid).children(recursive=True)
            if child.name().startswith("ray::Host")
        ]
        max(hosts, key=lambda host: host.cpu_times().user).kill()
        until_logged(file, "actor replaced")
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    events = [str(line["event"]) for line in lines_of(file)]
    assert events[0] == "session ready"
    assert events.index("actor failed") < events.index("actor replaced")
    assert events[-2:] == ["session stops", "session over"]
    logged_text = file.read_text().lower()
    assert [word for word in words if re.search(rf"\b{re.escape(word)}\b", logged_text)] == []
    assert [line for line in out.splitlines() if not line.startswith("{")] == []
    assert "raylet" not in out + said


def heard(feed: Subscriber, enough: Callable[[set[str]], bool]) -> set[str]:
    """Words of a transcript that no log would have by chance."""
    words: set[str] = set()
    for message in feed:
        if isinstance(message, TranscriptMessage):
            told = {re.sub(r"\W", "", word.text).lower() for word in message.words}
            words |= {word for word in told if len(word) > 4}
        if enough(words):
            return words
    raise AssertionError(f"the session has ended: {words}")


def until_logged(file: Path, event: str) -> None:
    until = time.monotonic() + 60
    while event not in file.read_text():
        assert time.monotonic() < until
        time.sleep(0.2)
