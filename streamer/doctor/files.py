"""Model files, with all hashes, and the checkpoint."""

from collections.abc import Iterator

from actors.analysis import device_of
from models.checkpoint import load
from models.checkpoint_files import checkpoint_folder
from streamer.asset_table import NEEDED
from streamer.assets import Assets
from streamer.doctor.findings import Finding, judged
from streamer.errors import UserError
from streamer.settings import Settings


def check_files(settings: Settings) -> Iterator[Finding]:
    """Everything that is read from disk before a session can begin."""
    try:
        rows = Assets(settings.assets).list()
    except UserError as error:
        yield Finding("model files", "problem", str(error), "correct the setting")
        return
    for row in rows:
        needed = row.name in NEEDED
        good = row.state == "present" or (row.state == "missing" and not needed)
        found = f"{row.state}, {row.purpose}, {row.path}"
        advice = f"fetch it: qamoe-stream models pull {row.name}"
        yield judged(f"model {row.name}", found, good, advice, "problem" if needed else "warning")
    yield _checkpoint(settings)


def _checkpoint(settings: Settings) -> Finding:
    folder = checkpoint_folder(settings)
    try:
        device = device_of(settings)
        load(folder, device)
    except UserError as error:
        advice = "leave analyzer.checkpoint out for the one that comes with the package"
        return Finding("checkpoint", "problem", str(error), advice)
    return Finding("checkpoint", "ok", f"{folder.name}, on {device}")
