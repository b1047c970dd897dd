"""Mutated frames on real sockets; ``python -m benchmarks.fuzz`` sends a hundred thousand."""

import random

import pytest

from benchmarks.fuzz import TARGETS

pytestmark = [pytest.mark.slow, pytest.mark.parallel]

COUNT = 10_000
MEMORY = 16 * 2**20
"""Bytes; a leak of 2 kB a message would come to more."""


@pytest.mark.parametrize("target", TARGETS)
def test_mutated_frames_do_no_harm(target: str) -> None:
    outcome = TARGETS[target](COUNT, random.Random(1))
    assert outcome.growth < MEMORY
    refused = outcome.answers["refused"] + outcome.answers["malformed"]
    assert refused > COUNT // 2
