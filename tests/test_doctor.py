"""What the doctor finds on machines in good and in bad shape."""

import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.assets import Assets
from streamer.doctor.address import check_address
from streamer.doctor.devices import check_devices
from streamer.doctor.examination import CHECKS, examine
from streamer.doctor.files import check_files
from streamer.doctor.findings import Finding, Report, State
from streamer.doctor.machine import check_machine
from streamer.settings import Settings, load_settings
from tests.commands import command
from tests.pulse import pulse_server

PICTURES = "lavfi:testsrc=size=320x240:rate=30,realtime"

states = st.sampled_from(["ok", "warning", "problem"])


def settings(**options: Any) -> Settings:
    return load_settings(options={key.replace("__", "."): value for key, value in options.items()})


def by_check(findings: Any) -> dict[str, Finding]:
    return {finding.check: finding for finding in findings}


@given(st.lists(states))
def test_only_problems_stand_in_the_way_of_a_session(told: list[State]) -> None:
    report = Report(version="1", findings=[Finding("check", state, "") for state in told])
    assert report.healthy == ("problem" not in told)


def test_the_machine_that_runs_the_tests_has_all_packages() -> None:
    found = by_check(check_machine(settings()))
    assert found["packages"].state == "ok"
    assert found["memory"].found.endswith("GiB available")


def test_a_folder_nobody_may_write_to_is_a_problem() -> None:
    found = by_check(check_machine(settings(assets__folder="/proc/qamoe")))
    assert found["disk for model files"].state == "problem"


def test_model_files_that_are_missing_or_not_what_they_should_be(tmp_path: Path) -> None:
    (tmp_path / "face-landmarker").mkdir()
    (tmp_path / "face-landmarker" / "face_landmarker.task").write_bytes(b"no model")
    found = by_check(check_files(settings(assets__folder=str(tmp_path))))
    assert found["model face-landmarker"].state == "problem"
    assert found["model face-landmarker"].found.startswith("damaged")
    assert found["model minilm-l6"].found.startswith("missing")
    assert "models pull minilm-l6" in (found["model minilm-l6"].advice or "")
    assert found["model whisper-base"].state == "ok", "nobody needs it"


def test_a_checkpoint_that_is_none_is_a_problem(tmp_path: Path) -> None:
    found = by_check(check_files(settings(analyzer__checkpoint=str(tmp_path))))
    assert found["checkpoint"].state == "problem"


def test_an_address_in_use_is_a_problem() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (busy,) = check_address(settings(feed__bind=f"tcp://127.0.0.1:{port}"))
    assert busy.state == "problem"
    assert "in use" in busy.found
    (free,) = check_address(settings(feed__bind="tcp://127.0.0.1:0"))
    assert free.state == "ok"


def test_a_camera_is_opened_and_one_that_is_not_there_is_a_problem() -> None:
    (there,) = check_devices(settings(camera__device=PICTURES, microphone__device="off"))
    assert there.state == "ok"
    assert there.found.endswith("320x240")
    (gone,) = check_devices(settings(camera__device="/dev/video97", microphone__device="off"))
    assert gone.state == "problem"
    assert "--camera off" in (gone.advice or "")


def test_devices_that_are_off_are_not_looked_at() -> None:
    assert not list(check_devices(settings(camera__device="off", microphone__device="off")))


def test_a_library_that_cannot_be_loaded_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamer.doctor.examination.CHECKS", ("nothing:there", *CHECKS[:1], ""))
    found = by_check(examine(settings(), speed=False).findings)
    assert found["nothing"].state == "problem"
    assert found["packages"].state == "ok"


@pytest.mark.slow
def test_a_microphone_that_says_nothing_is_told_from_one_that_is_missing() -> None:
    with pulse_server():
        (silent,) = check_devices(settings(camera__device="off"))
    assert silent.state == "warning"
    assert "digital silence" in silent.found


@pytest.mark.slow
def test_programs_and_people_are_told_the_same(assets: Assets) -> None:
    assert not assets.missing(["demo-media"])
    options = ("doctor", "--camera", PICTURES, "--mic", "off", "--bind", "tcp://127.0.0.1:0")
    for_programs = command(*options, "--json")
    report = msgspec.json.decode(for_programs.lines[0], type=Report)
    assert report.healthy
    assert for_programs.code == 0
    assert {"speed of the face reader", "speed of a session"} <= set(by_check(report.findings))
    for_people = command(*options, "--no-speed")
    text = "\n".join(for_people.lines)
    assert "this machine can run a session" in text
    assert all(finding.check in text for finding in report.findings[:4])


@pytest.mark.slow
def test_a_problem_is_an_exit_code() -> None:
    done = command("doctor", "--no-speed", "--mic", "off", "--camera", "/dev/video97")
    assert done.code == 1
    assert "a session will not run yet" in done.lines
