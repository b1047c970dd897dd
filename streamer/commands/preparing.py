"""What several commands do first: settings looked at, missing models fetched."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamer.settings import Settings


def prepared(
    config: Path | None, options: dict[str, Any], plot: Path | None = None, scene: str | None = None
) -> "Settings":
    """All that is asked for, looked at before anything is fetched or loaded."""
    from streamer.settings import load_settings

    settings = load_settings(config, options, scene)
    look_at(settings, plot)
    return settings


def look_at(settings: "Settings", plot: Path | None) -> None:
    """Raise UserError where the settings name what cannot be done, or a file cannot be made."""
    from models.degradation import check
    from streamer.recording.writer import check_file
    from streamer.timeline.course import check_picture
    from streamer.tracing.session import check_traces

    check(settings.damage)
    check_traces(settings)
    if settings.feed.record is not None:
        check_file(Path(settings.feed.record), settings.feed.record_overwrite)
    if plot is not None:
        check_picture(plot)


def served(
    dashboard: bool, port: int | None, token: str | None, pages: Path | None
) -> dict[str, Any]:
    """The dashboard's options as settings."""
    return {
        "dashboard.enabled": dashboard or None,
        "dashboard.port": port,
        "dashboard.token": token or None,
        "dashboard.pages": None if pages is None else str(pages),
    }


def watched(
    metrics_port: int | None,
    log_format: str | None,
    log_file: Path | None,
    traces: str | None = None,
    profile: Path | None = None,
) -> dict[str, Any]:
    """The options of watching a session run as settings."""
    return {
        "metrics.port": metrics_port,
        "log.format": log_format,
        "log.file": log_file,
        "trace.endpoint": traces,
        "trace.profile": profile,
    }


def pull_missing(settings: "Settings", *more: str) -> None:
    from streamer.asset_table import NEEDED
    from streamer.assets import Assets, download_progress

    assets = Assets(settings.assets)
    missing = assets.missing([*NEEDED, *more])
    if missing:
        with download_progress() as progress:
            assets.pull(missing, progress)
