"""docs/plugins.md: its example runs as it stands and keeps its own rules."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.feed_fixtures import health, sentiment
from tests.plugin_fixtures import PLUGINS, outcome, sending, stamped, started

DOCS = (Path(__file__).parent.parent / "docs" / "plugins.md").read_text()


def test_the_example_keeps_the_rules() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
    with sending() as sender:
        program = example.replace("tcp://127.0.0.1:5556", sender.address)
        program = program.replace("poll(3000)", "poll(500)")
        with started([sys.executable, "-u", "-c", program]) as plugin:
            assert plugin.stdout
            sender.accept(2)
            sender.message(stamped(sentiment(0, value=0.25), 4, 1.0))
            assert plugin.stdout.readline() == "4.0 0 0.25\n"
            assert plugin.stdout.readline() == "silent: nothing is current any more\n"
            for message in (
                stamped(sentiment(0, value=0.25), 4, 1.0),
                stamped(sentiment(1, value=None, reason="too dark"), 7, 2.0),
                stamped(sentiment(0, value=0.5, revision=1), 8, 3.0),
                stamped(health(bye=True, reason="done"), 0, 4.0),
            ):
                sender.message(message)
            code, lines, complaint = outcome(plugin)
    assert (code, complaint) == (0, "")
    assert [line for line in lines if not line.startswith("silent")] == [
        "2 messages lost",
        "4.5 0 no estimate: too dark",
        "4.0 1 0.5",
        "ann has left: done",
    ]


def folders() -> list[str]:
    return sorted(readme.parent.name for readme in PLUGINS.glob("*/README.md"))


@pytest.mark.parametrize("folder", folders())
def test_every_plugin_is_listed_where_people_look(folder: str) -> None:
    assert f"examples/plugins/{folder}/README.md" in DOCS
    assert f"({folder}/README.md)" in (PLUGINS / "README.md").read_text()


def test_readmes_link_only_to_files_that_exist() -> None:
    for readme in PLUGINS.rglob("README.md"):
        if "node_modules" in readme.parts:
            continue
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", readme.read_text()):
            assert (readme.parent / target).exists(), f"{readme.parent.name} links to {target}"


@pytest.mark.parametrize("folder", sorted({path.parent.name for path in PLUGINS.glob("*/*.py")}))
def test_a_plugin_needs_nothing_heavy(folder: str) -> None:
    heavy = ["torch", "ray", "cv2", "mediapipe", "faster_whisper"]
    modules = ", ".join(sorted(path.stem for path in (PLUGINS / folder).glob("*.py")))
    program = (
        f"import sys; sys.path.insert(0, {str(PLUGINS / folder)!r}); import {modules}; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert ran.stdout.strip() == "[]", ran.stderr
