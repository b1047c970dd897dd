"""What lives in an actor, without the actor."""

import os
import sys
import time
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import pytest

from actors.host import SPARE_NICENESS, Host
from streamer.errors import PipelineError, SourceError

HERE = "tests.test_host"


class Stage:
    """Keeps what it is told."""

    def __init__(self, first: str, *, second: str = "") -> None:
        self.heard: list[object] = [first, second]
        self.seen_at: int | None = None

    def open(self) -> str:
        if self.heard[0] == "broken":
            raise SourceError("it cannot be opened")
        return f"a stage with {self.heard[0]}"

    def start(self, epoch: int, resumed: bool) -> None:
        self.heard += [epoch, resumed]

    def push(self, packet: object) -> None:
        self.heard.append(packet)

    def stats(self) -> Mapping[str, float]:
        if "failed" in self.heard:
            raise PipelineError("its thread has broken off")
        return {"heard": len(self.heard)}


def opened() -> Host:
    host = Host()
    then = [("start", 7, True)]
    said = host.open(f"{HERE}:Stage", ("one",), {"second": "two"}, None, then)
    assert said == "a stage with one"
    return host


def test_a_spare_answers_but_takes_nothing() -> None:
    host = Host()
    assert host.warm_up(["json"]) == os.getpid()
    beat = host.beat()
    assert (beat.pid, beat.busy, dict(beat.counts)) == (os.getpid(), 0, {})
    assert beat.memory > 2**20
    with pytest.raises(PipelineError, match="not open yet"):
        host.push("a packet")


@pytest.mark.skipif(sys.platform != "linux", reason="niceness is a process's elsewhere")
def test_a_spare_gives_way_while_it_loads_and_only_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks = "os.getpriority(os.PRIO_PROCESS, threading.get_native_id())"
    (tmp_path / "loaded_by_a_spare.py").write_text(f"import os, threading\nniceness = {asks}\n")
    monkeypatch.syspath_prepend(tmp_path)
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    Host().warm_up(["loaded_by_a_spare"])
    nicest = 19
    assert import_module("loaded_by_a_spare").niceness == min(usual + SPARE_NICENESS, nicest)
    assert os.getpriority(os.PRIO_PROCESS, 0) == usual


def test_a_stage_is_built_opened_and_told_what_follows() -> None:
    host = opened()
    host.push("a packet")
    assert host.call("stats") == {"heard": 5}
    assert dict(host.beat().counts) == {"heard": 5}
    assert host._stage.heard == ["one", "two", 7, True, "a packet"]


def test_a_stage_that_cannot_be_opened_is_not_there() -> None:
    host = Host()
    with pytest.raises(SourceError, match="cannot be opened"):
        host.open(f"{HERE}:Stage", ("broken",), {})
    with pytest.raises(PipelineError, match="not open yet"):
        host.push("a packet")


def test_how_long_a_stage_has_been_at_it_is_told() -> None:
    host = opened()
    assert host.beat().busy == 0
    host._stage.seen_at = time.monotonic_ns() - 5 * 10**9
    assert host.beat().busy >= 5
    host._stage.seen_at = None
    host._taking[1] = time.monotonic_ns() - 9 * 10**9
    assert host.beat().busy >= 9


def test_a_stage_that_is_broken_says_so() -> None:
    host = opened()
    host.push("failed")
    with pytest.raises(PipelineError, match="broken off"):
        host.beat()


def test_memory_held_on_purpose_is_in_the_beat() -> None:
    host = opened()
    before = host.beat().memory
    host.swell(64)
    assert host.beat().memory - before > 50 * 2**20
