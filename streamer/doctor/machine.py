"""The machine itself: packages, processor, memory, disk."""

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import platformdirs
import psutil
from packaging.requirements import Requirement

from streamer.doctor.findings import Finding, judged
from streamer.settings import Settings

DISTRIBUTION = "qamoe-stream"

CORES = 2
MEMORY = 4 << 30
"""Bytes a session has been seen to need at most, with some to spare."""

ASSETS_DISK = 400 << 20
SESSION_DISK = 500 << 20

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  where Ray keeps its object store


def check_machine(settings: Settings) -> Iterator[Finding]:
    """Everything that no device and no model has a part in."""
    yield _packages()
    yield _processor()
    yield _memory()
    yield from _shared_memory(settings.ray.object_store_mb << 20)
    cache = Path(settings.assets.folder or platformdirs.user_cache_dir(DISTRIBUTION)).expanduser()
    yield _disk("disk for model files", cache, ASSETS_DISK)
    yield _disk("disk for the session", Path(tempfile.gettempdir()), SESSION_DISK)


def _packages() -> Finding:
    wrong = []
    for requirement in map(Requirement, requires(DISTRIBUTION) or ()):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            installed = _installed(requirement.name)
            if installed is None or not requirement.specifier.contains(installed, prereleases=True):
                wrong.append(f"{requirement} ({installed or 'missing'})")
    python = f"Python {platform.python_version()}"
    found = f"{python}; {', '.join(wrong)}" if wrong else f"{python}, all packages in range"
    return judged("packages", found, not wrong, "install them again: make setup", "problem")


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = psutil.getloadavg()[0]
    found = f"{cores} cores, load {load:.1f}"
    if (cores or 1) < CORES:
        advice = f"{CORES} cores are wanted: camera: {{frame_rate: 5}} needs less"
        return Finding("processor", "warning", found, advice)
    return judged(
        "processor", found, load < (cores or 1), "other programs keep it busy: end some", "warning"
    )


def _memory() -> Finding:
    available = psutil.virtual_memory().available
    found = f"{available / 2**30:.1f} GiB available"
    advice = f"a session takes up to {MEMORY >> 30} GiB: end other programs"
    return judged("memory", found, available >= MEMORY, advice, "warning")


def _shared_memory(wanted: int) -> Iterator[Finding]:
    if not SHARED_MEMORY.is_dir():
        return
    free = shutil.disk_usage(SHARED_MEMORY).free
    found = f"{free / 2**20:.0f} MiB free in {SHARED_MEMORY}"
    advice = f"Ray wants {wanted >> 20} MiB: in a container, --shm-size=512m"
    yield judged("shared memory", found, free >= wanted, advice, "warning")


def _disk(check: str, folder: Path, wanted: int) -> Finding:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    found = f"{free / 2**30:.1f} GiB free at {there}"
    if not os.access(there, os.W_OK):
        return Finding(check, "problem", f"{there} cannot be written to", "change its permissions")
    return judged(check, found, free >= wanted, f"{wanted >> 20} MiB are wanted", "problem")
