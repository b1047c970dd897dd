"""What counts as being behind, and what does not."""

from dataclasses import replace

import pytest

from actors.lag import Lag
from streamer.packets import SECOND, Stream, Window
from tests.test_windows import HOP, SETTINGS, faces, voice, words

IN_TIME = HOP + SECOND // 5
AT_THE_DEADLINE = HOP + round(SETTINGS.deadline * SECOND)


def window(*late: Stream) -> Window:
    return Window(0, 0, HOP, 0, (), 0, None, {}, late)


@pytest.mark.parametrize(
    ("late", "excused", "now", "reason"),
    [
        ((), (), IN_TIME, None),
        (("audio",), (), AT_THE_DEADLINE, "sound was late"),
        (("vision",), (), AT_THE_DEADLINE, "pictures were late"),
        (("audio", "vision"), (), AT_THE_DEADLINE, "sound was late"),
        (("audio", "vision"), ("audio",), AT_THE_DEADLINE, "pictures were late"),
        (("vision",), ("vision",), AT_THE_DEADLINE, None),
        ((), (), AT_THE_DEADLINE + SECOND // 2, "the analysis was late"),
    ],
)
def test_what_is_late_is_named_unless_it_has_another_cause(
    late: tuple[Stream, ...], excused: tuple[Stream, ...], now: int, reason: str | None
) -> None:
    assert Lag(SETTINGS, 15).of(window(*late), now, excused) == reason


def test_a_camera_that_cannot_keep_up_is_behind_even_where_it_is_in_time() -> None:
    lag = Lag(SETTINGS, 14)
    lag.take(voice(0))
    lag.take(words(0))
    for hop, dropped in enumerate([0, 2, 4]):
        lag.take(replace(faces(hop), dropped=dropped))
        assert lag.of(window(), IN_TIME, ()) is None
    lag.take(replace(faces(3), dropped=7))
    assert lag.of(window(), IN_TIME, ()) == "pictures were left out"
    assert lag.of(window(), IN_TIME, ("vision",)) is None
    lag.take(replace(faces(4), dropped=7))
    assert lag.of(window(), IN_TIME, ()) is None


def test_what_is_left_out_on_purpose_is_not_lost() -> None:
    lag = Lag(SETTINGS, 14)
    lag.take(replace(faces(0, count=1), frame_rate=2.0))
    assert lag.of(window(), IN_TIME, ()) is None
    lag.take(replace(faces(1, count=0), frame_rate=2.0, dropped=1))
    assert lag.of(window(), IN_TIME, ()) == "pictures were left out"
