"""The command line: every command by its name, and user errors as one line."""

import sys

import typer

from streamer.commands import (
    contract,
    listening,
    machine,
    recordings,
    rehearsing,
    science,
    streaming,
)
from streamer.errors import SettingError, UserError

INTERRUPTED = 130
"""What typer makes of Ctrl-C. Here that is the ordinary way to end."""

app = typer.Typer(
    help="Live, trustworthy sentiment from a microphone and a webcam, as a ZeroMQ feed.",
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
)
models = typer.Typer(help="The model files that the pipeline needs.", no_args_is_help=True)
keys = typer.Typer(help="CURVE keys, which let clients listen.", no_args_is_help=True)

app.callback(invoke_without_command=True)(streaming.stream)
app.command()(streaming.demo)
app.command()(machine.devices)
app.command()(machine.doctor)
app.command()(listening.tap)
app.command()(listening.control)
app.command()(contract.schema)
app.command()(listening.dashboard)
app.command(context_settings=recordings.ALL_OPTIONS)(recordings.record)
app.command()(recordings.replay)
app.command()(recordings.export)
app.command()(rehearsing.chaos)
app.command()(science.train)
app.command()(science.evaluate)
app.add_typer(models, name="models")
app.add_typer(keys, name="keys")
keys.command()(contract.new)
keys.command()(contract.add)
models.command()(machine.pull)
models.command("list")(machine.list_models)


def main() -> None:
    """The command: user errors are one line and the exit code of their kind."""
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
