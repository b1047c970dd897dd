"""The picture of a run: every stream in its colour, and all that is written can be read."""

from itertools import combinations
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from models.plot_style import COLOURS
from streamer.packets import STREAMS
from streamer.reel import Caption
from streamer.timeline.course import Timeline
from streamer.timeline.lanes import PADDING, placed, two_lines
from streamer.timeline.panels import clock
from streamer.timeline.picture import HEIGHT, WIDTH, draw, picture
from tests.feed_fixtures import health, sentiment

HOP = 0.5


@pytest.fixture
def timeline() -> Timeline:
    return Timeline(STREAMS, HOP)


def coloured(picture: np.ndarray, colour: str | tuple[float, ...]) -> int:
    """How many pixels have the colour, but for rounding."""
    wanted = np.round(np.array(to_rgb(colour)[::-1]) * 255)
    return int((np.abs(picture.astype(int) - wanted) <= 2).all(axis=-1).sum())


names = st.text("abc ", min_size=1, max_size=30).filter(lambda text: text.strip() != "")
happenings = st.builds(
    lambda start, length, text: Caption(start, start + length, text, "audio"),
    st.floats(-10, 110), st.floats(0.01, 60), names,
)  # fmt: skip


class TestNames:
    @settings(deadline=None, max_examples=50)
    @given(st.lists(happenings, max_size=12))
    def test_no_name_covers_another_or_leaves_the_picture(self, captions: list[Caption]) -> None:
        places = placed(captions, (0, 100), 1000, lambda line: 7.0 * len(line), 4)
        taken: dict[int, list[tuple[float, float]]] = {}
        for place in places:
            long = 7.0 * max(map(len, place.text.split("\n")))
            left = min(place.start, place.text_at)
            right = max(place.end, place.text_at + long)
            assert left >= 0
            assert right <= 1000
            assert all(left >= end or right <= start for start, end in taken.get(place.lane, []))
            taken.setdefault(place.lane, []).append((left, right))
        assert set(taken) <= set(range(4))

    def test_a_name_stands_in_its_bar_in_two_lines_where_it_must_or_beside_it(self) -> None:
        captions = [Caption(start, start + 10, "noise drowns the voice", "audio")
                    for start in (0, 35, 90)]  # fmt: skip
        forms = []
        for width in (3000, 1200, 800):
            places = placed(captions, (0, 100), width, lambda line: 7.0 * len(line), 4)
            forms.append(places)
            assert [place.lane for place in places] == [0, 0, 0]
        assert [place.text for place in forms[0]] == ["noise drowns the voice"] * 3
        assert [place.text for place in forms[1]] == ["noise drowns\nthe voice"] * 3
        assert forms[2][0].text_at == 80 + PADDING
        assert forms[2][2].text_at < forms[2][2].start

    def test_what_lies_outside_or_finds_no_lane_is_left_out(self) -> None:
        captions = [Caption(start, 50, "x", "audio") for start in (1, 2, 3, 60)]
        captions += [Caption(200, 300, "y", "audio")]
        assert len(placed(captions, (0, 55), 500, lambda _: 7.0, 2)) == 2

    @pytest.mark.parametrize(
        ("text", "broken"),
        [("one", "one"), ("the face leaves the picture", "the face leaves\nthe picture")],
    )
    def test_lines_are_about_as_long(self, text: str, broken: str) -> None:
        assert two_lines(text) == broken

    def test_times_are_written_as_a_clock_does(self) -> None:
        assert [clock(40, 60), clock(125, 900), clock(3900, 7200)] == ["40", "2:05", "1:05"]


class TestPicture:
    def test_it_opens_and_shows_every_stream_in_its_colour(
        self, timeline: Timeline, tmp_path: Path
    ) -> None:
        for number in range(60):
            timeline.update(sentiment(number, value=None if number == 30 else 0.4))
        timeline.update(health(bye=True, reason="costs $5 or $6"))
        file = tmp_path / "run.png"
        captions = (
            Caption(0, 8, "clean"),
            Caption(8, 14, "the microphone is muted", "audio"),
            Caption(500, 600, "after the end", "audio"),
        )
        draw(timeline, captions, file)
        drawn = cv2.imread(str(file))
        assert drawn is not None
        assert drawn.shape == (HEIGHT, WIDTH, 3)
        for colour in COLOURS[:3]:
            assert coloured(drawn, colour) > 800
        assert coloured(drawn, COLOURS[3]) == 0
        lane = np.array(to_rgb(COLOURS[1])) * 0.3 + 0.7  # the muted stretch, named over the axes
        assert coloured(drawn, tuple(lane)) > 2000
        assert [path.name for path in tmp_path.iterdir()] == ["run.png"]

    @pytest.mark.slow
    @pytest.mark.parallel
    @pytest.mark.parametrize("windows", [30, 3000, 9000], ids=["seconds", "minutes", "hours"])
    def test_no_text_covers_another_or_leaves_the_picture(self, windows: int) -> None:
        timeline = Timeline(STREAMS, HOP, most=100)
        for number in range(windows):
            message = sentiment(number, value=None if number % 7 == 0 else 0.1)
            timeline.update(
                msgspec.structs.replace(message, session="m" * 64, participant="m" * 64)
            )
        length = windows * HOP
        timeline.health = health(windows=windows, bye=True, reason="the camera is gone " * 20)
        captions = [
            Caption(start * length, (start + share) * length, "the face leaves the picture", stream)
            for start, share, stream in (
                (-0.1, 2, "audio"), (0.1, 0.1, "vision"), (0.15, 0.01, "audio"),
                (0.2, 0.001, "text"), (0.21, 0.2, "text"), (0.95, 0.9, "audio"),
                (0.1, 0.5, "audio"), (0.1, 0.5, "vision"), (0.1, 0.5, "text"),
            )
        ]  # fmt: skip
        figure = picture(timeline, captions)
        figure.draw_without_rendering()
        unseen = [
            label
            for axes in figure.axes
            for label in axes.get_xticklabels()
            if not axes.get_xlim()[0] <= label.get_position()[0] <= axes.get_xlim()[1]
        ]  # of marks that the axis leaves out
        boxes = [
            (text.get_text(), text.get_window_extent())
            for text in figure.findobj(Text)
            if text.get_visible() and text.get_text() and text not in unseen
        ]
        assert sum("leaves" in name for name, _ in boxes) > 4
        assert any("No room to name" in name for name, _ in boxes)
        assert any("Thinned" in name for name, _ in boxes) == (windows > 100)
        for (name, box), (other, beside) in combinations(boxes, 2):
            assert not (box.width and beside.width and box.overlaps(beside)), (name, other)
        for name, box in boxes:
            assert box.x0 >= 0, name
            assert box.x1 <= WIDTH, name
            assert box.y0 >= 0, name
            assert box.y1 <= HEIGHT, name

    def test_a_single_window_is_drawn(self, timeline: Timeline, tmp_path: Path) -> None:
        timeline.update(sentiment(value=None))
        draw(timeline, [], tmp_path / "run.png")
        assert cv2.imread(str(tmp_path / "run.png")) is not None

    def test_an_old_picture_stays_until_the_new_one_is_whole(
        self, timeline: Timeline, tmp_path: Path
    ) -> None:
        file = tmp_path / "run.png"
        file.write_bytes(b"old")
        with pytest.raises(IndexError):
            draw(timeline, [], file)  # without a window there is nothing to draw
        assert file.read_bytes() == b"old"
        assert [path.name for path in tmp_path.iterdir()] == ["run.png"]
