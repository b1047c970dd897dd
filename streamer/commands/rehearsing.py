"""``qamoe-stream chaos``: faults on purpose."""

from typing import Annotated

import typer

from streamer.commands.preparing import prepared, pull_missing
from streamer.options import Camera, Config, Microphone, Offline


def chaos(
    seed: Annotated[int, typer.Option(help="The same seed draws the same faults.")] = 0,
    duration: Annotated[float, typer.Option(help="Seconds until the end.", min=1)] = 60.0,
    every: Annotated[float, typer.Option(help="Seconds between faults, about.", min=1)] = 10.0,
    camera: Camera = None,
    mic: Microphone = None,
    source: Annotated[
        str | None, typer.Option(help="A media file instead of devices, looped.")
    ] = None,
    config: Config = None,
    offline: Offline = False,
) -> None:
    """Do faults to a session at random, from killed actors on, and see that it recovers."""
    settings = prepared(
        config,
        {
            "camera.device": camera,
            "microphone.device": mic,
            "source.file": source,
            "source.loop": source is not None or None,
            "source.speed": "real",
            "supervision.restarts": 100,
            "feed.bind": "tcp://127.0.0.1:0",
            "assets.offline": offline or None,
        },
    )
    pull_missing(settings)
    from streamer.chaos import chaos as rehearse_all

    rehearse_all(settings, seed, duration, every, typer.echo)
