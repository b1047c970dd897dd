"""What DESIGN calls the invariants of reliability, on arrays: absent, stalled, and who is hit."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.degradation import KINDS
from models.reliability import words_evidence
from streamer.packets import SECOND, Estimate, Evidence, Stream, StreamWindow, Window, Word, Words
from streamer.settings import WindowSettings
from streamer.windows import WindowAssembler
from tests.degradation_fixtures import HOP, damage, heard, spoken
from tests.test_bad_features import LOOKS, STEPS, estimator
from tests.test_windows import faces, voice, words

SETTINGS = WindowSettings(length=4.0, hop=0.5, deadline=0.3)
scores = st.floats(0.01, 1)
noises = st.floats(0, 10, width=32)
SAID = tuple(Word(f"w{n}", n * SECOND // 2, (n + 1) * SECOND // 2, 0.97) for n in range(8))


def estimate(
    hit: Stream | None = None, noise: float = 0, score: float = 1, absent: bool = False
) -> Estimate:
    """Of all streams, of which ``hit`` has noisy features and evidence ``score``, or is absent."""
    rng = np.random.default_rng(7)
    streams = {}
    for stream, steps in (("audio", STEPS), ("vision", LOOKS)):
        here = stream == hit
        features = steps + np.float32(noise * here) * rng.standard_normal(steps.shape)
        evidence = Evidence(score if here else 1.0, "bad" if here else None, {"speech_share": 0.7})
        mask = np.full(20, not (here and absent))
        streams[stream] = (features.astype(np.float32), mask, evidence)
    whole = Window(
        7, 0, 4 * SECOND, 0, SAID, 0,
        Words(7, SAID, 4 * SECOND, 0.1, -0.3 - (noise if hit == "text" else 0), 1.2),
        {"audio": StreamWindow(*streams["audio"]), "vision": StreamWindow(*streams["vision"])},
    )  # fmt: skip
    return estimator().estimate(whole)


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize("hit", ["text", "audio", "vision"])
@given(noise=noises, score=scores)
@settings(max_examples=15)
def test_damage_to_one_stream_moves_no_other(hit: Stream, noise: float, score: float) -> None:
    """Not even by a bit: each stream's reliability is made from its own signal alone. Only what is
    said about speech in the sound is said about the words as well, and stays the same here."""
    clean, found = estimate(), estimate(hit, noise, score)
    for stream in clean.reliability:
        if stream != hit:
            assert found.reliability[stream] == clean.reliability[stream]


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize("hit", ["audio", "vision"])
@given(scores, scores)
@settings(max_examples=15)
def test_reliability_never_rises_where_only_evidence_falls(
    hit: Stream, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    assert (
        estimate(hit, 0, low).reliability[hit].value
        <= estimate(hit, 0, high).reliability[hit].value
    )


@pytest.mark.parametrize("hit", ["audio", "vision"])
@given(score=st.floats(0, 1))
@settings(max_examples=10)
def test_a_stream_in_which_there_is_nothing_reads_exactly_zero(hit: Stream, score: float) -> None:
    found = estimate(hit, 0, score, absent=True)
    assert found.reliability[hit].value == 0
    assert hit not in found.routing


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize("stalled", ["audio", "vision"])
@given(
    last=st.integers(0, 12),
    deadline=st.integers(0, 2 * SECOND),
    further=st.integers(1, 4),
)
@settings(max_examples=30)
def test_a_stalled_stream_reads_zero_within_a_hop_of_its_deadline(
    stalled: Stream, last: int, deadline: int, further: int
) -> None:
    """The next window after the last packet's says so, and every one that follows."""
    windows = WindowAssembler(SETTINGS, ("text", "audio", "vision"), 14, deadline)
    for hop in range(last + further + 1):
        windows.add(words(hop, until=hop / 2))
        for stream, made in (("audio", voice), ("vision", faces)):
            if stream != stalled or hop <= last:
                windows.add(made(hop))
    at = (last + 2) * HOP + deadline
    before = [item for item in windows.ready(at - 1) if isinstance(item, Window)]
    after = [
        item
        for number in range(further)
        for item in windows.ready(at + number * HOP)
        if isinstance(item, Window)
    ]
    live = {item.hop: item.streams[stalled].evidence.score for item in before if not item.revision}
    dead = {item.hop: item.streams[stalled].evidence.score for item in after if not item.revision}
    assert live == dict.fromkeys(range(last + 1), 1.0)
    assert dead == dict.fromkeys(range(last + 1, last + 1 + further), 0.0)


def mean_evidence(kind: str, severity: float, seeds: Sequence[int]) -> float:
    found = []
    for seed in seeds:
        packets = heard([damage("text", kind, severity, 0, None)], spoken(SAID, range(8)), seed)
        said = tuple(word for packet in packets for word in packet.words)
        window = Window(7, 0, 4 * SECOND, 0, said, 0, packets[-1], {})
        found.append(words_evidence(window, 1.0, np.ones(20, np.bool_)).score)
    return float(np.mean(found))


@pytest.mark.parametrize("kind", KINDS["text"])
def test_words_are_never_worth_more_for_damage(kind: str) -> None:
    seeds = range(10)
    means = [mean_evidence(kind, severity, seeds) for severity in (0, 0.1, 0.25, 0.5, 0.75, 1)]
    assert means[0] == 1
    for less, more in zip(means[1:], means, strict=False):
        assert less <= more + 0.02
