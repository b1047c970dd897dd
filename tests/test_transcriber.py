"""The transcriber's actor, on real speech."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from actors.transcriber import Transcriber
from models.hearing import Hearing
from models.voice_activity import VoiceActivity
from streamer.assets import Assets
from streamer.damage_option import parse
from streamer.media import decode_audio
from streamer.packets import SAMPLE_RATE, SECOND, AudioHop, VoiceFrames, Words
from streamer.settings import load_settings
from tests.computing import threads_in

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
@pytest.mark.parallel
def test_damage_is_done_to_the_words(assets: Assets) -> None:
    clean = said(assets, "audio:mute@100-")
    assert len(clean) > 3
    assert said(assets, "words:drop=1") == []
    assert set(clean) < set(said(assets, "words:invent=1"))


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.usefixtures("assets")
def test_a_hop_whose_window_has_closed_is_left_out_where_the_next_one_waits() -> None:
    """And of several that wait at least every fourth is heard, however late it is."""
    now = [0]
    sent: list[VoiceFrames | Words] = []
    transcriber = Transcriber(load_settings(), sent.append, clock=lambda: now[0])
    transcriber.start(epoch=0)
    silence = np.zeros(HOP, np.float32)
    for hop in range(12):
        now[0] = (hop + 1) * SECOND // 2 + (0 if hop < 2 else 10 * SECOND)
        ended = hop == 11
        transcriber.push(AudioHop(hop, silence, np.zeros(25, np.float32), hop, ended=ended))
    assert transcriber.stats()["skipped"] == 7
    transcriber.stop()
    voices = [packet for packet in sent if isinstance(packet, VoiceFrames)]
    assert [(voice.hop, voice.dropped) for voice in voices] == [
        (0, 0), (1, 1), (5, 5 + 3), (9, 9 + 6), (11, 11 + 7),
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.usefixtures("assets")
def test_one_thread_computes_whoever_pushes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every thread that ever did would hold memory to the end."""
    computing = threads_in(monkeypatch, Hearing, "warm_up", "hear")
    sent: list[VoiceFrames | Words] = []
    transcriber = Transcriber(load_settings(), sent.append)
    transcriber.open()
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        for number, pusher in enumerate((one, other)):
            hop = AudioHop(number, np.zeros(HOP, np.float32), np.zeros(25, np.float32))
            pusher.submit(transcriber.push, hop).result()
    transcriber.stop()
    assert len(sent) == 4
    assert len(computing) == 1


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.usefixtures("assets")
@pytest.mark.parametrize("age", [0.0, 0.4])
def test_a_hop_that_is_the_newest_is_heard(age: float) -> None:
    sent: list[VoiceFrames | Words] = []
    late = round((0.5 + age) * SECOND)
    transcriber = Transcriber(load_settings(), sent.append, clock=lambda: late)
    transcriber.start(epoch=0)
    transcriber.push(AudioHop(0, np.zeros(HOP, np.float32), np.zeros(25, np.float32)))
    transcriber.stop()
    assert len(sent) == 2
