"""What a face has lost of what it usually shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.features.usual import MEMORY, Usual
from streamer.packets import SECOND

RATE = 15
STEP = SECOND // RATE


def losses(*stretches: tuple[float, float]) -> list[float]:
    """The loss at each picture of stretches of some seconds with the same value."""
    usual = Usual()
    values = [value for value, seconds in stretches for _ in range(round(seconds * RATE))]
    return [usual.loss(value, number * STEP) for number, value in enumerate(values)]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_a_loss_is_a_share(values: list[float]) -> None:
    usual = Usual()
    assert all(0 <= usual.loss(value, at * STEP) <= 1 for at, value in enumerate(values))


@pytest.mark.slow
@pytest.mark.parallel
@given(value=st.floats(0.01, 1e3), factor=st.floats(0.001, 1e3))
def test_what_a_face_always_is_is_no_loss(value: float, factor: float) -> None:
    """Neither a soft camera nor dark skin: only the change counts, whatever the unit."""
    assert set(losses((value, 5.0))) == {0.0}
    changed = losses((value, 2.0), (0.4 * value, 1.0))
    again = losses((factor * value, 2.0), (0.4 * factor * value, 1.0))
    assert changed[-1] == pytest.approx(0.6)
    assert again == pytest.approx(changed)


def test_a_loss_shows_at_once_and_is_over_at_once() -> None:
    found = losses((1.0, 5.0), (0.25, 5.0), (1.0, 1.0))
    assert found[5 * RATE : 10 * RATE] == [0.75] * (5 * RATE)
    assert found[10 * RATE :] == [0.0] * RATE


def test_a_few_odd_pictures_do_not_become_the_rule() -> None:
    assert losses((1.0, 5.0), (50.0, 0.5), (1.0, 5.0))[-1] == 0


def test_damage_that_lasts_becomes_usual() -> None:
    minute = MEMORY / SECOND
    found = losses((1.0, 10.0), (0.5, minute))
    assert found[round(30 * RATE)] == 0.5
    assert found[-1] == 0
