"""The conditions of each protocol, and that applying one does exactly what it says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.study.data import Split
from models.study.protocols import (
    Condition,
    Corrupted,
    conditions,
    corrupt,
    deviations,
)
from streamer.errors import SettingError
from streamer.packets import STREAMS, Stream

PAIR: tuple[Stream, ...] = ("audio", "vision")


def make_split(samples: int = 400, seed: int = 0) -> Split:
    """Text of 6 steps, some of them padding, audio as one vector, vision often without a face."""
    rng = np.random.default_rng(seed)
    steps: dict[Stream, int] = {"text": 6, "audio": 1, "vision": 4}
    features, masks = {}, {}
    for stream, count in steps.items():
        masks[stream] = rng.random((samples, count)) < {"vision": 0.5}.get(stream, 1)
        features[stream] = rng.normal(3, 2, (samples, count, 5)).astype(np.float32)
    masks["text"][:, 4:] &= rng.random((samples, 2)) < 0.5
    features = {m: values * masks[m][..., None] for m, values in features.items()}
    groups = np.array([f"video-{row}" for row in range(samples)])
    return Split(features, masks, np.zeros(samples, np.float32), groups)


def under(split: Split, protocol: str, name: str | None = None, seed: int = 1) -> Corrupted:
    streams = tuple(split.features)
    found = [c for c in conditions(protocol, streams) if name in (None, c.name)]
    assert len(found) == 1
    return corrupt(split, found[0], deviations(split), seed)


def test_number_of_conditions() -> None:
    counts = {"clean": 1, "I-a": 7, "I-b": 7, "II": 7, "II+": 3, "III": 64, "one:text:0.5": 1}
    for protocol, count in counts.items():
        found = conditions(protocol, STREAMS)
        assert len(found) == count
        assert len({condition.name for condition in found}) == count
    assert len(conditions("I-a", PAIR)) == 3
    assert [c.missing for c in conditions("I-b", PAIR)] == [0.1, 0.2, 0.3, 0.4, 0.5]


def test_the_landscape_spans_both_axes() -> None:
    cells = conditions("III", STREAMS)
    levels = {(c.noise["audio"], c.missing) for c in cells}
    assert levels == {(i / 10, j / 10) for i in range(8) for j in range(8)}
    assert all(len(set(c.noise.values())) == 1 for c in cells)


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        ("IV", "protocol 'IV': must be one of clean, I-a"),
        ("one:smell:0.5", "the stream must be one of audio, vision"),
        ("one:text:0.5", "the stream must be one of audio, vision"),
        ("one:audio:3", r"lambda must lie in \[0, 2\]"),
        ("one:audio:much", r"lambda must lie in \[0, 2\]"),
    ],
)
def test_unknown_protocols_are_refused(protocol: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        conditions(protocol, PAIR)


def test_clean_changes_nothing() -> None:
    split = make_split()
    clean = under(split, "clean")
    for stream in STREAMS:
        np.testing.assert_array_equal(clean.split.features[stream], split.features[stream])
        np.testing.assert_array_equal(clean.split.masks[stream], split.masks[stream])
        assert not clean.severity[stream].any()


def test_a_subset_leaves_just_its_streams() -> None:
    kept = under(make_split(), "I-a", "text+vision")
    assert kept.present["text"].all()
    assert not kept.present["audio"].any()
    assert not kept.split.masks["audio"].any()
    assert not kept.split.features["audio"].any()


@pytest.mark.parametrize("rate", [0.1, 0.4, 0.7])
def test_random_missing_keeps_one_and_the_stated_share(rate: float) -> None:
    split = make_split()
    before = np.stack([mask.any(axis=1) for mask in split.masks.values()], 1)
    after = np.stack(list(under(split, "I-b", f"{rate:g}").present.values()), 1)
    assert not np.any(after & ~before)
    assert after.any(axis=1).all()
    expected = max(round((1 - rate) * before.sum()), len(split))
    assert after.sum() == expected
    assert (after.mean(axis=0) > 0.15).all()  # no stream is always the one that is spared


def test_a_sample_that_holds_nothing_cannot_be_kept() -> None:
    split = make_split()
    for stream in STREAMS:
        split.masks[stream][:3] = False
    after = under(split, "I-b", "0.5")
    assert after.nothing_left == pytest.approx(3 / len(split))


def test_noise_has_the_stated_deviation_and_leaves_padding_alone() -> None:
    split = make_split(4000)
    noisy = under(split, "one:vision:0.5")
    mask = split.masks["vision"]
    added = (noisy.split.features["vision"] - split.features["vision"])[mask]
    np.testing.assert_allclose(added.std(axis=0), 0.5 * deviations(split)["vision"], rtol=0.05)
    np.testing.assert_allclose(added.mean(axis=0), 0, atol=0.1)
    assert not noisy.split.features["vision"][~mask].any()
    np.testing.assert_array_equal(noisy.split.features["audio"], split.features["audio"])
    np.testing.assert_array_equal(noisy.severity["vision"], np.float32(0.5))
    assert not noisy.severity["audio"].any()


def test_words_are_dropped_and_not_blurred() -> None:
    split = make_split(4000)
    after = under(split, "one:text:0.3").split
    before, left = split.masks["text"], after.masks["text"]
    assert not np.any(left & ~before)
    assert 1 - left.sum() / before.sum() == pytest.approx(0.3, abs=0.02)
    np.testing.assert_array_equal(after.features["text"][left], split.features["text"][left])
    assert not after.features["text"][~left].any()


def test_all_words_are_gone_at_one() -> None:
    assert not under(make_split(), "II+", "1.5").present["text"].any()


def test_text_that_is_one_vector_gets_noise() -> None:
    split = make_split()
    split.features["text"] = split.features["text"][:, :1]  # type: ignore[index]
    split.masks["text"] = split.masks["text"][:, :1]  # type: ignore[index]
    noisy = under(split, "one:text:1")
    assert noisy.present["text"].all()
    assert (noisy.split.features["text"] != split.features["text"]).all()


def test_independent_missing_leaves_the_expected_share_with_nothing() -> None:
    samples = 20_000
    features = {m: np.ones((samples, 1, 1), np.float32) for m in STREAMS}
    masks = {m: np.ones((samples, 1), bool) for m in STREAMS}
    split = Split(features, masks, np.zeros(samples, np.float32), np.full(samples, "a"))
    assert under(split, "III", "0/0.7").nothing_left == pytest.approx(0.7**3, abs=0.01)


@settings(max_examples=20)
@given(
    protocol=st.sampled_from(("I-a", "I-b", "II", "II+", "III")),
    index=st.integers(0, 63),
    seed=st.integers(0, 2**32),
)
def test_same_seed_same_masks_and_nothing_leaks(protocol: str, index: int, seed: int) -> None:
    split = make_split(30)
    before = {stream: values.copy() for stream, values in split.features.items()}
    found = conditions(protocol, STREAMS)
    condition = found[index % len(found)]
    first = corrupt(split, condition, deviations(split), seed)
    again = corrupt(split, condition, deviations(split), seed)
    for stream in STREAMS:
        np.testing.assert_array_equal(first.split.features[stream], again.split.features[stream])
        np.testing.assert_array_equal(split.features[stream], before[stream])
        mask = first.split.masks[stream]
        assert not np.any(mask & ~split.masks[stream])
        assert not first.split.features[stream][~mask].any()
        np.testing.assert_array_equal(first.present[stream], mask.any(axis=1))


def test_other_seeds_and_other_conditions_draw_anew() -> None:
    split = make_split()

    def lost(condition: Condition, seed: int) -> bytes:
        present = corrupt(split, condition, deviations(split), seed).present
        return np.stack(list(present.values())).tobytes()

    one, other = (c for c in conditions("III", STREAMS) if c.name in ("0.2/0.5", "0.3/0.5"))
    assert len({lost(one, 1), lost(one, 2), lost(other, 1)}) == 3


def test_deviations_are_of_the_steps_that_hold_something() -> None:
    features = {"audio": np.array([[[1.0], [0.0]], [[3.0], [0.0]]], np.float32)}
    masks = {"audio": np.array([[True, False], [True, False]])}
    split = Split(features, masks, np.zeros(2, np.float32), np.array(["a", "b"]))  # type: ignore[arg-type]
    assert deviations(split)["audio"] == pytest.approx([1.0])
    empty = Split(features, {"audio": np.zeros((2, 2), bool)}, split.labels, split.groups)  # type: ignore[arg-type]
    assert deviations(empty)["audio"] == pytest.approx([0.0])
