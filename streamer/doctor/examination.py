"""All checks in order, and how their report is shown."""

from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version

import msgspec
from rich.console import Console
from rich.table import Table

from streamer.doctor.findings import Finding, Report
from streamer.doctor.machine import DISTRIBUTION
from streamer.settings import Settings

CHECKS = (
    "machine:check_machine",
    "files:check_files",
    "devices:check_devices",
    "address:check_address",
    "speed:check_speed",
)

MARKS = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "problem": "[red]problem[/]"}


def examine(settings: Settings, speed: bool = True) -> Report:
    """Looks at everything; ``speed`` takes some ten seconds."""
    names = CHECKS if speed else CHECKS[:-1]
    findings = [finding for name in names for finding in _looked(name, settings)]
    return Report(version=version(DISTRIBUTION), findings=findings)


def _looked(name: str, settings: Settings) -> Iterator[Finding]:
    """The findings of one check; a library that cannot be loaded is one of them."""
    module, _, function = name.partition(":")
    try:
        check = getattr(import_module(f"streamer.doctor.{module}"), function)
    except (ImportError, OSError) as error:
        yield Finding(module, "problem", f"cannot be looked at: {error}", "run: make setup")
        return
    yield from check(settings)


def as_json(report: Report) -> str:
    """The report on one line."""
    return msgspec.json.encode(report).decode()


def print_report(report: Report, terminal: Console) -> None:
    """A table, and what to do about all that is not well."""
    table = Table(box=None, pad_edge=False)
    for title in ("check", "", "found"):
        table.add_column(title, overflow="fold")
    for finding in report.findings:
        table.add_row(finding.check, MARKS[finding.state], finding.found)
    terminal.print(table)
    for finding in report.findings:
        if finding.advice is not None:
            terminal.print(f"{finding.check}: {finding.advice}", markup=False, soft_wrap=True)
    said = "this machine can run a session" if report.healthy else "a session will not run yet"
    terminal.print(said)
