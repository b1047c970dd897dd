"""Commands for those who listen to a feed."""

from typing import Annotated, Literal

import typer

from streamer.options import Keys


def tap(
    address: Annotated[str, typer.Argument(help="Address of a feed.")] = "tcp://127.0.0.1:5556",
    kind: Annotated[list[str] | None, typer.Option(help="sentiment, transcript, health.")] = None,
    form: Annotated[Literal["json", "pretty"], typer.Option("--format")] = "pretty",
    count: Annotated[int | None, typer.Option(help="Messages until the end.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds of silence until the end.")] = 10.0,
    keys: Keys = None,
) -> None:
    """Print what a feed says, one message a line."""
    from streamer import tap as feed_tap

    kinds = kind or ["sentiment", "transcript", "health"]
    raise typer.Exit(feed_tap.run(address, kinds, form, count, timeout, keys))
