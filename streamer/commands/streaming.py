"""``qamoe-stream`` itself, and its demo."""

from pathlib import Path
from typing import Annotated, Any

import typer

from streamer.commands.preparing import prepared, pull_missing, served, watched
from streamer.errors import SettingError
from streamer.options import (
    DEMO_PICTURE,
    Bind,
    Camera,
    Config,
    Control,
    Damage,
    Dashboard,
    DashboardPort,
    Keys,
    LogFile,
    LogFormat,
    MetricsPort,
    Microphone,
    NoPlot,
    Offline,
    Overwrite,
    Pages,
    Plot,
    Profile,
    Record,
    RecordLimit,
    Token,
    Traces,
    Transcripts,
    View,
)


def stream(
    context: typer.Context,
    camera: Camera = None,
    mic: Microphone = None,
    source: Annotated[str | None, typer.Option(help="A media file instead of devices.")] = None,
    crop: Annotated[str | None, typer.Option(help="The tile to look at: X,Y,W,H.")] = None,
    speed: Annotated[
        str | None, typer.Option(help="A file's pace: real, or max (deterministic).")
    ] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Start a file again at its end.")] = False,
    duration: Annotated[float | None, typer.Option(help="Seconds until the end.")] = None,
    config: Config = None,
    bind: Bind = None,
    control: Control = None,
    keys: Keys = None,
    encoding: Annotated[str | None, typer.Option(help="json or msgpack.")] = None,
    participant: Annotated[str | None, typer.Option(help="Name on the feed.")] = None,
    session: Annotated[str | None, typer.Option(help="Name on the feed; random.")] = None,
    transcripts: Transcripts = False,
    offline: Offline = False,
    ray_address: Annotated[str | None, typer.Option(help="Join this Ray cluster.")] = None,
    damage: Damage = None,
    plot: Plot = None,
    dashboard: Dashboard = False,
    dashboard_port: DashboardPort = None,
    token: Token = None,
    pages: Pages = None,
    record: Record = None,
    record_limit: RecordLimit = None,
    overwrite: Overwrite = False,
    metrics_port: MetricsPort = None,
    log_format: LogFormat = None,
    log_file: LogFile = None,
    traces: Traces = None,
    profile: Profile = None,
    ui: View = "auto",
) -> None:
    """Watch and listen to one person, and publish sentiment with its reliability."""
    if context.invoked_subcommand is not None:
        return
    settings = prepared(
        config,
        {
            "camera.device": camera,
            "microphone.device": mic,
            "source.file": source,
            "source.crop": None if crop is None else _crop(crop),
            "source.speed": speed,
            "source.loop": loop or None,
            "duration": duration,
            "feed.bind": bind,
            "feed.control": control,
            "feed.keys": keys,
            "feed.encoding": encoding,
            "participant": participant,
            "session": session,
            "feed.transcripts": transcripts or None,
            "assets.offline": offline or None,
            "ray.address": ray_address,
            "damage": None if damage is None else _damage(damage),
            **served(dashboard, dashboard_port, token, pages),
            **_recording(record, record_limit, overwrite),
            **watched(metrics_port, log_format, log_file, traces, profile),
        },
        plot,
    )
    pull_missing(settings)
    from streamer.reel import damage_captions
    from streamer.run import run

    run(settings, ui, damage_captions(settings.damage), plot)


def demo(config: Config = None, bind: Bind = None, control: Control = None,
         keys: Keys = None, offline: Offline = False,
         damage: Damage = None, plot: Plot = DEMO_PICTURE, no_plot: NoPlot = False,
         dashboard: Dashboard = False, dashboard_port: DashboardPort = None,
         token: Token = None, pages: Pages = None,
         record: Record = None, record_limit: RecordLimit = None, overwrite: Overwrite = False,
         metrics_port: MetricsPort = None, log_format: LogFormat = None, log_file: LogFile = None,
         traces: Traces = None, profile: Profile = None, ui: View = "auto") -> None:  # fmt: skip
    """Show the whole pipeline on real media: muted, in a café, in the dark, empty, on bad Wi-Fi."""
    import platformdirs

    from streamer.assets import Assets

    reel_file = platformdirs.user_cache_path("qamoe-stream") / "demo" / "reel.mp4"
    options = {
        "feed.bind": bind,
        "feed.control": control,
        "feed.keys": keys,
        "assets.offline": offline or None,
        "source.file": str(reel_file),
        "damage": None if damage is None else _damage(damage),
        **served(dashboard, dashboard_port, token, pages),
        **_recording(record, record_limit, overwrite),
        **watched(metrics_port, log_format, log_file, traces, profile),
    }
    picture = None if no_plot else plot
    settings = prepared(config, options, picture, scene="demo")
    pull_missing(settings, "demo-media")
    from streamer.reel import captions, render
    from streamer.run import run

    if not reel_file.exists():
        typer.echo("making the demo's film from public clips, this first time", err=True)
    render(Assets(settings.assets).path("demo-media"), reel_file)
    shown = captions(settings.damage)
    typer.echo("what you are going to see:", err=True)
    for caption in shown:
        typer.echo(f"{caption.start:5.1f} - {caption.end:4.1f} s  {caption.text}", err=True)
    run(settings, ui, shown, picture)


def _recording(file: Path | None, limit: int | None, overwrite: bool) -> dict[str, Any]:
    return {
        "feed.record": None if file is None else str(file),
        "feed.record_limit": limit,
        "feed.record_overwrite": overwrite or None,
    }


def _damage(text: str) -> list[dict[str, Any]]:
    from streamer.damage_option import parse

    return parse(text)


def _crop(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise SettingError(f"option --crop {text!r}: must be X,Y,W,H in pixels") from None
