"""Commands about the feed's contract and who may use it."""

from pathlib import Path
from typing import Annotated

import typer


def schema(
    out: Annotated[Path | None, typer.Option(help="Write all schemas into this folder.")] = None,
) -> None:
    """Print the feed's AsyncAPI document, or write it beside the JSON Schemas of all messages."""
    from streamer.feed.asyncapi import asyncapi
    from streamer.feed.schema import as_text, write_schemas

    if out is None:
        typer.echo(as_text(asyncapi()), nl=False)
        return
    for file in write_schemas(out):
        typer.echo(str(file))
