"""Set-up scripts, pins and documents agree with each other and with the package."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from streamer.asset_table import ASSETS
from streamer.settings import AssetSettings

CHECKOUT = Path(__file__).parent.parent
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())


def pins() -> dict[str, str]:
    lines = (CHECKOUT / "constraints.txt").read_text().splitlines()
    split = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in split}


def requirements() -> list[Requirement]:
    given = [
        *PROJECT["project"]["dependencies"],
        *(line for extra in PROJECT["project"]["optional-dependencies"].values() for line in extra),
        *(line for group in PROJECT["dependency-groups"].values() for line in group),
    ]
    return [Requirement(line) for line in given]


def tracked_texts() -> dict[str, str]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, text=True, timeout=30
    )
    if listing.returncode:
        pytest.skip("not a git checkout")
    texts = {}
    for name in listing.stdout.rstrip("\0").split("\0"):
        content = (CHECKOUT / name).read_bytes() if (CHECKOUT / name).is_file() else b"\0"
        if b"\0" not in content:
            texts[name] = content.decode()
    return texts


@pytest.mark.parametrize("requirement", requirements(), ids=lambda given: given.name)
def test_every_requirement_has_a_pin_within_its_bounds(requirement: Requirement) -> None:
    pin = pins()[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(pin)


def test_pins_are_plain_versions() -> None:
    """No build label such as +cpu, which an ordinary index does not have."""
    assert [f"{name}=={version}" for name, version in pins().items() if "+" in version] == []


@pytest.mark.parametrize("script", ["scripts/setup.sh", ".ci/run"])
def test_scripts_are_valid_and_executable(script: str) -> None:
    path = CHECKOUT / script
    check = subprocess.run(["bash", "-n", path], capture_output=True, text=True, timeout=30)
    assert (check.returncode, check.stderr) == (0, "")
    assert path.stat().st_mode & 0o111


def test_setup_refuses_an_unknown_torch_build() -> None:
    run = subprocess.run(
        [CHECKOUT / "scripts" / "setup.sh"],
        env={"PATH": "/usr/bin:/bin", "TORCH": "tpu"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (run.returncode, run.stderr) == (1, "setup: TORCH=tpu: must be cpu or gpu\n")


def test_setup_names_what_is_missing_when_there_is_no_python() -> None:
    run = subprocess.run(
        [CHECKOUT / "scripts" / "setup.sh"],
        env={"PATH": "/usr/bin:/bin", "PYTHON": "no-such-python"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert run.returncode == 1
    assert "no Python 3.11 or 3.12" in run.stderr
    assert run.stderr.count("\n") == 1


def test_make_help_lists_every_target() -> None:
    makefile = (CHECKOUT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert targets is not None
    shown = subprocess.run(
        ["make", "help"], cwd=CHECKOUT, capture_output=True, text=True, timeout=30, check=True
    ).stdout
    assert set(re.findall(r"^make ([a-z-]+)", shown, re.MULTILINE)) == set(targets[1].split())


def test_documents_name_only_make_targets_that_exist() -> None:
    makefile = (CHECKOUT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for name in ("README.md", "CONTRIBUTING.md"):
        text = (CHECKOUT / name).read_text()
        named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))
        assert named <= targets, name


def test_documents_link_only_to_files_that_exist() -> None:
    for path in (*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md")):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_no_tracked_file_names_a_machine() -> None:
    machine = re.compile(r"(?<![\w.])/(?:work|root|home)/")
    assert [name for name, text in tracked_texts().items() if machine.search(text)] == []


def test_only_the_setup_names_a_package_index() -> None:
    """Which index pip asks is the user's choice, but for PyTorch's CPU builds."""
    option = re.compile(r"--(?:extra-)?index-url")
    naming = {name for name, text in tracked_texts().items() if option.search(text)}
    assert naming <= {"scripts/setup.sh"}


def test_asset_overrides_are_settings() -> None:
    named = {asset.override for asset in ASSETS if asset.override}
    assert named <= set(AssetSettings.model_fields)


def test_asset_sources_are_exact() -> None:
    """Pinned revisions and versions: what is fetched cannot change under the same address."""
    for asset in ASSETS:
        for file in asset.files:
            assert re.fullmatch("[0-9a-f]{64}", file.sha256)
            assert file.size > 0
            assert file.url is None or re.search(r"/resolve/[0-9a-f]{40}/|/float16/1/", file.url)
            assert all(re.fullmatch(r"[\w.-]+==[\w.]+", member.package) for member in file.members)
