"""Commands about the feed's contract and who may use it."""

from pathlib import Path
from typing import Annotated

import typer


def schema(
    out: Annotated[Path | None, typer.Option(help="Write all schemas into this folder.")] = None,
) -> None:
    """Print the feed's AsyncAPI document, or write it beside the JSON Schemas of all messages."""
    from streamer.contract.asyncapi import asyncapi
    from streamer.contract.schema import as_text, write_schemas

    if out is None:
        typer.echo(as_text(asyncapi()), nl=False)
        return
    for file in write_schemas(out):
        typer.echo(str(file))


def new(folder: Annotated[Path, typer.Argument(help="It must not exist yet.")]) -> None:
    """Make a folder with the keys of a session and of a first client."""
    from streamer.feed.keys import new_keys

    new_keys(folder)
    typer.echo(
        f"{folder}: for qamoe-stream --keys {folder}, and tap --keys {folder} on this machine"
    )


def add(
    folder: Annotated[Path, typer.Argument(help="As keys new has made it.")],
    name: Annotated[str, typer.Argument(help="Of the client.")],
) -> None:
    """Make the keys of one more client and let it in."""
    from streamer.feed.keys import add_client

    handed = add_client(folder, name)
    typer.echo(f"{handed}: hand it to {name}, for tap --keys, and delete it here")
