"""The bare components: the same calls on the same media, and nothing around them."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from actors.audio_sources import FileAudioSource
from actors.hop_cutter import HopCutter
from actors.video_sources import FileVideoSource
from models.checkpoint import load
from models.checkpoint_files import checkpoint_folder, tuned_weights
from models.estimator import Estimator
from models.features.face_reader import LOOK_SIZE, FaceReader
from models.features.voice import encode, hidden_states
from models.features.voice_features import VOICE_SIZE, voice_features
from models.features.voice_reader import VoiceReader
from models.features.words import WordsEncoder
from models.hearing import load_whisper
from models.transcription import Recognizer, StreamingTranscriber
from models.voice_activity import VoiceActivity
from streamer.assets import Assets
from streamer.packets import (
    SAMPLE_RATE,
    SECOND,
    AudioHop,
    Evidence,
    Floats,
    Stream,
    StreamWindow,
    Window,
    Word,
    Words,
)
from streamer.settings import Settings

if TYPE_CHECKING:
    from ctranslate2 import StorageView
    from faster_whisper import WhisperModel


def face(settings: Settings, seconds: float) -> float:
    """Processor seconds of reading the face in the same pictures; decoding does not count."""
    source = FileVideoSource(str(settings.source.file), settings.camera.frame_rate, loop=True)
    source.open()
    source.start(0)
    spent = 0.0
    task = Assets(settings.assets).file("face-landmarker", "face_landmarker.task")
    with closing(FaceReader(task, tuned_weights(settings, "vision"), "video")) as reader:
        while (frame := source.read(1.0)) and frame.captured_at < seconds * SECOND:
            spent += _timed(lambda: reader.read(frame.image, frame.captured_at))
    source.close()
    return spent


def whisper(settings: Settings, seconds: float) -> tuple[float, float]:
    """Processor seconds of the voice features, Whisper's encoder included, and of decoding."""
    model = load_whisper(settings)
    stream = StreamingTranscriber(
        Recognizer(model),
        window=settings.window.length,
        buffer=settings.transcriber.buffer,
        threshold=settings.transcriber.speech_threshold,
    )
    voice_activity = VoiceActivity()
    encoding = decoding = 0.0
    for number, samples in enumerate(_hops(settings, seconds)):
        hop = AudioHop(number, samples, voice_activity(samples))
        stream.extend(hop)
        began = time.process_time()
        encoded = _voice(model, stream, settings)
        encoding += time.process_time() - began
        decoding += _timed(lambda: stream.update(encoded, hop))  # noqa: B023
    return encoding, decoding


def _voice(
    model: "WhisperModel", stream: StreamingTranscriber, settings: Settings
) -> "StorageView":
    """Encodes what the stream holds and computes the voice features, as the transcriber does."""
    encoded = encode(model, stream.samples)
    hidden = hidden_states(encoded, stream.seconds)
    voice_features(hidden, stream.samples, stream.speech, settings.window.length)
    return encoded


def network(settings: Settings, estimates: int) -> tuple[float, float]:
    """Processor seconds of encoding the words, new ones for every other estimate, and of as many
    estimates without that."""
    words = WordsEncoder(Assets(settings.assets).path("minilm-l6"), tuned_weights(settings, "text"))
    voice_reader = VoiceReader.load(tuned_weights(settings, "audio"))
    estimator = Estimator(load(checkpoint_folder(settings)), words, voice_reader, floor=0.0)
    generator = np.random.default_rng(0)
    good = Evidence(1.0, None, {"speech_share": 1.0})
    everywhere = np.ones(20, np.bool_)
    voice = StreamWindow(
        generator.normal(size=(20, VOICE_SIZE)).astype(np.float32), everywhere, good
    )
    look = StreamWindow(generator.random((20, LOOK_SIZE)).astype(np.float32), everywhere, good)
    encoding = spent = 0.0
    for number in range(estimates):
        said = tuple(Word(f"word {number // 2 + n}", 0, SECOND, 0.9) for n in range(9))
        heard = Words(number, said, SECOND, 0.0, -0.2, 1.0)
        streams: dict[Stream, StreamWindow] = {"audio": voice, "vision": look}
        window = Window(number, 0, SECOND, number % 2, said, 0, heard, streams)
        spent += _timed(lambda: estimator.estimate(window))  # noqa: B023
        if number % 2 == 0:
            encoding += _timed(lambda: words.encode([word.text for word in said]))  # noqa: B023
    return encoding, spent - encoding


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
