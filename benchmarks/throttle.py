"""A slower machine: a control group of processes that together get so much of a core."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

UNIFIED = Path("/sys/fs/cgroup")
LEGACY = UNIFIED / "cpu"
PERIOD_US = 100_000
"""The kernel's usual one: what is used up is there again a tenth of a second later."""

WEIGHTS = {"cpu.weight": "10000", "cpu.shares": "100000"}
"""So that the limit is what is felt, not what else runs on the machine."""


class UnavailableError(Exception):
    """This machine has no control groups, or not for this user."""


class Throttle:
    """``command`` starts a program with all its children in the group, ``limit`` sets what they
    get, at any time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._is_legacy = (folder / "cpu.cfs_quota_us").exists()

    def command(self, arguments: Sequence[str]) -> list[str]:
        """``arguments``, to be run in the group."""
        join = 'echo $$ > "$0" && exec "$@"'
        return ["/bin/sh", "-c", join, str(self._folder / "cgroup.procs"), *arguments]

    def limit(self, cores: float | None) -> None:
        """So many cores from now on, in sum; None for all there are."""
        quota = None if cores is None else round(cores * PERIOD_US)
        if self._is_legacy:
            (self._folder / "cpu.cfs_quota_us").write_text(str(quota or -1))
        else:
            (self._folder / "cpu.max").write_text(f"{quota or 'max'} {PERIOD_US}")

    def processor_seconds(self) -> float:
        """That all in the group have used since it was made."""
        if self._is_legacy:
            pids = (self._folder / "cgroup.procs").read_text().split()
            return sum(sum(psutil.Process(int(pid)).cpu_times()[:2]) for pid in pids)
        lines = (self._folder / "cpu.stat").read_text().splitlines()
        usage = dict(line.split() for line in lines)
        return int(usage["usage_usec"]) / 1e6


@contextmanager
def throttle() -> Iterator[Throttle]:
    """A group of its own, which has to be left by all that was started in it.

    Raises UnavailableError.
    """
    legacy = (LEGACY / "cpu.cfs_quota_us").exists()
    folder = (LEGACY if legacy else UNIFIED) / f"qamoe-throttle-{os.getpid()}"
    try:
        if not legacy:
            (UNIFIED / "cgroup.subtree_control").write_text("+cpu")
        folder.mkdir()
    except OSError as error:
        raise UnavailableError(f"no control group for processor time: {error}") from None
    try:
        for name, weight in WEIGHTS.items():
            if (folder / name).exists():
                (folder / name).write_text(weight)
        yield Throttle(folder)
    finally:
        folder.rmdir()
