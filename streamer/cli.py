"""The command line. Heavy libraries are imported where a command needs them: help comes at once."""

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from streamer.errors import SettingError, UserError
from streamer.options import (
    DEFAULT_DATA,
    DEMO_PICTURE,
    Bind,
    Config,
    Damage,
    Data,
    NoPlot,
    Offline,
    Plot,
    Transcripts,
    View,
)

if TYPE_CHECKING:
    from streamer.settings import Settings

INTERRUPTED = 130
"""What typer makes of Ctrl-C. Here that is the ordinary way to end."""

app = typer.Typer(
    help="Live, trustworthy sentiment from a microphone and a webcam, as a ZeroMQ feed.",
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
)
models = typer.Typer(help="The model files that the pipeline needs.", no_args_is_help=True)
app.add_typer(models, name="models")


@app.callback(invoke_without_command=True)
def stream(
    context: typer.Context,
    camera: Annotated[str | None, typer.Option(help="Index, path, URL, or off.")] = None,
    mic: Annotated[str | None, typer.Option(help="Name, part of it, index, or off.")] = None,
    source: Annotated[str | None, typer.Option(help="A media file instead of devices.")] = None,
    crop: Annotated[str | None, typer.Option(help="The tile to look at: X,Y,W,H.")] = None,
    speed: Annotated[
        str | None, typer.Option(help="A file's pace: real, or max (deterministic).")
    ] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Start a file again at its end.")] = False,
    duration: Annotated[float | None, typer.Option(help="Seconds until the end.")] = None,
    config: Config = None,
    bind: Bind = None,
    encoding: Annotated[str | None, typer.Option(help="json or msgpack.")] = None,
    participant: Annotated[str | None, typer.Option(help="Name on the feed.")] = None,
    session: Annotated[str | None, typer.Option(help="Name on the feed; random.")] = None,
    transcripts: Transcripts = False,
    offline: Offline = False,
    ray_address: Annotated[str | None, typer.Option(help="Join this Ray cluster.")] = None,
    damage: Damage = None,
    plot: Plot = None,
    ui: View = "auto",
) -> None:
    """Watch and listen to one person, and publish sentiment with its reliability."""
    if context.invoked_subcommand is not None:
        return
    settings = _settings(
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
            "feed.encoding": encoding,
            "participant": participant,
            "session": session,
            "feed.transcripts": transcripts or None,
            "assets.offline": offline or None,
            "ray.address": ray_address,
            "damage": None if damage is None else _damage(damage),
        },
        plot,
    )
    _pull_missing(settings)
    from streamer.reel import damage_captions
    from streamer.run import run

    run(settings, ui, damage_captions(settings.damage), plot)


@app.command()
def demo(config: Config = None, bind: Bind = None, offline: Offline = False,
         damage: Damage = None, plot: Plot = DEMO_PICTURE, no_plot: NoPlot = False,
         ui: View = "auto") -> None:  # fmt: skip
    """Show the whole pipeline on real media: muted, in a café, in the dark, empty, on bad Wi-Fi."""
    import platformdirs

    from streamer.assets import Assets

    reel_file = platformdirs.user_cache_path("qamoe-stream") / "demo" / "reel.mp4"
    options = {
        "feed.bind": bind,
        "assets.offline": offline or None,
        "source.file": str(reel_file),
        "damage": None if damage is None else _damage(damage),
    }
    picture = None if no_plot else plot
    settings = _settings(config, options, picture, scene="demo")
    _pull_missing(settings, "demo-media")
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


@app.command()
def devices() -> None:
    """List the microphones and cameras of this machine."""
    from streamer.devices import list_devices

    typer.echo(str(list_devices()))


@models.command()
def pull(names: Annotated[list[str] | None, typer.Argument()] = None, config: Config = None,
         offline: Offline = False) -> None:  # fmt: skip
    """Fetch the model files that are missing, and check them."""
    from streamer.assets import Assets, download_progress

    settings = _settings(config, {"assets.offline": offline or None})
    with download_progress() as progress:
        Assets(settings.assets).pull(names or [], progress)


@models.command("list")
def list_models(config: Config = None) -> None:
    """List the model files with all hashes checked."""
    from streamer.assets import Assets

    for row in Assets(_settings(config, {}).assets).list():
        size = f"{row.size / 1e6:7.1f} MB"
        typer.echo(f"{row.name:16} {row.state:8} {size}  {row.purpose} ({row.licence}) {row.path}")


@app.command()
def tap(
    address: Annotated[str, typer.Argument(help="Address of a feed.")] = "tcp://127.0.0.1:5556",
    kind: Annotated[list[str] | None, typer.Option(help="sentiment, transcript, health.")] = None,
    form: Annotated[Literal["json", "pretty"], typer.Option("--format")] = "pretty",
    count: Annotated[int | None, typer.Option(help="Messages until the end.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds of silence until the end.")] = 10.0,
) -> None:
    """Print what a feed says, one message a line."""
    from streamer import tap as feed_tap

    kinds = kind or ["sentiment", "transcript", "health"]
    raise typer.Exit(feed_tap.run(address, kinds, form, count, timeout))


@app.command()
def train(
    config: Annotated[Path | None, typer.Option(help="What to train, as YAML.")] = None,
    data: Data = DEFAULT_DATA,
    out: Annotated[Path, typer.Option(help="Folder for the checkpoint.")] = Path("checkpoint"),
) -> None:
    """Train a checkpoint from the data folder: extracts features (cached), trains, evaluates."""
    from importlib import resources

    from models.training.run import train as train_checkpoint

    default = Path(str(resources.files("configs").joinpath("train", "live.yaml")))
    train_checkpoint(config or default, data, out)


@app.command()
def evaluate(
    config: Annotated[Path | None, typer.Option(help="The study, as YAML.")] = None,
    data: Data = DEFAULT_DATA,
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("study"),
    quick: Annotated[bool, typer.Option("--quick", help="Five minutes on one small set.")] = False,
) -> None:
    """Run a study, the spectrum's or reliability's: writes figures, report and pictures."""
    from importlib import resources

    from models.study.run import evaluate as run_study

    default = Path(str(resources.files("configs").joinpath("evaluate", "spectrum.yaml")))
    run_study(config or default, data, out, quick)


def main() -> None:
    """The command: user errors are one line and the exit code of their kind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = app(standalone_mode=False)
    except UserError as error:
        code = _fail(str(error), error.exit_code)
    except typer.TyperException as error:
        said = getattr(error, "format_message", error.__str__)()
        code = _fail(said, SettingError.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        code = 0
    sys.exit(0 if code == INTERRUPTED else code)


def _fail(message: str, code: int) -> int:
    typer.echo(f"qamoe-stream: {' '.join(message.split())}", err=True)
    return code


def _settings(
    config: Path | None, options: dict[str, Any], plot: Path | None = None, scene: str | None = None
) -> "Settings":
    """All that is asked for, looked at before anything is fetched or loaded."""
    from models.degradation import check
    from streamer.settings import load_settings
    from streamer.timeline.course import check_picture

    settings = load_settings(config, options, scene)
    check(settings.damage)
    if plot is not None:
        check_picture(plot)
    return settings


def _pull_missing(settings: "Settings", *more: str) -> None:
    from streamer.assets import Assets, download_progress

    needed = ["whisper-tiny.en", "face-landmarker", "minilm-l6", *more]
    assets = Assets(settings.assets)
    missing = assets.missing(needed)
    if missing:
        with download_progress() as progress:
            assets.pull(missing, progress)


def _damage(text: str) -> list[dict[str, Any]]:
    from streamer.damage_option import parse

    return parse(text)


def _crop(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise SettingError(f"option --crop {text!r}: must be X,Y,W,H in pixels") from None


if __name__ == "__main__":
    main()
