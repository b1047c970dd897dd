"""How fast this machine is: each component alone, on real media, as a session calls it."""

import os
from collections.abc import Iterator

import torch

from streamer.assets import Assets
from streamer.doctor import components
from streamer.doctor.findings import Finding, judged
from streamer.errors import UserError
from streamer.settings import Settings

SECONDS = 5.0
"""Of media that each component is given."""

COMFORTABLE = 0.8
"""Share of one core that a component, and of all cores that their sum, may take."""

FACE, VOICE = "single_face.mp4", "two_cities.wav"


def check_speed(settings: Settings) -> Iterator[Finding]:
    """Processor seconds a second of media of the face reader, Whisper and the network, and of all
    that a session would run."""
    torch.set_num_threads(1)
    try:
        costs = _costs(settings)
    except UserError as error:
        yield Finding("speed", "warning", f"not measured: {error}", "mend what is missing first")
        return
    for name, cost in costs.items():
        found = f"{cost:.2f} s of processor time a second"
        advice = "too slow for this machine: camera: {frame_rate: 5}, or a stream off"
        yield judged(f"speed of {name}", found, cost <= COMFORTABLE, advice, "warning")
    cores = os.cpu_count() or 1
    total = sum(costs.values())
    found = f"{total:.2f} s of processor time a second on {cores} cores"
    advice = "windows will be late: camera: {frame_rate: 5}, or a stream off"
    yield judged("speed of a session", found, total <= COMFORTABLE * cores, advice, "warning")


def _costs(settings: Settings) -> dict[str, float]:
    media = Assets(settings.assets)
    costs: dict[str, float] = {}
    if settings.camera.device != "off":
        faces = _playing(settings, str(media.file("demo-media", FACE)))
        components.face(faces, 1.0)  # the first pictures load the graph
        costs["the face reader"] = components.face(faces, SECONDS) / SECONDS
    if settings.microphone.device != "off":
        voices = _playing(settings, str(media.file("demo-media", VOICE)))
        costs["Whisper"] = sum(components.whisper(voices, SECONDS)) / SECONDS
    windows = round(2 * SECONDS / settings.window.hop)  # each comes again with its words
    costs["the network"] = sum(components.network(settings, windows)) / SECONDS
    return costs


def _playing(settings: Settings, file: str) -> Settings:
    source = settings.source.model_copy(update={"file": file})
    return settings.model_copy(update={"source": source})
