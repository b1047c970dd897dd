"""Commands for those who listen to a feed, or steer the session behind it."""

from typing import Annotated, Literal

import typer

from streamer.commands.preparing import served
from streamer.options import Config, DashboardPort, Keys, Pages, Token

FEED = "tcp://127.0.0.1:5556"


def tap(
    address: Annotated[str, typer.Argument(help="Address of a feed.")] = FEED,
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


def dashboard(
    addresses: Annotated[list[str] | None, typer.Argument(help="Addresses of feeds.")] = None,
    port: DashboardPort = None,
    token: Token = None,
    pages: Pages = None,
    keys: Keys = None,
    config: Config = None,
) -> None:
    """Show feeds in a browser on this machine until Ctrl-C: sessions, replays, several at once."""
    from streamer.settings import load_settings
    from streamer.web import serve

    options = {**served(True, port, token, pages), "feed.keys": keys}
    serve.run(load_settings(config, options), addresses or [FEED])


def control(
    address: Annotated[str, typer.Argument(help="Of the session's control socket.")],
    request: Annotated[
        Literal["describe", "snapshot", "pause", "resume", "mute", "unmute", "stop"],
        typer.Argument(help="What to ask for."),
    ],
    stream: Annotated[str | None, typer.Argument(help="To mute or unmute.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the answer.")] = 5.0,
    keys: Keys = None,
) -> None:
    """Ask a running session something over its control socket, and print the answer as JSON."""
    from streamer.control.asking import ask

    for line in ask(address, request, stream, timeout, keys):
        typer.echo(line)
