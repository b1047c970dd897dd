"""What pictures of a face are worth, the worse they get."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from models.reliability import face_evidence
from streamer.packets import FACE_MEASURES, Evidence, Floats
from tests.evidence_fixtures import (
    assert_never_rises,
    assert_sane,
    faces,
    seen,
    wild_numbers,
)


@given(
    measures=arrays.arrays(
        np.float32,
        st.tuples(st.integers(0, 20), st.just(len(FACE_MEASURES))),
        elements=wild_numbers,
    ),
    length=wild_numbers,
    rate=wild_numbers,
    seed=st.integers(0, 9),
    data=st.data(),
)
def test_any_pictures_give_sane_evidence(
    measures: Floats, length: float, rate: float, seed: int, data: st.DataObject
) -> None:
    found = np.random.default_rng(seed).random(len(measures)) < 0.5
    ages = data.draw(arrays.arrays(np.float32, len(measures), elements=wild_numbers))
    assert_sane(face_evidence(measures, found, ages, length, rate))


def test_a_clean_face_is_worth_all() -> None:
    assert seen(faces()) == Evidence(1.0, None, seen(faces()).measures)


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (seen(faces(0)), "no pictures from the camera"),
        (seen(faces(5)), "no pictures from the camera"),
        (seen(faces(), found=0.0), "no face"),
        (seen(faces(), found=0.1), "no face"),
        (seen(faces(unchanged=1)), "picture frozen"),
        (seen(faces(face_size=25)), "face too small"),
        (seen(faces(sharpness=3)), "blurred"),
        (seen(faces(brightness=250, sharpness=900)), "too bright"),
        (seen(faces(blockiness=4)), "coarsely coded picture"),
        (seen(faces(hidden=0.95)), "face covered"),
        (seen(faces(yaw=-65)), "face turned away"),
        (seen(faces(pitch=55)), "face turned away"),
        (seen(faces(pitch=-55)), "face turned away"),
        (seen(faces(second_face=0.9)), "a second face"),
        (seen(faces(lost_contrast=0.7)), "against the light"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_picture_says_why(evidence: Evidence, reason: str) -> None:
    assert evidence.score < 0.5
    assert evidence.reason == reason


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (seen(faces(brightness=10)), "too dark"),
        (seen(faces(brightness=18, sharpness=50 * 0.15**2)), "too dark"),  # and not blurred
        (seen(faces(noise=12)), "noisy picture"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_alone_is_not_the_end_takes_off_a_third(evidence: Evidence, reason: str) -> None:
    """Where it costs more, something else is measured as well: blur, no face, blocks."""
    assert 0.5 < evidence.score < 0.67
    assert evidence.reason == reason


def test_a_face_half_out_of_the_picture_loses_a_fifth() -> None:
    """And all of it where it is no longer found."""
    assert 0.75 < seen(faces(outside=0.4)).score < 0.85


@pytest.mark.parametrize(
    "scores",
    [
        [seen(faces(), found=share).score for share in (1.0, 0.9, 0.7, 0.5, 0.3, 0.0)],
        [seen(faces(count)).score for count in (60, 40, 30, 20, 10, 1)],
        [seen(faces(sharpness=s)).score for s in (300, 50, 20, 10, 4, 0)],
        [seen(faces(yaw=s)).score for s in (0, 20, 40, 50, 60, 90)],
        [seen(faces(second_face=s)).score for s in (0, 0.2, 0.4, 0.6, 0.8, 1.3)],
        [seen(faces(pitch=s)).score for s in (0, 20, 30, 40, 50, 90)],
        [seen(faces(unchanged=np.arange(60) >= 60 - n)).score for n in (0, 2, 5, 10, 60)],
        [seen(faces(unchanged=np.arange(60) % 6 < n)).score for n in (0, 1, 2, 3, 4, 5)],
    ],
    ids=["cover", "gaps", "blur", "turn", "company", "nod", "freeze", "stutter"],
)
def test_pictures_are_worth_less_the_more_they_are_damaged(scores: list[float]) -> None:
    assert_never_rises(scores)
