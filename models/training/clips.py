"""A trained network on recorded clips that no corpus contains: does it carry to live signals?"""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import torch

from actors.opencv import open_file
from models.checkpoint_files import TUNED
from models.features.face import face_steps
from models.features.face_reader import FaceReader
from models.features.voice import encode, hidden_states
from models.features.voice_features import voice_features
from models.features.voice_history import VoiceHistory
from models.features.voice_reader import Reader
from models.qamoe import QAMoE
from models.training.tables import ModelFiles
from models.training.views import CLIP_SECONDS, decode
from models.voice_activity import VoiceActivity
from streamer.errors import SourceError
from streamer.packets import SAMPLE_RATE, SECOND, Flags, Floats, Stream

CLIPS: dict[str, tuple[Stream, ...]] = {
    "talking_head_en_8s.mp4": ("audio", "vision"),
    "liveportrait_d6.mp4": ("vision",),  # nobody speaks
    "liveportrait_d11.mp4": ("audio", "vision"),
    "liveportrait_d14.mp4": ("vision",),
    "grid_bbaf2n.mpg": ("audio", "vision"),
    "grid_lbax4n.mpg": ("audio", "vision"),
    "grid_swiz3n.mpg": ("audio", "vision"),
    "jfk.flac": ("audio",),
}
"""Clips under the data's folder ``clips``, with the streams that hold something."""

FRAME_STRIDE = 2
"""Every second picture is analysed, as live."""

Clip = dict[Stream, tuple[Floats, Flags]]


def load_clips(data: Path, models: ModelFiles, voice: Reader) -> dict[str, Clip]:
    """Features (steps, size) and mask (steps,) of the last window of each clip that is there; each
    voice is heard for the first time."""
    from faster_whisper import WhisperModel

    whisper = WhisperModel(
        str(models.whisper), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True
    )
    clips: dict[str, Clip] = {}
    for name, streams in CLIPS.items():
        path = data / "clips" / name
        if not path.is_file():
            continue
        clips[name] = {}
        if "audio" in streams:
            samples = decode(path)
            hidden = hidden_states(encode(whisper, samples), len(samples) / SAMPLE_RATE)
            steps, mask = voice_features(hidden, samples, VoiceActivity()(samples), CLIP_SECONDS)
            relative = VoiceHistory(voice.prior).normalise(steps)
            clips[name]["audio"] = voice.read(relative[None], mask[None])[0], mask
        if "vision" in streams:
            clips[name]["vision"] = _faces(path, models)
    return clips


def clip_figures(model: QAMoE, clips: Mapping[str, Clip]) -> dict[str, dict[str, float]]:
    """Per clip the value, and per stream r and the root mean square of the standardised features,
    which is 1 on the training data."""
    figures = {}
    for name, clip in clips.items():
        features = {m: torch.from_numpy(values)[None] for m, (values, _) in clip.items()}
        masks = {m: torch.from_numpy(mask)[None] for m, (_, mask) in clip.items()}
        with torch.inference_mode():
            prediction = model(features, masks)
            row = {"value": prediction.value.item()}
            for stream in clip:
                scaled = model.standardisation(stream)(features[stream])[masks[stream]]
                row[f"{stream}_r"] = prediction.reliability[stream].item()
                row[f"{stream}_rms"] = scaled.square().mean().sqrt().item()
        figures[name] = row
    return figures


def _faces(path: Path, models: ModelFiles) -> tuple[Floats, Flags]:
    capture = open_file(str(path))
    rate = capture.get(cv2.CAP_PROP_FPS) or 25.0
    times, faces = [], []
    try:
        weights = models.tuned / TUNED["vision"]
        with closing(FaceReader(models.face_landmarker, weights, "video")) as reader:
            number = 0
            while (frame := capture.read())[0]:
                if number % FRAME_STRIDE == 0:
                    times.append(round(number / rate * SECOND))
                    faces.append(reader.read(np.asarray(frame[1], np.uint8), times[-1]))
                number += 1
    finally:
        capture.release()
    if not faces:
        raise SourceError(f"clip {path}: holds no pictures")
    end = times[-1] + 1
    return face_steps(
        np.array(times, np.int64),
        np.stack([face.features for face in faces]),
        np.array([face.found for face in faces]),
        max(0, end - round(CLIP_SECONDS * SECOND)),
        end,
    )
