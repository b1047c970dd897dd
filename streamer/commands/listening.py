"""Commands for those who listen to a feed."""

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
