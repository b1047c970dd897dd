"""``tap`` as a user and a shell see it."""

import json
import signal
import subprocess
import sys
import threading

import msgspec
import pytest

from streamer.errors import SettingError
from streamer.feed.messages import Message, SentimentMessage
from streamer.feed.publisher import Publisher
from streamer.tap import pretty_line, run
from tests.feed_fixtures import health, sentiment, transcript

KINDS = ("sentiment", "transcript", "health")


@pytest.fixture
def publisher() -> Publisher:
    return Publisher("tcp://127.0.0.1:0", "msgpack", blocking=True)


def publish(publisher: Publisher, messages: list[Message]) -> threading.Thread:
    """Publish in the background as soon as someone listens, then close."""

    def send() -> None:
        with publisher:
            if publisher.wait_for_subscriber(20):
                for message in messages:
                    publisher.publish(message)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def test_json_is_one_message_a_line_until_bye(
    publisher: Publisher, capsys: pytest.CaptureFixture[str]
) -> None:
    sending = publish(publisher, [sentiment(), transcript("hello\nthere"), health(bye=True)])
    assert run(publisher.address, KINDS, "json", None, 10) == 0
    sending.join(10)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["schema"] for line in lines] == [
        "qamoe.sentiment/1",
        "qamoe.transcript/1",
        "qamoe.health/1",
    ]
    assert msgspec.convert(lines[0], SentimentMessage).sentiment == sentiment().sentiment


def test_kinds_are_chosen_and_bye_still_ends_it(
    publisher: Publisher, capsys: pytest.CaptureFixture[str]
) -> None:
    sending = publish(publisher, [sentiment(), transcript("hello"), health(), health(bye=True)])
    assert run(publisher.address, ["transcript"], "pretty", None, 10) == 0
    sending.join(10)
    out = capsys.readouterr().out
    assert "hello" in out
    assert len(out.splitlines()) == 1


def test_it_stops_after_count(publisher: Publisher, capsys: pytest.CaptureFixture[str]) -> None:
    sending = publish(publisher, [sentiment(number) for number in range(10)])
    assert run(publisher.address, KINDS, "json", 4, 10) == 0
    sending.join(10)
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_silence_is_one_line_and_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("tcp://127.0.0.1:1", KINDS, "json", None, 0.1) == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "nothing heard on tcp://127.0.0.1:1 within 0.1 s: is a session running there?"
    ]


@pytest.mark.slow
@pytest.mark.parallel
def test_a_session_that_falls_silent_is_told_from_one_that_ends(
    publisher: Publisher, capsys: pytest.CaptureFixture[str]
) -> None:
    sending = publish(publisher, [sentiment()])
    assert run(publisher.address, KINDS, "json", None, 1.0) == 3
    sending.join(10)
    assert "nothing more heard" in capsys.readouterr().err


def test_a_wrong_address_is_the_users_error() -> None:
    with pytest.raises(SettingError, match="nonsense"):
        run("nonsense", KINDS, "json", None, 1)


def start_tap(address: str) -> subprocess.Popen[bytes]:
    program = (
        "import sys; from streamer.tap import run; "
        f"sys.exit(run({address!r}, {KINDS!r}, 'json', None, 30))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


@pytest.mark.parametrize("end", ["closed pipe", "ctrl-c"])
def test_it_ends_quietly(publisher: Publisher, end: str) -> None:
    with publisher, start_tap(publisher.address) as tap:
        assert tap.stdout
        assert tap.stderr
        assert publisher.wait_for_subscriber(20)
        publisher.publish(sentiment())
        assert tap.stdout.readline()
        if end == "ctrl-c":
            tap.send_signal(signal.SIGINT)
        else:
            tap.stdout.close()
            for number in range(20):
                publisher.publish(sentiment(number))
        assert tap.wait(20) == 0
        assert tap.stderr.read() == b""


def test_pretty_lines_say_the_same_for_people() -> None:
    assert "+0.40 ± 0.20 positive" in pretty_line(sentiment())
    assert "audio 0.80" in pretty_line(sentiment())
    assert "no estimate: all is quiet" in pretty_line(sentiment(value=None, reason="all is quiet"))
    assert "so it is" in pretty_line(transcript("so it is"))
    assert "vision live 15.0/s 3 dropped" in pretty_line(health(vision_dropped=3))
    assert "bye (end of the file)" in pretty_line(health(bye=True, reason="end of the file"))
