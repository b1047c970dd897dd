from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import jiwer
import numpy as np
import pytest
from faster_whisper import WhisperModel, decode_audio

from models.features.voice import encode
from models.transcription import Hypothesis, Recognizer, StreamingTranscriber
from models.voice_activity import VoiceActivity
from streamer.assets import Assets
from streamer.packets import SAMPLE_RATE, SECOND, AudioHop, Floats, Word, Words

HOP = SAMPLE_RATE // 2

SAID = {
    "jfk.flac": "and so my fellow americans ask not what your country can do for you "
    "ask what you can do for your country",
    "talking_head_en_8s.mp4": "everyone here today endeavoring towards a better more just future "
    "for our country and our world in fidelity",
}


@pytest.fixture(scope="module")
def whisper(assets: Assets) -> WhisperModel:
    folder = assets.path("whisper-tiny.en")
    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1)


def hops(samples: Floats) -> Iterator[AudioHop]:
    voice_activity = VoiceActivity()
    count = -(-len(samples) // HOP)
    padded = np.pad(samples, (0, count * HOP - len(samples)))
    for hop in range(count):
        part = padded[hop * HOP : (hop + 1) * HOP]
        yield AudioHop(hop, part, voice_activity(part), ended=hop == count - 1)


def transcribe(whisper: WhisperModel, samples: Floats) -> list[Words]:
    stream = StreamingTranscriber(Recognizer(whisper), window=4.0, buffer=8.0, threshold=0.5)
    heard = []
    for hop in hops(samples):
        stream.extend(hop)
        assert stream.seconds <= 8.0
        heard.append(stream.update(encode(whisper, stream.samples), hop))
    return heard


def text(heard: list[Words]) -> str:
    words = [word.text.lower() for packet in heard for word in packet.words]
    return " ".join("".join(filter(str.isalnum, word)) for word in words)


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize(("file", "limit"), [("jfk.flac", 0.10), ("talking_head_en_8s.mp4", 0.15)])
def test_words_of_real_speech_arrive_while_it_goes_on(
    whisper: WhisperModel, data_folder: Path, file: str, limit: float
) -> None:
    heard = transcribe(whisper, decode_audio(str(data_folder / "clips" / file)))
    assert jiwer.wer(SAID[file], text(heard)) < limit
    delays = [(packet.hop + 1) / 2 - word.end / SECOND for packet in heard for word in packet.words]
    assert np.percentile(delays, 90) <= 2.0, "words wait for ever-longer agreement"


@pytest.mark.slow
@pytest.mark.parallel
def test_capture_times_do_not_depend_on_how_the_speech_lies_in_the_hops(
    whisper: WhisperModel, data_folder: Path
) -> None:
    samples = decode_audio(str(data_folder / "clips" / "jfk.flac"))
    shift = HOP + 2000
    plain = transcribe(whisper, samples)
    later = transcribe(whisper, np.pad(samples, (shift, 0)))

    def ends(heard: list[Words]) -> dict[str, float]:
        return {w.text.strip(".,"): w.end / SECOND for packet in heard for w in packet.words}

    common = ends(plain).keys() & ends(later).keys()
    assert len(common) >= 8
    moved = [ends(later)[word] - ends(plain)[word] - shift / SAMPLE_RATE for word in common]
    assert np.median(np.abs(moved)) < 0.1


@pytest.mark.slow
@pytest.mark.parallel
def test_final_words_come_in_order_and_are_never_taken_back(
    whisper: WhisperModel, assets: Assets
) -> None:
    samples = decode_audio(str(assets.file("demo-media", "two_cities.wav")))[: 15 * SAMPLE_RATE]
    heard = transcribe(whisper, samples)
    starts = [word.start for packet in heard for word in packet.words]
    watermarks = [packet.final_until for packet in heard]
    assert starts == sorted(starts)
    assert watermarks == sorted(watermarks)
    assert watermarks[-1] == len(heard) * SECOND // 2
    late = [
        word
        for before, packet in pairwise(heard)
        for word in packet.words
        if (word.start + word.end) // 2 < before.final_until - SECOND // 10
    ]
    assert not late


@pytest.mark.slow
@pytest.mark.parallel
def test_silence_and_noise_bring_no_words(whisper: WhisperModel) -> None:
    generator = np.random.default_rng(0)
    noise = (0.05 * generator.normal(size=6 * SAMPLE_RATE)).astype(np.float32)
    assert text(transcribe(whisper, np.zeros_like(noise))) == ""
    assert text(transcribe(whisper, noise)) == ""


def test_missing_sound_is_heard_as_silence(whisper: WhisperModel) -> None:
    missing = np.full(3 * SAMPLE_RATE, np.nan, np.float32)
    heard = transcribe(whisper, missing)
    assert text(heard) == ""
    assert heard[-1].final_until == 3 * SECOND


class Scripted(Recognizer):
    """Hears what the script says, pass by pass: for the agreement alone."""

    def __init__(self, script: list[list[Word]], **figures: float) -> None:
        self._script = iter(script)
        self._figures = figures

    def hear(self, *_: object) -> Hypothesis:
        return Hypothesis(tuple(next(self._script)), **self._figures)


def word(said: str, start: float, end: float) -> Word:
    return Word(said, round(start * SECOND), round(end * SECOND), 0.9)


def agree(script: list[list[Word]], **figures: float) -> list[list[str]]:
    stream = StreamingTranscriber(Scripted(script, **figures), window=4, buffer=8, threshold=0.5)
    heard = []
    for number in range(len(script)):
        hop = AudioHop(number, np.zeros(HOP, np.float32), np.ones(25, np.float32))
        stream.extend(hop)
        heard.append([item.text for item in stream.update(object(), hop).words])
    return heard


def test_a_word_is_final_once_two_passes_agree() -> None:
    first = [word("I", 0.0, 0.1), word("can", 0.15, 0.4)]
    second = [word("I", 0.0, 0.1), word("can't", 0.15, 0.5), word("go", 0.5, 0.7)]
    assert agree([first, second, second, second]) == [[], ["I"], ["can't", "go"], []]


def test_words_foretold_beyond_the_sound_do_not_count() -> None:
    loop = [word("so", 0.0, 0.2), *[word("so", 0.45, 0.45)] * 4]
    assert agree([loop, loop, loop]) == [[], ["so"], []]


@pytest.mark.parametrize(
    "figures",
    [{"compression": 3.0}, {"log_probability": -1.5}, {"no_speech": 0.9, "log_probability": -0.8}],
    ids=["repetition", "improbable", "silence"],
)
def test_a_failed_pass_is_refused(figures: dict[str, float]) -> None:
    said = [word("thanks", 0.0, 0.2)]
    assert agree([said] * 3, **figures) == [[], [], []]


def heard_hops(*numbers: int) -> StreamingTranscriber:
    stream = StreamingTranscriber(Scripted([]), window=4, buffer=8, threshold=0.5)
    for number in numbers:
        stream.extend(AudioHop(number, np.full(HOP, number, np.float32), np.ones(25, np.float32)))
    return stream


def test_hops_that_never_came_are_missing_and_move_nothing() -> None:
    stream = heard_hops(0, 1, 4)
    assert stream.start == 0
    assert len(stream.samples) == 5 * HOP
    assert len(stream.speech) == 5 * 25
    np.testing.assert_array_equal(stream.samples[4 * HOP :], 4)
    assert np.isnan(stream.samples[2 * HOP : 4 * HOP]).all()
    assert not stream.speech[50:100].any()


def test_one_that_begins_amid_a_session_knows_nothing_of_what_was_before() -> None:
    stream = heard_hops(100)
    assert stream.start == 50 * SECOND
    said = stream.update(None, AudioHop(100, np.zeros(HOP, np.float32), np.zeros(25, np.float32)))
    assert said.final_until >= 50 * SECOND


def test_a_long_pause_costs_no_more_than_the_buffer_holds() -> None:
    stream = heard_hops(0, 1_000_000)
    assert len(stream.samples) <= 17 * HOP
    assert stream.start + stream.seconds * SECOND == 500_000.5 * SECOND
