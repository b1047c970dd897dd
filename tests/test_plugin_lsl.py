"""The Lab Streaming Layer outlet: a real feed in, a real LSL inlet out, on loopback."""

import math
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from samples import CHANNELS, NOTHING, lsl_time, sample
from streamer.feed.messages import SentimentMessage
from streamer.feed.publisher import Publisher
from tests.feed_fixtures import health, sentiment
from tests.plugin_fixtures import PLUGINS, interrupt, python, run, started

pytestmark = [pytest.mark.slow, pytest.mark.parallel]

FOLDER = PLUGINS / "lab-streaming-layer"
SCRIPT = "lab-streaming-layer/outlet.py"
LSL_GROUPS = {"EFFFACD7", "E00000B7"}  # 239.255.172.215 and 224.0.0.183
LSL_WAIT = 10.0

try:
    import pylsl
    from pylsl.util import LostError

    from outlets import Outlets
except (ImportError, RuntimeError, OSError) as error:
    pytest.skip(f"no liblsl: {error}", allow_module_level=True)
pylsl.set_config_filename(str(FOLDER / "loopback.cfg"))


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher("tcp://127.0.0.1:0", "json", blocking=False) as publisher:
        yield publisher


def captured(number: int, at: float, **given: object) -> SentimentMessage:
    message = sentiment(number, **given)  # type: ignore[arg-type]
    return msgspec.structs.replace(message, captured_at=at)


def inlet(publisher: Publisher, participant: str) -> pylsl.StreamInlet:
    """An inlet that is connected; the outlet begins to exist with the first message."""
    assert publisher.wait_for_subscriber(20)
    publisher.publish(health(participant=participant))
    found = pylsl.resolve_byprop("source_id", f"qamoe/s1/{participant}", timeout=LSL_WAIT)
    assert len(found) == 1
    opened = pylsl.StreamInlet(found[0], recover=False)
    opened.open_stream(LSL_WAIT)
    return opened


def is_closed(opened: pylsl.StreamInlet) -> bool:
    for _ in range(100):
        try:
            opened.pull_sample(0.1)
        except LostError:
            return True
    return False


def test_a_feed_becomes_samples_at_their_capture_times(publisher: Publisher) -> None:
    with started(python(SCRIPT, publisher.address)) as plugin:
        feed = inlet(publisher, "ann")
        info = feed.info(LSL_WAIT)
        wall = time.time() - 2.0
        offset = pylsl.local_clock() - time.time()
        publisher.publish(captured(0, wall, value=0.4))
        publisher.publish(captured(0, wall, value=0.9, revision=1))
        publisher.publish(captured(1, wall + 0.5, value=None, reason="dark"))
        heard = [feed.pull_sample(LSL_WAIT) for _ in range(2)]
        publisher.publish(health(bye=True))
        assert is_closed(feed)
        assert interrupt(plugin) == (0, [f"listening to {publisher.address}"], "")
    assert info.get_channel_labels() == [channel.label for channel in CHANNELS]
    assert info.get_channel_units() == [channel.unit for channel in CHANNELS]
    assert (info.type(), info.nominal_srate()) == ("Sentiment", pylsl.IRREGULAR_RATE)
    assert info.desc().child("qamoe").child_value("participant") == "ann"
    (first, first_at), (second, second_at) = heard
    assert first == pytest.approx([0.4, 0.2, 0.9, 0.8, 0.7, 0.7, 0])
    assert second == pytest.approx([math.nan, math.nan, 0.9, 0.8, 0.7, 0.7, 0], nan_ok=True)
    assert first_at - wall == pytest.approx(offset, abs=0.05)
    assert second_at - first_at == pytest.approx(0.5, abs=0.05)


def test_revisions_on_request_and_nan_when_silent(publisher: Publisher) -> None:
    with started(python(SCRIPT, publisher.address, "--revisions", "--stale", "0.5")) as plugin:
        feed = inlet(publisher, "bob")
        publisher.publish(captured(0, time.time(), participant="bob"))
        publisher.publish(captured(0, time.time(), revision=1, participant="bob"))
        heard = [feed.pull_sample(LSL_WAIT)[0] for _ in range(3)]
        assert interrupt(plugin)[0] == 0
    revision = [channel.label for channel in CHANNELS].index("revision")
    assert [values[revision] for values in heard] == pytest.approx([0, 1, math.nan], nan_ok=True)
    assert heard[2] == pytest.approx(NOTHING, nan_ok=True)


def test_nothing_is_announced_to_the_network(publisher: Publisher) -> None:
    groups = Path("/proc/net/igmp")
    if not groups.is_file():
        pytest.skip("no /proc/net/igmp on this system")
    with started(python(SCRIPT, publisher.address)) as plugin:
        inlet(publisher, "cat")
        joined = set(re.findall(r"^\t+([0-9A-F]{8}) ", groups.read_text(), re.MULTILINE))
        assert joined
        assert not {"".join(re.findall("..", group)[::-1]) for group in joined} & LSL_GROUPS
        interrupt(plugin)


def test_only_so_many_outlets_are_open() -> None:
    outlets = Outlets(1, 3.0, revisions=False)
    for participant in ("dan", "eve", "eve"):
        outlets.hear(health(participant=participant))
    assert outlets.refused == 2
    outlets.hear(health(participant="dan", bye=True))
    outlets.hear(health(participant="eve"))
    assert outlets.refused == 2
    outlets.close()


def test_a_stream_that_is_off_and_words_that_never_came_are_nan() -> None:
    message = msgspec.structs.replace(
        sentiment(value=-0.1), reliability={"audio": sentiment().reliability["audio"]},
        words_age_ms=None,
    )  # fmt: skip
    expected = [-0.1, 0.2, math.nan, 0.8, math.nan, math.nan, 0]
    assert sample(message) == pytest.approx(expected, nan_ok=True)


def test_a_capture_time_is_moved_to_the_clock_of_lsl() -> None:
    assert lsl_time(captured_at=1_000_000.0, wall_now=1_000_002.5, lsl_now=50.0) == 47.5


def test_what_is_wrong_is_said() -> None:
    for arguments, code, complaint in [
        (["nowhere"], 2, "outlet: feed address nowhere"),
        (["--stale", "0"], 2, "--stale = 0: must be 0.1 to 3600"),
        (["--participant", "a/b"], 2, "participant = 'a/b'"),
    ]:
        ended, lines, err = run(python(SCRIPT, *arguments))
        assert (ended, lines) == (code, [])
        assert complaint in err.splitlines()[-1]
        assert "Traceback" not in err


def test_without_pylsl_it_says_how_to_get_it() -> None:
    program = (
        "import runpy, sys; sys.modules['pylsl'] = None; "
        f"sys.argv = ['outlet.py']; sys.path.insert(0, {str(FOLDER)!r}); "
        f"runpy.run_path({str(FOLDER / 'outlet.py')!r}, run_name='__main__')"
    )
    code, _, err = run([sys.executable, "-c", program])
    assert code == 2
    assert err.startswith("outlet: cannot load Lab Streaming Layer")
    assert "pip install 'qamoe-stream[lsl]'" in err
    assert err.count("\n") == 1
