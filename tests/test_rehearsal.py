"""A session without processes, over real speech and real pictures."""

import numpy as np
import pytest

from models.hearing import load_whisper
from models.rehearsal import hear, watch, windows
from streamer.assets import Assets
from streamer.damage_option import parse
from streamer.media import decode_audio
from streamer.packets import SAMPLE_RATE, SECOND, FaceFrames, Floats, VideoFrame, VoiceFrames, Words
from streamer.settings import Settings, load_settings

SECONDS = 3


@pytest.fixture(scope="module")
def speech(assets: Assets) -> Floats:
    path = assets.file("demo-media", "beckett.wav")
    samples = np.concatenate([chunk.samples for chunk in decode_audio(str(path))])
    return samples[: SECONDS * SAMPLE_RATE + 100]


def settings(damage: str = "audio:mute@100-") -> Settings:
    return load_settings(options={"source.file": "beckett.wav", "damage": parse(damage)})


@pytest.mark.slow
@pytest.mark.parallel
def test_every_hop_has_a_voice_then_its_words(speech: Floats) -> None:
    sent = hear(speech, settings(), load_whisper(settings()))
    assert [packet.hop for packet in sent] == [hop // 2 for hop in range(4 * SECONDS)]
    assert [type(packet) for packet in sent[:2]] == [VoiceFrames, Words]
    assert [packet.ended for packet in sent[-2:]] == [True, True]
    assert not any(packet.ended for packet in sent[:-2])
    last = list(windows(sent, settings()))[-1]
    assert last.end == SECONDS * SECOND
    assert [word.text.strip(",.") for word in last.words][:2] == ["Ever", "tried"]


@pytest.mark.slow
@pytest.mark.parallel
def test_damage_is_heard_where_it_was_asked_for(speech: Floats) -> None:
    whisper = load_whisper(settings())
    sent = hear(speech, settings("audio:mute=1@1.5-"), whisper, words=False)
    scores = [packet.evidence.score for packet in sent if isinstance(packet, VoiceFrames)]
    clean = hear(speech, settings(), whisper, words=False)
    assert len(sent) == len(clean) == 2 * SECONDS
    before = [packet.evidence.score for packet in clean if isinstance(packet, VoiceFrames)]
    assert scores[:3] == before[:3]
    assert scores[-1] < 0.2 < before[-1]


@pytest.mark.slow
@pytest.mark.parallel
def test_pictures_go_into_the_hop_of_their_time() -> None:
    pictures = [
        VideoFrame(number * SECOND // 5, np.full((48, 64, 3), number, np.uint8))
        for number in range(10)
    ]
    sent = watch(pictures, settings(), 5)
    assert all(isinstance(packet, FaceFrames) for packet in sent)
    assert [len(packet.captured_at) for packet in sent] == [3, 2, 3, 2, 0]
    assert [packet.ended for packet in sent] == [False] * 4 + [True]
    window = list(windows(sent, settings()))[3]
    assert window.streams["vision"].evidence.reason == "no face"
