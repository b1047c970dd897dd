"""Words that nobody spoke: how few of them reach the fused value."""

import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.reliability import words_evidence
from models.study.reliability.invented import ALL, CLIP, came_through, figures, wilson
from models.study.reliability.noises import HUMAN, LEVELS, MADE, Noise, made, read, recorded
from models.study.reliability.outcomes import Judged, Outcome, judge
from models.training.reliability.stage import Stage
from models.transcription import SPOKEN_SECONDS, Hypothesis, Recognizer, StreamingTranscriber
from streamer.assets import Assets
from streamer.errors import SettingError
from streamer.packets import SAMPLE_RATE, SECOND, AudioHop, Window, Word, Words
from streamer.settings import load_settings

HOP = SAMPLE_RATE // 2
STEPS = 25
"""Voice activity probabilities of a hop, one for each 20 ms."""

probabilities = st.floats(0, 1)
times = st.integers(0, 4 * SECOND)


@st.composite
def claimed(draw: st.DrawFn) -> tuple[Word, ...]:
    """Words in order, as Whisper may claim them for 4 s of sound."""
    edges = sorted(draw(st.lists(times, min_size=2, max_size=12)))
    pairs = zip(edges[::2], edges[1::2], strict=False)
    return tuple(Word("thanks", start, end, draw(probabilities)) for start, end in pairs)


class Claiming(Recognizer):
    """Claims the same words, and to be sure of them, whatever it is given."""

    def __init__(self, words: tuple[Word, ...]) -> None:
        self._heard = Hypothesis(words, no_speech=0.0, log_probability=-0.1, compression=1.0)

    def hear(self, *_: object) -> Hypothesis:
        return self._heard


def believed(words: tuple[Word, ...], speech: list[float]) -> list[Word]:
    """The words that become final in the hops with these voice activity probabilities."""
    stream = StreamingTranscriber(Claiming(words), window=4, buffer=8, threshold=0.5)
    final: list[Word] = []
    count = len(speech) // STEPS
    for number in range(count):
        voices = np.array(speech[number * STEPS : (number + 1) * STEPS], np.float32)
        hop = AudioHop(number, np.zeros(HOP, np.float32), voices, ended=number == count - 1)
        stream.extend(hop)
        final += stream.update(object(), hop).words
    return final


@given(claimed(), st.integers(0, 10 * SECOND), probabilities, st.floats(-5, 0), st.floats(0, 9))
def test_words_without_speech_have_no_evidence_whatever_whisper_claims(
    words: tuple[Word, ...], age: int, no_speech: float, log_probability: float, compression: float
) -> None:
    told = Words(7, words, 0, no_speech, log_probability, compression)
    window = Window(7, 0, 4 * SECOND, 0, words, age, told, {})
    for share in (0.0, math.nan):
        for spoken in (np.zeros(20, np.bool_), np.ones(20, np.bool_)):
            assert words_evidence(window, share, spoken).score == 0


@pytest.mark.slow
@pytest.mark.parallel
@given(claimed(), st.lists(st.floats(0, 0.5), min_size=8 * STEPS, max_size=8 * STEPS))
def test_no_word_is_believed_where_nobody_speaks(
    words: tuple[Word, ...], speech: list[float]
) -> None:
    assert not believed(words, speech)


@given(claimed(), times, times)
def test_a_word_is_believed_only_around_speech(
    words: tuple[Word, ...], start: int, length: int
) -> None:
    steps = np.arange(8 * STEPS) * SECOND // 50
    speech = (steps >= start) & (steps < start + length)
    for word in believed(words, [float(speaking) for speaking in speech]):
        near = (steps > word.start - SECOND // 8) & (steps < word.end + SECOND // 8)
        assert (speech & near).sum() / 50 >= SPOKEN_SECONDS


def test_a_claimed_word_is_believed_where_somebody_speaks() -> None:
    word = Word("thanks", SECOND, 2 * SECOND, 0.9)
    assert believed((word,), [1.0] * 8 * STEPS) == [word]


def one(source: str, kind: str, *, used: bool, words: str = "you") -> Judged:
    noise = Noise(kind, source, "as recorded", np.zeros(0, np.float32))
    mine = Outcome(words if used else "", used, 0.25 * used)
    return Judged(noise, {"bare": Outcome(words, True, 0.5), "limits": mine, "guard": mine})


def test_windows_are_counted_by_kind_and_group_and_clips_apart() -> None:
    judged = [one("1-1", "rain", used=False) for _ in range(6)]
    judged += [one("1-2", "rain", used=True), one("1-3", "baby_cry", used=False)]
    judged += [one("d6", CLIP, used=True)]
    counted = figures(judged)
    assert list(counted) == ["rain", "baby_cry", CLIP, "human sounds of ESC-10", "ESC-10", ALL]
    assert {name: row["windows"] for name, row in counted.items()} == {
        "rain": 7, "baby_cry": 1, CLIP: 1, "human sounds of ESC-10": 1, "ESC-10": 8, ALL: 8
    }  # fmt: skip
    assert counted[ALL]["sources"] == 3
    assert counted[ALL]["guard"]["used"] == counted[ALL]["guard"]["words"] == 1 / 8
    assert counted[ALL]["guard"]["moved"] == 0.25 / 8
    assert counted[ALL]["bare"]["used"] == 1
    assert [item["source"] for item in came_through(judged)] == ["1-2", "d6"]


def test_the_interval_is_wilsons() -> None:
    assert wilson(0.0, 10) == pytest.approx((0, 0.2775), abs=1e-3)
    assert wilson(0.1, 100) == pytest.approx((0.0552, 0.1744), abs=1e-3)


def test_sounds_made_here_have_their_level_and_are_the_same_each_time() -> None:
    silence, *rest = made(seeds=1)
    assert not silence.samples.any()
    assert {noise.kind for noise in rest} == set(MADE)
    for noise, again in zip(rest, islice(made(seeds=1), 1, None), strict=True):
        assert np.array_equal(noise.samples, again.samples)
        level = 10 * np.log10(np.mean(np.square(noise.samples)))
        assert level == pytest.approx(float(noise.level.split()[0]), abs=1.5)  # but for clipping


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="ESC-10"):
        list(recorded(tmp_path))


@pytest.fixture(scope="module")
def models(assets: Assets) -> Stage:  # noqa: ARG001 skips where they are missing
    return Stage.load(load_settings())


@pytest.fixture(scope="module")
def esc10(data_folder: Path) -> Iterator[Noise]:
    folder = data_folder / "noise" / "esc10"
    if not folder.is_dir():
        pytest.skip(f"no recordings of ESC-10 at {folder}")
    return recorded(folder, stride=20)


@pytest.mark.slow
@pytest.mark.parallel
def test_no_words_of_silence_noise_and_music_reach_the_value(models: Stage) -> None:
    sounds = [noise for noise in made(seeds=1) if noise.level in ("", "-30 dB")]
    judged = [window for noise in sounds for window in judge(noise, models)]
    assert {window.noise.kind for window in judged} == {"digital silence", *MADE}
    assert not came_through(judged)
    counted = figures(judged)[ALL]
    assert counted["guard"]["moved_most"] == 0
    assert counted["bare"]["used"] > 0.5, "Whisper no longer invents any words here"
    assert counted["bare"]["moved"] > 0.05


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.long
def test_words_in_recorded_noise_are_rare_but_for_human_sounds(
    models: Stage, esc10: Iterator[Noise]
) -> None:
    judged = [window for noise in esc10 for window in judge(noise, models)]
    counted = figures(judged)[ALL]
    assert counted["windows"] >= 2 * 10 * len(LEVELS)
    assert counted["bare"]["used"] > 0.9
    assert counted["guard"]["used"] < 0.1
    others = figures(window for window in judged if window.noise.kind not in HUMAN)[ALL]
    assert others["guard"]["used"] < 0.01


@pytest.mark.slow
@pytest.mark.parallel
def test_words_that_were_spoken_reach_the_value(models: Stage, assets: Assets) -> None:
    speech = read(assets.file("demo-media", "beckett.wav"))[: 8 * SAMPLE_RATE]
    judged = judge(Noise("speech", "beckett", "as recorded", speech), models)
    assert all(window.outcomes["guard"].used for window in judged)
    assert max(window.outcomes["guard"].moved for window in judged) > 0.05
    assert "again" in judged[-1].outcomes["guard"].words.lower()
