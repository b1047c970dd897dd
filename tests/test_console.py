"""What a user must be able to see in 80 columns and 24 rows, without colour."""

import io
import json
import math
import time
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console as Terminal
from rich.console import RenderableType

from streamer.console import TRANSCRIPTS_OFF, Console
from streamer.feed.codec import json_line
from streamer.feed.messages import Reliability, Retreat, StreamHealth
from streamer.plot import BAND, LEVELS, ROWS, Point, ValuePlot
from streamer.summary import OPEN_WINDOWS, Summary
from tests.feed_fixtures import health, sentiment, transcript

STREAMS = ("text", "audio", "vision")
MUTED = Reliability(0.05, 0.1, 0.05, "digital silence")


def screen(view: RenderableType, width: int = 80) -> str:
    terminal = Terminal(file=io.StringIO(), width=width, record=True, no_color=True)
    terminal.print(view)
    return terminal.export_text()


def line_of(text: str, word: str) -> str:
    return next(line for line in text.splitlines() if word in line)


@pytest.fixture
def console() -> Console:
    return Console(STREAMS, show_transcript=True)


def test_it_fits_80_by_24_before_and_while_everything_is_shown(console: Console) -> None:
    assert len(screen(console.render()).splitlines()) <= 24
    console.caption = "a caption that is far too long for the line it is meant to stand on " * 3
    for number in range(300):
        console.update(
            sentiment(number, value=None if number % 7 else 1.0, reason="why " * 40, audio=MUTED)
        )
        console.update(transcript("a considerable number of words " * 3))
        console.update(health(windows=number, vision_dropped=number, reason="because " * 30))
    shown = screen(console.render())
    assert len(shown.splitlines()) <= 24
    assert max(map(len, shown.splitlines())) <= 80


def test_a_note_stands_below_all_else() -> None:
    console = Console(STREAMS, show_transcript=True, note="http://127.0.0.1:8556/?token=abc")
    assert screen(console.render()).splitlines()[-1].strip() == "http://127.0.0.1:8556/?token=abc"


def test_value_label_uncertainty_and_reliability_are_shown(console: Console) -> None:
    console.update(sentiment(value=0.4))
    shown = screen(console.render())
    assert "positive +0.40 ± 0.20" in shown
    assert "0.90" in line_of(shown, "text")
    assert "0.80" in line_of(shown, "audio")
    assert "0.70" in line_of(shown, "vision")
    assert "ann in session s1" in shown


def test_it_says_why_it_abstains_and_which_stream_is_bad(console: Console) -> None:
    console.update(sentiment(value=None, reason="nothing is reliable", audio=MUTED))
    shown = screen(console.render())
    assert "no estimate: nothing is reliable" in shown
    assert "0.05 digital silence" in line_of(shown, "audio")


def test_it_says_what_is_left_out_since_the_machine_is_too_slow(console: Console) -> None:
    console.update(health(retreat=Retreat(4, "words paused", "sound was late", 83.5)))
    assert "(too slow: words paused since 1:23)" in screen(console.render())
    console.update(health(reason="no disk", retreat=Retreat(1, "fewer pictures", "late", 9.0)))
    assert "no disk; too slow: fewer pictures since 0:09" in screen(console.render(), width=100)
    console.update(health())
    assert "too slow" not in screen(console.render())


def test_a_longer_bar_means_more_reliable(console: Console) -> None:
    lengths = []
    for value in (0.0, 0.3, 0.6, 1.0):
        console.update(sentiment(audio=Reliability(value, value, value)))
        lengths.append(line_of(screen(console.render()), "audio").count("█"))
    assert lengths == sorted(set(lengths))


def test_a_stream_without_reliability_is_off_and_a_stalled_one_is_named() -> None:
    console = Console(("text", "thermal"), show_transcript=False)
    console.update(sentiment())
    assert "off" in line_of(screen(console.render()), "thermal")
    stalled = {"text": StreamHealth("stalled", 0.0, 0)}
    console.update(msgspec.structs.replace(health(), streams=stalled))
    assert "stalled" in line_of(screen(console.render()), "text")


def test_a_revision_replaces_its_window_and_an_old_one_does_not_become_the_current(
    console: Console,
) -> None:
    console.update(sentiment(0, value=0.1))
    console.update(sentiment(1, value=0.2))
    console.update(sentiment(0, value=0.9, revision=1))
    assert "+0.20" in screen(console.render())
    console.update(sentiment(1, value=-0.5, revision=1))
    assert "negative -0.50" in screen(console.render())


def test_the_end_of_the_transcript_is_shown_or_how_to_get_it(console: Console) -> None:
    console.update(transcript("once upon a time " * 20 + "the end"))
    assert "the end" in screen(console.render())
    assert TRANSCRIPTS_OFF in screen(Console(STREAMS, show_transcript=False).render())


def test_latency_windows_drops_and_caption_are_shown(console: Console) -> None:
    for number in range(100):
        console.update(sentiment(number, latency_ms=float(number)))
        console.update(sentiment(number, revision=1, latency_ms=10_000.0))
    console.update(health(windows=100, vision_dropped=7))
    console.caption = "Watch the audio bar."
    shown = screen(console.render())
    assert "p50 50 ms, p95 94 ms" in shown
    assert "windows 100 (0 late)" in shown
    assert "dropped 7 (vision 7)" in shown
    assert "Watch the audio bar." in shown


def test_the_live_view_draws_what_it_is_told() -> None:
    out = io.StringIO()
    terminal = Terminal(file=out, width=80, height=24, force_terminal=True, no_color=True)
    with Console(STREAMS, show_transcript=True, terminal=terminal) as console:
        console.update(sentiment(value=-0.77))
        deadline = time.monotonic() + 10
        while "-0.77" not in out.getvalue() and time.monotonic() < deadline:
            time.sleep(0.05)
    assert "negative -0.77" in out.getvalue()


finite = st.floats(-3, 3)


@pytest.mark.slow
@pytest.mark.parallel
@settings(deadline=None)
@given(st.lists(st.none() | st.builds(Point, finite, st.floats(0, 3)), min_size=76, max_size=76))
def test_the_plot_has_one_mark_a_column_where_it_lies_and_blanks_where_there_is_none(
    points: list[Point | None],
) -> None:
    columns = iter(points)
    lines = screen(ValuePlot(60.0, 60.0, lambda _start, _end: next(columns))).splitlines()
    assert len(lines) == ROWS + 1
    rows = [line.ljust(80)[4:] for line in lines[:ROWS]]
    for column, point in enumerate(points):
        cells = [row[column] for row in rows]
        marks = [ROWS - 1 - row for row, cell in enumerate(cells) if cell in LEVELS]
        if point is None:
            assert set(cells) == {" "}
            continue
        assert len(marks) == 1
        exact = (min(max(point.value, -1.0), 1.0) + 1) / 2 * ROWS
        assert abs(marks[0] + 0.5 - exact) <= 0.5 + 1e-9
        assert set(cells) <= {" ", BAND, cells[ROWS - 1 - marks[0]]}


def test_the_plot_has_a_gap_where_it_abstained(console: Console) -> None:
    for number in range(120):
        console.update(sentiment(number, value=None if 40 <= number < 80 else 0.5))
    rows = screen(console.render()).splitlines()[4 : 4 + ROWS]
    drawn = [any(row[column] in LEVELS + BAND for row in rows) for column in range(6, 6 + 72)]
    changes = sum(before != after for before, after in pairwise(drawn))
    assert changes == 2
    assert math.isclose(drawn.count(False) / len(drawn), 1 / 3, abs_tol=0.05)


def test_the_summary_counts_each_window_once_with_its_last_revision() -> None:
    summary = Summary(STREAMS)
    total = 3 * OPEN_WINDOWS
    for number in range(total):
        bad = number % 4 == 0
        for revision, value in ((0, -1.0), (1, 0.5)):
            summary.update(
                sentiment(
                    number,
                    value=None if bad else value,
                    revision=revision,
                    reason="too dark" if bad else None,
                    audio=MUTED if bad else None,
                    latency_ms=100.0 if revision == 0 else 9000.0,
                )
            )
    summary.update(transcript("five words and no more"))
    summary.update(health(vision_dropped=3))
    shown = screen(summary.render())
    audio = line_of(shown, "audio")
    assert f"{(0.05 + 3 * 0.8) / 4:.2f}" in audio
    assert "75%" in audio
    assert "digital silence" in audio
    assert "mean +0.50, +0.50 to +0.50" in shown
    assert f"no estimate for 25% of {total} windows (too dark)" in " ".join(shown.split())
    assert "p50 100 ms, p95 100 ms" in shown
    assert "dropped 3 (vision 3)" in shown
    assert "words 5" in shown
    assert screen(summary.render()) == shown


def test_the_summary_of_nothing_is_still_a_table() -> None:
    shown = screen(Summary(STREAMS).render())
    assert "off" in line_of(shown, "vision")
    assert "0 windows" in shown
    assert "not published" in shown


def test_json_lines_hold_no_line_breaks() -> None:
    line = json_line(transcript("one\ntwo"))
    assert "\n" not in line
    assert json.loads(line)["schema"] == "qamoe.transcript/1"
