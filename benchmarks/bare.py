"""The bare components: the same calls on the same media, and nothing around them."""

import time
from collections.abc import Callable, Iterator

import numpy as np

from actors.analyzer import checkpoint_folder
from actors.audio_sources import FileAudioSource
from actors.hop_cutter import HopCutter
from actors.transcriber import load_whisper
from actors.video_sources import FileVideoSource
from models.checkpoint import load
from models.estimator import Estimator
from models.features.face import FaceTracker
from models.features.voice import encode
from models.features.words import WordsEncoder
from models.transcription import Recognizer, StreamingTranscriber
from models.voice_activity import VoiceActivity
from streamer.assets import Assets
from streamer.packets import (
    SAMPLE_RATE,
    SECOND,
    AudioHop,
    Evidence,
    Floats,
    StreamWindow,
    Window,
    Word,
    Words,
)
from streamer.settings import Settings


def face(settings: Settings, seconds: float) -> float:
    """Processor seconds of tracking the face in the same pictures; decoding does not count."""
    source = FileVideoSource(str(settings.source.file), settings.camera.frame_rate, loop=True)
    source.open()
    source.start(0)
    spent = 0.0
    task = Assets(settings.assets).file("face-landmarker", "face_landmarker.task")
    with FaceTracker(task, "video") as tracker:
        while (frame := source.read(1.0)) and frame.captured_at < seconds * SECOND:
            spent += _timed(lambda: tracker.track(frame.image, frame.captured_at))
    source.close()
    return spent


def whisper(settings: Settings, seconds: float) -> float:
    """Processor seconds of encoding and decoding the same hops."""
    model = load_whisper(settings)
    stream = StreamingTranscriber(
        Recognizer(model),
        window=settings.window.length,
        buffer=settings.transcriber.buffer,
        threshold=settings.transcriber.speech_threshold,
    )
    voice_activity = VoiceActivity()
    spent = 0.0
    for number, samples in enumerate(_hops(settings, seconds)):
        hop = AudioHop(number, samples, voice_activity(samples))
        stream.extend(hop)
        spent += _timed(lambda: stream.update(encode(model, stream.samples), hop))  # noqa: B023
    return spent


def network(settings: Settings, estimates: int) -> float:
    """Processor seconds of as many estimates, every other one with new words."""
    words = WordsEncoder(Assets(settings.assets).path("minilm-l6"))
    estimator = Estimator(load(checkpoint_folder(settings)), words, floor=0.0)
    generator = np.random.default_rng(0)
    good = Evidence(1.0, None, {"speech_share": 1.0})
    everywhere = np.ones(20, np.bool_)
    voice = StreamWindow(generator.normal(size=(20, 384)).astype(np.float32), everywhere, good)
    look = StreamWindow(generator.random((20, 55)).astype(np.float32), everywhere, good)
    spent = 0.0
    for number in range(estimates):
        said = tuple(Word(f"word {number // 2 + n}", 0, SECOND, 0.9) for n in range(9))
        heard = Words(number, said, SECOND, 0.0, -0.2, 1.0)
        streams = {"audio": voice, "vision": look}
        window = Window(number, 0, SECOND, number % 2, said, 0, heard, streams)
        spent += _timed(lambda: estimator.estimate(window))  # noqa: B023
    return spent


def _timed(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def _hops(settings: Settings, seconds: float) -> Iterator[Floats]:
    source = FileAudioSource(str(settings.source.file), loop=True)
    source.open()
    source.start(0)
    cutter = HopCutter(settings.window.hop_ns * SAMPLE_RATE // SECOND)
    for hop in range(round(seconds / settings.window.hop)):
        while cutter.filled < (hop + 1) * settings.window.hop_ns:
            chunk = source.read(1.0)
            if chunk is not None:
                cutter.add(chunk)
        yield cutter.cut()
    source.close()
