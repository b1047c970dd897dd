"""The transcriber's actor, on real speech."""

import numpy as np
import pytest

from actors.transcriber import Transcriber
from models.voice_activity import VoiceActivity
from streamer.assets import Assets
from streamer.damage_option import parse
from streamer.media import decode_audio
from streamer.packets import SAMPLE_RATE, AudioHop, VoiceFrames, Words
from streamer.settings import load_settings

HOP = SAMPLE_RATE // 2
SECONDS = 5


def said(assets: Assets, damage: str) -> list[str]:
    settings = load_settings(options={"damage": parse(damage), "source.file": "beckett.wav"})
    path = assets.file("demo-media", "beckett.wav")
    samples = np.concatenate([chunk.samples for chunk in decode_audio(str(path))])
    sent: list[VoiceFrames | Words] = []
    transcriber = Transcriber(settings, sent.append)
    voice_activity = VoiceActivity()
    for hop, part in enumerate(samples[: SECONDS * SAMPLE_RATE].reshape(-1, HOP)):
        last = hop == 2 * SECONDS - 1
        transcriber.push(AudioHop(hop, part, voice_activity(part), ended=last))
    transcriber.stop()
    return [word.text for packet in sent if isinstance(packet, Words) for word in packet.words]


@pytest.mark.slow
def test_damage_is_done_to_the_words(assets: Assets) -> None:
    clean = said(assets, "audio:mute@100-")
    assert len(clean) > 3
    assert said(assets, "words:drop=1") == []
    assert set(clean) < set(said(assets, "words:invent=1"))
