"""Fixtures that every test file may use; those of one subject stand beside its tests."""

import os
from functools import partial
from pathlib import Path

# Before torch, OpenCV or Ray are imported: they read these once.
os.environ.update(
    {
        "OMP_NUM_THREADS": "1",  # a second thread makes the small networks slower
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
)

import hypothesis
import pytest

from streamer.asset_table import NEEDED
from streamer.assets import Assets
from streamer.feed.keys import new_keys
from streamer.settings import load_settings
from tests import commands

CHECKOUT = Path(__file__).parent.parent


# A busy machine is no failure: examples have no deadline, pytest-timeout ends what hangs.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast tests first: what is broken shows within seconds. Then the longest ones, so that no
    process is left alone with one at the end. Where several share them, one has all the fast, or
    all the slow tests of a file, and makes its fixtures once."""
    items.sort(key=lambda item: (has(item, "slow"), not has(item, "long")))
    for item in items:
        kind = [marker for marker in ("slow", "long") if has(item, marker)]
        item.add_marker(pytest.mark.xdist_group("-".join([item.path.stem, *kind])))


def has(item: pytest.Item, marker: str) -> bool:
    return item.get_closest_marker(marker) is not None


@pytest.fixture(scope="session")
def assets() -> Assets:
    """The model files and demo media in the user's cache."""
    found = Assets(load_settings().assets)
    missing = found.missing([*NEEDED, "demo-media"])
    if missing:
        pytest.skip(f"assets missing: {', '.join(missing)} (run: qamoe-stream models pull)")
    return found


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A folder with the keys of a session and of a first client."""
    new_keys(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The research data, which is not part of the repository."""
    folder = Path(os.environ.get("QAMOE_DATA", CHECKOUT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no research data at {folder} (set QAMOE_DATA)")
    return folder


@pytest.fixture
def answer(capfd: pytest.CaptureFixture[str]) -> commands.Answer:
    """The command's answer to its arguments, which end it at once."""
    return partial(commands.answer, capfd)


@pytest.fixture(scope="session")
def talking_head(assets: Assets, data_folder: Path) -> commands.Finished:
    """A real run over a face and a voice."""
    assert assets
    clip = data_folder / "clips" / "talking_head_en_8s.mp4"
    return commands.stream(
        "--source", str(clip), "--speed", "max", "--transcripts", "--session", "one"
    )
