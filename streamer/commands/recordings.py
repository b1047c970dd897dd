"""Recordings: making, playing and reading them."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from streamer.commands.preparing import look_at, served, watched
from streamer.options import (
    Bind,
    Config,
    Dashboard,
    DashboardPort,
    Keys,
    LogFile,
    LogFormat,
    MetricsPort,
    Overwrite,
    Pages,
    Plot,
    Token,
    View,
)

ALL_OPTIONS = {"allow_extra_args": True, "allow_interspersed_args": False}
"""So that everything after FILE comes through unread."""

File = Annotated[Path, typer.Argument(help="The recording.", show_default=False)]


def record(context: typer.Context, file: File) -> None:
    """Run qamoe-stream with --record FILE; after FILE come its options, such as --camera 0."""
    command = context.find_root().command
    command.main(["--record", str(file), *context.args], standalone_mode=False)


def replay(
    file: File,
    speed: Annotated[
        Literal["real", "max"], typer.Option(help="As it was, or as fast as it goes.")
    ] = "real",
    reanalyze: Annotated[
        bool, typer.Option("--reanalyze", help="Let the model judge the features again.")
    ] = False,
    config: Config = None,
    bind: Bind = None,
    keys: Keys = None,
    encoding: Annotated[str | None, typer.Option(help="json or msgpack.")] = None,
    plot: Plot = None,
    dashboard: Dashboard = False,
    dashboard_port: DashboardPort = None,
    token: Token = None,
    pages: Pages = None,
    metrics_port: MetricsPort = None,
    log_format: LogFormat = None,
    log_file: LogFile = None,
    ui: View = "auto",
) -> None:
    """Publish a recorded session once more."""
    from streamer.recording.replay import Replay, replay_settings

    options = {
        "source.speed": speed,
        "feed.bind": bind,
        "feed.keys": keys,
        "feed.encoding": encoding,
        **served(dashboard, dashboard_port, token, pages),
        **watched(metrics_port, log_format, log_file),
    }
    settings = replay_settings(file, config, options)
    look_at(settings, plot)
    from streamer.logs.writing import logged
    from streamer.reel import damage_captions
    from streamer.run import show

    session = Replay(settings, reanalyze)
    with logged(settings.log):
        show(session, ui, settings, damage_captions(settings.damage), plot)
    for remark in session.remarks:
        typer.echo(f"recording: {remark}", err=True)


def export(
    file: File,
    to: Annotated[Literal["csv", "parquet"], typer.Option(help="Kind of table.")] = "csv",
    out: Annotated[
        Path | None, typer.Option(help="The table's file; beside the recording.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a recording's windows as a table, one row each."""
    from streamer.recording import Recording
    from streamer.recording.export import export as export_table

    table = out or file.with_suffix(f".{to}")
    with Recording(file) as recording:
        count = export_table(recording, to, table, overwrite)
        typer.echo(f"{table}: {count} windows", err=True)
        for remark in recording.remarks:
            typer.echo(f"recording: {remark}", err=True)
