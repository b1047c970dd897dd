"""What this machine has: devices and model files."""

from typing import Annotated

import typer

from streamer.commands.preparing import prepared
from streamer.options import Config, Offline


def devices() -> None:
    """List the microphones and cameras of this machine."""
    from streamer.devices import list_devices

    typer.echo(str(list_devices()))


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
