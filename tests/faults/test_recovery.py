"""Every fault in one running session on real devices: named, survived, and nothing else touched."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from benchmarks.faults import PATIENCE, Scene, scene
from streamer.assets import Assets
from streamer.faults import Observer, Outcome, leftovers, rehearse
from streamer.feed.messages import HealthMessage, SentimentMessage
from streamer.recording import Recording

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

HOLD = 2.0

ACTORS = ("feed", "analyzer", "transcriber", "microphone", "camera")


@pytest.fixture(scope="module")
def shown(assets: Assets) -> Iterator[Scene]:
    with scene(assets) as shown:
        yield shown


def done(shown: Scene, name: str) -> Outcome:
    """Do the fault of this name, and wait until all is well again."""
    (fault,) = [fault for fault in shown.faults() if fault.name == name]
    outcome = rehearse(fault, shown.observer, shown.session.finished, HOLD, PATIENCE)
    assert outcome.recovered is not None, outcome
    assert outcome.noticed is not None or not fault.streams or fault.epochs, outcome
    assert outcome.lost == 0
    shown.until_it_runs()
    return outcome


def health_reasons(observer: Observer, began: float) -> list[str]:
    """What health said was wrong."""
    told = [message for _, message in observer.since(began) if isinstance(message, HealthMessage)]
    return [message.reason for message in told if message.reason]


def recorded(shown: Scene) -> list[float]:
    """When the windows ended that are in the recording so far, each once."""
    with Recording(shown.recording) as recording:
        return sorted({item.window.end for item in recording if isinstance(item, SentimentMessage)})


@pytest.mark.parametrize("what", ["killed", "stopped"])
@pytest.mark.parametrize("actor", ACTORS)
def test_an_actor_that_dies_or_hangs_is_replaced(shown: Scene, actor: str, what: str) -> None:
    before = psutil.Process(shown.session.processes[actor])
    others = {name: pid for name, pid in shown.session.processes.items() if name != actor}
    ready = {process.pid for process in psutil.Process().children(recursive=True)}
    began = recorded(shown)[-1]
    outcome = done(shown, f"{actor} {what}")
    assert not leftovers([before])
    assert shown.session.processes[actor] in ready, "no spare took its place"
    assert others == {name: pid for name, pid in shown.session.processes.items() if name != actor}
    if actor == "feed":  # the analyzer keeps what there is to tell meanwhile
        told = [end for end in recorded(shown) if end >= began]
        assert told == [began + number / 2 for number in range(len(told))]
    if actor in ("transcriber", "microphone", "camera"):
        assert any(f"{actor} restarts" in reason for reason in outcome.reasons)
        assert not any(
            f"{actor} restarts" in str(part.reason)
            for _, window in shown.observer.windows(0.0)
            for stream, part in window.reliability.items()
            if (stream == "vision") != (actor == "camera")
        )


def test_feed_and_analyzer_have_a_spare_each(shown: Scene) -> None:
    """That of the feed, and of the microphone, has loaded nothing that is only for the others."""
    done(shown, "feed and analyzer killed")
    loaded = {
        name: {Path(place.path).name for place in psutil.Process(pid).memory_maps()}
        for name, pid in shown.session.processes.items()
    }
    assert any("libtorch" in name for name in loaded["analyzer"])
    assert not any("libtorch" in name for name in loaded["feed"] | loaded["microphone"])


def test_one_that_swells_is_replaced(shown: Scene) -> None:
    outcome = done(shown, "camera swells")
    assert any("of memory" in reason for reason in outcome.reasons)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("PulseAudio killed, back", "microphone default"),
        ("PulseAudio killed, back at 44.1 kHz", "microphone default"),
        ("camera unplugged, back", "camera http://"),
        ("camera hangs", "delivers nothing"),
        ("camera repeats its picture", "repeats its last picture"),
        ("camera sends garbage", "has gone"),
    ],
)
def test_a_device_that_goes_comes_back(shown: Scene, name: str, reason: str) -> None:
    before = shown.session.processes
    began = shown.observer.seen[-1][0]
    outcome = done(shown, name)
    told = [*outcome.reasons, *health_reasons(shown.observer, began)]
    assert any(reason in item for item in told), told
    assert shown.session.processes == before


def test_a_change_of_resolution_is_no_fault(shown: Scene) -> None:
    before = shown.session.processes
    done(shown, "camera changes its resolution")
    assert shown.session.processes == before


def test_the_session_has_gone_on_all_the_while(shown: Scene) -> None:
    """The feed had one order of windows and never a gap in ``seq`` within an epoch."""
    windows = [window for _, window in shown.observer.windows(0.0)]
    places = [(window.session_epoch, window.window.end) for window in windows]
    assert places == sorted(set(places))
    assert shown.observer.lost == 0
