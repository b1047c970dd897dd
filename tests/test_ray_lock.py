"""Ray listens on all interfaces: what a stranger gets who finds its port."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from streamer import cluster
from streamer.settings import load_settings

JOIN = """
import logging, sys
import ray
ray.init(address=sys.argv[1], logging_level=logging.CRITICAL, log_to_driver=False)
print("joined a cluster of", len(ray.nodes()))
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    import ray  # after the cluster's module, which sets what it reads as it is imported

    with cluster.running(load_settings().ray):
        yield ray.get_runtime_context().gcs_address


def join(address: str, **token: str) -> subprocess.CompletedProcess[str]:
    """Somebody else's program tries to use the cluster."""
    strangers = {k: v for k, v in os.environ.items() if not k.startswith("RAY_AUTH")}
    return subprocess.run(
        [sys.executable, "-c", JOIN, address],
        env={**strangers, "RAY_gcs_rpc_server_reconnect_timeout_s": "5", **token},
        capture_output=True,
        text=True,
        timeout=200,
    )


@pytest.mark.slow
@pytest.mark.parallel
def test_whoever_has_the_session_s_token_can_join(address: str) -> None:
    done = join(address, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=os.environ["RAY_AUTH_TOKEN"])
    assert "joined a cluster of 1" in done.stdout


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize(
    "token",
    [
        {},
        {"RAY_AUTH_MODE": "disabled"},
        {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 64},
    ],
    ids=["none", "disabled", "wrong"],
)
def test_nobody_else_can(address: str, token: dict[str, str]) -> None:
    done = join(address, **token)
    assert done.returncode != 0
    assert "joined" not in done.stdout
