"""What this machine has: devices and model files."""

from typing import Annotated

import typer

from streamer.commands.preparing import prepared
from streamer.options import Bind, Camera, Config, Microphone, Offline


def devices() -> None:
    """List the microphones and cameras of this machine."""
    from streamer.devices import list_devices

    typer.echo(str(list_devices()))


def doctor(
    camera: Camera = None,
    mic: Microphone = None,
    bind: Bind = None,
    config: Config = None,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    speed: Annotated[bool, typer.Option(help="Measure each component, some ten seconds.")] = True,
) -> None:
    """Say whether a session would run on this machine, and what to do where it would not."""
    from rich.console import Console

    from streamer.doctor.examination import as_json, examine, print_report

    options = {"camera.device": camera, "microphone.device": mic, "feed.bind": bind}
    report = examine(prepared(config, options), speed)
    if json:
        typer.echo(as_json(report))
    else:
        print_report(report, Console())
    raise typer.Exit(0 if report.healthy else 1)


def pull(names: Annotated[list[str] | None, typer.Argument()] = None, config: Config = None,
         offline: Offline = False) -> None:  # fmt: skip
    """Fetch the model files that are missing, and check them."""
    from streamer.assets import Assets, download_progress

    settings = prepared(config, {"assets.offline": offline or None})
    with download_progress() as progress:
        Assets(settings.assets).pull(names or [], progress)


def list_models(config: Config = None) -> None:
    """List the model files with all hashes checked."""
    from streamer.assets import Assets

    for row in Assets(prepared(config, {}).assets).list():
        size = f"{row.size / 1e6:7.1f} MB"
        typer.echo(f"{row.name:16} {row.state:8} {size}  {row.purpose} ({row.licence}) {row.path}")
