"""The picture at the end of a run: its numbers are the feed's, and everything in it can be read."""

import math
import signal
import subprocess
from pathlib import Path
from typing import Self

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.plot_style import COLOURS
from streamer import run as runs
from streamer.assets import Assets
from streamer.errors import SettingError
from streamer.feed import Subscriber
from streamer.feed.messages import Reliability, SentimentMessage
from streamer.feed.publisher import Publisher
from streamer.packets import STREAMS
from streamer.settings import Settings, load_settings
from streamer.timeline.course import Timeline
from tests.commands import COMMAND, free_port
from tests.feed_fixtures import health, sentiment, transcript
from tests.test_timeline_picture import coloured

HOP = 0.5


@pytest.fixture
def timeline() -> Timeline:
    return Timeline(STREAMS, HOP)


class TestCourse:
    def test_its_numbers_are_those_of_the_messages(self, timeline: Timeline) -> None:
        for number, value in enumerate((0.4, -0.3, 0.1)):
            timeline.update(sentiment(number, value=value))
        course = timeline.course()
        assert course.end.tolist() == [4.0, 4.5, 5.0]
        assert course.value.tolist() == [0.4, -0.3, 0.1]
        assert course.deviation.tolist() == [0.2] * 3
        found = {name: values.tolist() for name, values in course.reliability.items()}
        assert found == {"text": [0.9] * 3, "audio": [0.8] * 3, "vision": [0.7] * 3}
        assert not course.abstained.any()
        assert timeline.began_at == 1000.0

    def test_the_newest_revision_of_a_window_counts_whenever_it_comes(
        self, timeline: Timeline
    ) -> None:
        timeline.update(sentiment(0, value=0.1))
        timeline.update(sentiment(1, value=0.2))
        timeline.update(sentiment(0, value=0.9, revision=2, audio=Reliability(0.3, 0.3, 1)))
        timeline.update(sentiment(0, value=0.5, revision=1))
        course = timeline.course()
        assert course.value.tolist() == [0.9, 0.2]
        assert course.reliability["audio"].tolist() == [0.3, 0.8]

    def test_an_abstention_is_a_gap_in_the_value_alone(self, timeline: Timeline) -> None:
        for number in range(3):
            timeline.update(sentiment(number, value=None if number == 1 else 0.5))
        course = timeline.course()
        assert np.isnan(course.value).tolist() == [False, True, False]
        assert course.abstained.tolist() == [False, True, False]
        assert not np.isnan(course.reliability["text"]).any()

    def test_missing_windows_are_a_gap_in_everything_and_no_abstention(
        self, timeline: Timeline
    ) -> None:
        for number in (0, 1, 5, 6):
            timeline.update(sentiment(number))
        course = timeline.course()
        assert course.end.tolist() == [4.0, 4.5, 6.0, 6.5, 7.0]
        for values in (course.value, course.deviation, *course.reliability.values()):
            assert np.isnan(values).tolist() == [False, False, True, False, False]
        assert not course.abstained.any()

    def test_a_stream_that_was_off_is_left_out(self, timeline: Timeline) -> None:
        message = sentiment()
        only = {"vision": message.reliability["vision"]}
        timeline.update(msgspec.structs.replace(message, reliability=only))
        assert list(timeline.course().reliability) == ["vision"]

    def test_health_is_kept_and_words_are_not(self, timeline: Timeline) -> None:
        timeline.update(transcript("nobody must read this"))
        timeline.update(health(windows=1))
        timeline.update(health(windows=2, bye=True, reason="interrupted"))
        assert not timeline
        assert timeline.health is not None
        assert (timeline.health.windows, timeline.health.reason) == (2, "interrupted")
        assert "nobody" not in repr(vars(timeline))

    @settings(deadline=None)
    @given(st.integers(1, 300), st.integers(2, 40))
    def test_memory_is_bounded_and_what_stays_is_evenly_spaced(self, total: int, most: int) -> None:
        timeline = Timeline(STREAMS, HOP, most)
        for number in range(total):
            for revision in range(2):
                value = math.sin(number) if revision else 1.0
                timeline.update(sentiment(number, value=value, revision=revision))
                assert len(timeline) <= most
        course = timeline.course()
        kept = [number for number in range(total) if (number + 8) % timeline.every == 0]
        assert course.value.tolist() == [math.sin(number) for number in kept]
        assert course.step == HOP * timeline.every
        assert len(timeline) >= most // 2 or timeline.every == 1


class Interrupted:
    """Stands in for a session: a real feed, on which Ctrl-C comes after some windows."""

    name = "s1"

    def __init__(self, windows: int, picture: Path) -> None:
        self.descriptions: dict[str, str] = {}
        self.address = ""
        self.picture = picture
        self.drawn_before_the_bye = False
        self._windows = windows

    def __call__(self, _: Settings) -> Self:
        return self

    def __enter__(self) -> Self:
        self._publisher = Publisher("tcp://127.0.0.1:0", "json", blocking=True)
        self.address = self._publisher.address
        return self

    def __exit__(self, *_: object) -> None:
        self._publisher.close()

    def start(self) -> None:
        assert self._publisher.wait_for_subscriber(5)
        for number in range(self._windows):
            self._publisher.publish(sentiment(number))
        signal.raise_signal(signal.SIGINT)

    def stop(self, reason: str) -> None:
        self.drawn_before_the_bye = self.picture.exists()
        self._publisher.publish(health(bye=True, reason=reason))

    def finished(self) -> bool:
        return False


class TestCtrlC:
    def test_the_picture_is_written_after_the_bye(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "run.png"
        session = Interrupted(5, file)
        monkeypatch.setattr(runs, "Session", session)
        runs.run(load_settings(), "off", (), file)
        assert not session.drawn_before_the_bye
        assert cv2.imread(str(file)) is not None
        assert str(file) in capsys.readouterr().err.splitlines()[-1]

    def test_before_the_first_window_there_is_none(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "run.png"
        monkeypatch.setattr(runs, "Session", Interrupted(0, file))
        runs.run(load_settings(), "off", (), file)
        assert not file.exists()
        assert "not one window" in capsys.readouterr().err

    def test_a_folder_that_is_gone_by_then_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "gone" / "run.png"
        monkeypatch.setattr(runs, "Session", Interrupted(1, file))
        with pytest.raises(SettingError, match=r"run\.png'?: No such file"):
            runs.run(load_settings(), "off", (), file)


@pytest.mark.slow
def test_a_real_run_that_is_interrupted_leaves_its_picture(assets: Assets, tmp_path: Path) -> None:
    film = assets.file("demo-media", "WolfgangLanger_Pexels.mp4")
    address, file = f"tcp://127.0.0.1:{free_port()}", tmp_path / "run.png"
    process = subprocess.Popen(
        [*COMMAND, "--ui", "off", "--bind", address, "--source", str(film), "--loop",
         "--plot", str(file)],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with Subscriber(address, idle=60) as feed:
        windows = 0
        for message in feed:
            windows += isinstance(message, SentimentMessage)
            if windows == 6:
                process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert said.splitlines()[-1].endswith(str(file))
    drawn = cv2.imread(str(file))
    assert drawn is not None
    assert coloured(drawn, COLOURS[2]) > 300
