"""The voice and the words of real speech, with and without something left out."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from faster_whisper import WhisperModel

from models.features.voice import HIDDEN_SIZE
from models.hearing import Hearing, load_whisper
from models.voice_activity import VoiceActivity
from streamer.assets import Assets
from streamer.media import decode_audio
from streamer.packets import SAMPLE_RATE, SECOND, AudioHop, VoiceFrames, Words
from streamer.settings import load_settings

HOP = SAMPLE_RATE // 2
SECONDS = 8

pytestmark = [pytest.mark.slow, pytest.mark.parallel]


@pytest.fixture(scope="module")
def whisper(assets: Assets) -> WhisperModel:
    assert assets
    return load_whisper(load_settings())


@pytest.fixture(scope="module")
def speech(assets: Assets) -> list[AudioHop]:
    path = assets.file("demo-media", "two_cities.wav")
    samples = np.concatenate([chunk.samples for chunk in decode_audio(str(path))])
    voice_activity = VoiceActivity()
    parts = samples[: SECONDS * SAMPLE_RATE].reshape(-1, HOP)
    last = len(parts) - 1
    return [
        AudioHop(hop, part, voice_activity(part), ended=hop == last)
        for hop, part in enumerate(parts)
    ]


def heard(hearing: Hearing, hops: list[AudioHop]) -> Iterator[tuple[VoiceFrames, Words | None]]:
    """Of each hop its voice, and its words if there are any."""
    for hop in hops:
        packets = list(hearing.hear(hop))
        assert isinstance(packets[0], VoiceFrames)
        assert all(isinstance(packet, Words) for packet in packets[1:])
        yield packets[0], next((item for item in packets[1:] if isinstance(item, Words)), None)


def texts(words: Sequence[Words | None]) -> list[str]:
    return [word.text for packet in words if packet for word in packet.words]


def test_with_a_longer_hop_all_is_heard_every_other_time(
    whisper: WhisperModel, speech: list[AudioHop]
) -> None:
    full, eased = (Hearing(load_settings(), whisper) for _ in range(2))
    eased.ease(hops=2, words=True)
    usual, words = zip(*heard(full, speech), strict=True)
    voices, fewer = zip(*heard(eased, speech), strict=True)
    assert [voice.hop for voice in voices] == [hop.hop for hop in speech]
    assert sum(packet is not None for packet in fewer) < 0.7 * sum(map(bool, words))
    said = set(texts(words))
    assert len(said & set(texts(fewer))) > 0.7 * len(said)
    for now, before in zip(voices[4:], usual[4:], strict=True):
        assert now.evidence == before.evidence
        assert not (now.mask & ~before.mask).any()
        assert now.mask.sum() >= before.mask.sum() - 3  # the last half second
    for k, packet in enumerate(fewer):
        if k >= 4 and packet is not None:
            np.testing.assert_array_equal(voices[k].mask, usual[k].mask)


def test_between_two_hearings_the_voice_moves_on_with_the_window(
    whisper: WhisperModel, speech: list[AudioHop]
) -> None:
    """What was heard before is nearer to what would be heard now than if it stood still."""
    full, eased = (Hearing(load_settings(), whisper) for _ in range(2))
    eased.ease(hops=2, words=False)
    usual = [voice for voice, _ in heard(full, speech[:12])]
    voices = [voice for voice, _ in heard(eased, speech[:12])]
    between = [k for k in range(6, 12) if not voices[k].mask[-3:].any() and usual[k].mask.any()]
    assert len(between) >= 2
    for k in between:
        known = voices[k].mask & usual[k].mask & usual[k - 1].mask
        assert known.sum() >= 5
        moved, stood = (
            np.abs(other.features[known, :HIDDEN_SIZE] - usual[k].features[known, :HIDDEN_SIZE])
            for other in (voices[k], usual[k - 1])
        )
        assert moved.mean() < 0.5 * stood.mean()


def test_while_words_are_paused_there_are_none_and_the_voice_goes_on(
    whisper: WhisperModel, speech: list[AudioHop]
) -> None:
    hearing = Hearing(load_settings(), whisper)
    hearing.ease(hops=2, words=False)
    before = list(heard(hearing, speech[:9]))
    assert all(words is None for _, words in before)
    assert all(voice.mask.any() for voice, _ in before[4:])
    hearing.ease(hops=1, words=True)
    after = [words for _, words in heard(hearing, speech[9:])]
    assert texts(after)
    first = next(word for packet in after if packet for word in packet.words)
    assert first.start > (9 / 2 - 4 - 1) * SECOND
    assert after[-1] is not None
    assert after[-1].ended


def test_the_end_of_the_words_is_told_even_where_they_are_paused(
    whisper: WhisperModel, speech: list[AudioHop]
) -> None:
    hearing = Hearing(load_settings(), whisper)
    hearing.ease(hops=2, words=False)
    *_, (_, last) = heard(hearing, speech)
    assert last is not None
    assert last.ended
