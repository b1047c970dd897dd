"""`make audit`, against an advisory database of our own; and all that is installed is pinned."""

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from tests.commands import free_port
from tests.serving import serving
from tests.test_setup import CHECKOUT, pins

OURS = {"qamoe-stream", "pip"}
"""The package itself, and what setup.sh pins."""


class Advisories(BaseHTTPRequestHandler):
    """Knows of one weakness in one package, as OSV would tell it."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server: Any = self.server
        name = canonicalize_name(asked["package"]["name"])
        server.asked.add(name)
        answer = json.dumps({"vulns": [WEAKNESS]} if name == server.weak else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


WEAKNESS = {
    "id": "PYSEC-2099-1",
    "summary": "It is bad.",
    "details": "It is very bad.",
    "published": "2099-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"name": "msgspec", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}],
        }
    ],
}


@contextmanager
def database(weak: str = "") -> Iterator[tuple[str, set[str]]]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Advisories)
    server.weak, server.asked = weak, set()
    with serving(server) as url:
        yield url, server.asked


def audit(url: str) -> tuple[int, str, str]:
    pytest.importorskip("pip_audit")
    done = subprocess.run(
        [sys.executable, CHECKOUT / "scripts" / "audit.py"],
        env={**os.environ, "OSV_URL": url},
        capture_output=True,
        text=True,
        timeout=150,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
@pytest.mark.parallel
def test_every_pin_is_asked_about_and_nothing_found() -> None:
    with database() as (url, asked):
        code, out, said = audit(url)
    assert (code, out) == (0, ""), said
    assert said == f"audit: 0 of {len(pins())} packages have known vulnerabilities\n"
    assert asked == pins().keys()


@pytest.mark.slow
@pytest.mark.parallel
def test_what_is_known_is_named_and_a_failure() -> None:
    with database(weak="msgspec") as (url, _):
        code, out, said = audit(url)
    assert code == 1, said
    assert out == f"msgspec {pins()['msgspec']}: PYSEC-2099-1, mended in 99.0\n"
    assert said == f"audit: 1 of {len(pins())} packages have known vulnerabilities\n"


def test_without_a_database_it_says_that_nothing_was_learnt() -> None:
    code, out, said = audit(f"http://127.0.0.1:{free_port()}")
    assert (code, out) == (75, "")
    assert said == "audit: not done: no advisory database can be reached\n"


def test_all_that_is_installed_is_pinned() -> None:
    """In the environment that setup.sh makes, and none in the pins that nobody installs."""
    if Path(sys.prefix) != CHECKOUT / ".venv":
        pytest.skip("not the environment of make setup")
    installed = {
        canonicalize_name(one.metadata["Name"]): one.version.partition("+")[0]
        for one in metadata.distributions(path=[sysconfig.get_path("purelib")])
    }
    pinned = {name: version for name, version in installed.items() if name not in OURS}
    assert {name: pins().get(name) for name in pinned} == pinned
