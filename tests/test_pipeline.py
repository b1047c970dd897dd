"""The whole line over real media, real devices' stand-ins and real sockets, as a user runs it."""

import json
import re
import signal
import subprocess
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import psutil
import pytest
from faster_whisper import WhisperModel

from streamer.assets import Assets
from streamer.feed import Subscriber
from streamer.feed.messages import HealthMessage, SentimentMessage, TranscriptMessage
from tests.commands import COMMAND, Finished, free_port, running, stream
from tests.pulse import PulseServer, pulse_server
from tests.test_transcription import SAID

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("assets")]

BECKETT = "ever tried ever failed no matter try again fail again fail better"

WALL_CLOCK = {"captured_at", "published_at", "latency_ms"}
"""The fields of a message that tell of this run, not of the media."""


def plain(text: str) -> str:
    return " ".join(re.sub(r"[^a-z' ]", " ", text.lower()).split())


def spoken(messages: list[TranscriptMessage]) -> str:
    return plain(" ".join(word.text for message in messages for word in message.words))


@pytest.mark.parallel
def test_a_face_and_a_voice_become_a_complete_feed(talking_head: Finished) -> None:
    assert talking_head.code == 0
    for kind in (talking_head.windows, talking_head.transcripts, talking_head.health):
        assert [message.seq for message in kind] == list(range(len(kind)))
    first = [item for item in talking_head.windows if item.revision == 0]
    assert [item.window.end for item in first] == [(k + 1) / 2 for k in range(16)]
    last = {item.window.end: item for item in talking_head.windows}
    assert all(item.words_age_ms == 0 for item in last.values())
    settled = list(last.values())[8:]
    for stream_name in ("text", "audio", "vision"):
        assert min(item.reliability[stream_name].value for item in settled) > 0.5
    assert all(item.sentiment is not None for item in settled)
    bye = talking_head.health[-1]
    assert (bye.state, bye.reason) == ("bye", "the source has ended")
    assert sum(item.dropped for name, item in bye.streams.items() if name != "text") == 0


@pytest.mark.parallel
@pytest.mark.parametrize(("file", "limit"), [("jfk.flac", 0.10), ("talking_head_en_8s.mp4", 0.15)])
def test_the_words_arrive_with_their_capture_times(
    talking_head: Finished, data_folder: Path, assets: Assets, file: str, limit: float
) -> None:
    clip = str(data_folder / "clips" / file)
    run = talking_head
    if file != "talking_head_en_8s.mp4":
        run = stream("--source", clip, "--speed", "max", "--transcripts")
    assert jiwer.wer(SAID[file], spoken(run.transcripts)) < limit
    model = WhisperModel(str(assets.path("whisper-tiny.en")), device="cpu", compute_type="int8")
    segments, _ = model.transcribe(clip, beam_size=5, word_timestamps=True)
    expected = {plain(word.word): word.end for part in segments for word in part.words or []}
    found = {plain(word.text): word.end for item in run.transcripts for word in item.words}
    common = expected.keys() & found.keys()
    assert len(common) >= 10
    assert np.median([abs(expected[word] - found[word]) for word in common]) < 0.15


@pytest.mark.parallel
def test_the_same_file_gives_the_same_feed(talking_head: Finished, data_folder: Path) -> None:
    clip = data_folder / "clips" / "talking_head_en_8s.mp4"
    again = stream("--source", str(clip), "--speed", "max", "--transcripts", "--session", "one")

    def told(run: Finished) -> list[dict[str, Any]]:
        rows = [json.loads(line) for line in run.lines]
        return [{key: value for key, value in row.items() if key not in WALL_CLOCK} for row in rows]

    assert len(told(talking_head)) > 40
    assert told(again) == told(talking_head)


@pytest.fixture(scope="module")
def pulse() -> Iterator[PulseServer]:
    with pulse_server() as server:
        yield server


def test_what_a_microphone_hears_is_on_the_feed(pulse: PulseServer, assets: Assets) -> None:
    options = ("--camera", "off", "--mic", "pulse", "--transcripts")
    with running(*options) as (process, address), Subscriber(address, idle=60) as feed:
        heard: list[TranscriptMessage] = []
        windows: list[SentimentMessage] = []
        first = feed.receive(timeout=60)
        assert first is not None, process.stderr
        pulse.play(assets.file("demo-media", "beckett.wav"))
        until = time.monotonic() + 4
        while time.monotonic() < until:
            message = feed.receive(timeout=0.5)
            if isinstance(message, TranscriptMessage):
                heard.append(message)
            elif isinstance(message, SentimentMessage):
                windows.append(message)
    assert jiwer.wer(BECKETT, spoken(heard)) < 0.25, spoken(heard)
    assert max(item.reliability["text"].value for item in windows) > 0.5
    assert max(item.reliability["audio"].value for item in windows) > 0.5
    assert all("vision" not in item.reliability for item in windows)
    assert feed.gaps == 0


def test_what_a_camera_sees_is_on_the_feed(assets: Assets) -> None:
    film = assets.file("demo-media", "WolfgangLanger_Pexels.mp4")
    graph = f"lavfi:movie={film}:loop=0,setpts=N/(30*TB),realtime"
    run = stream("--camera", graph, "--mic", "off", "--duration", "8")
    assert run.code == 0, run.said
    # Of some 120: where a busy machine holds the reader up, what waited meanwhile is left out.
    assert run.health[-1].streams["vision"].dropped <= 3
    rates = [item.streams["vision"].rate for item in run.health[2:-1]]
    assert np.mean(rates) > 13
    late = [item.reliability["vision"].value for item in run.windows[8:]]
    assert min(late) > 0.5
    assert all(set(item.reliability) == {"vision"} for item in run.windows)
    assert all(item.words_age_ms is None for item in run.windows)


@pytest.mark.parallel
def test_a_missing_track_is_an_absent_stream(assets: Assets) -> None:
    voice = assets.file("demo-media", "beckett.wav")
    run = stream("--source", str(voice), "--speed", "max", "--duration", "4")
    assert run.code == 0, run.said
    assert run.health[-1].streams["vision"].state == "off"
    assert all(set(item.reliability) == {"text", "audio"} for item in run.windows)


@pytest.mark.parallel
def test_silence_abstains_with_a_reason(tmp_path: Path) -> None:
    silent = tmp_path / "silent.wav"
    with wave.open(str(silent), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(3 * 32_000))
    run = stream("--source", str(silent), "--speed", "max")
    assert run.code == 0, run.said
    assert all(item.sentiment is None for item in run.windows)
    assert all("silent or muted microphone" in str(item.reason) for item in run.windows)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_an_interrupted_run_says_bye_and_leaves_nothing(number: int, assets: Assets) -> None:
    film = assets.file("demo-media", "WolfgangLanger_Pexels.mp4")
    address = f"tcp://127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [*COMMAND, "--ui", "off", "--bind", address, "--source", str(film), "--loop"],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with Subscriber(address, idle=60) as feed:
        assert feed.receive(timeout=60) is not None
        below = psutil.Process(process.pid).children(recursive=True)
        assert len(below) > 3
        process.send_signal(number)
        last = [message for message in feed if isinstance(message, HealthMessage)][-1]
    assert (last.state, last.reason) == ("bye", "interrupted")
    _, said = process.communicate(timeout=20)
    assert process.returncode == 0, said
    _, alive = psutil.wait_procs(below, timeout=5)
    assert not alive


@pytest.mark.parallel
def test_a_package_of_the_users_own_called_models_does_no_harm(
    tmp_path: Path, assets: Assets
) -> None:
    for package in ("models", "actors", "streamer"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise ImportError('not ours')\n")
    voice = assets.file("demo-media", "beckett.wav")
    installed = Path(COMMAND[0]).with_name("qamoe-stream")
    done = subprocess.run(
        [installed, "--source", voice, "--speed", "max", "--duration", "2", "--ui", "json",
         "--bind", f"tcp://127.0.0.1:{free_port()}"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 4


@pytest.mark.parallel
def test_the_readmes_program_runs(tmp_path: Path, assets: Assets) -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    (program,) = [code for code in re.findall(r"```python\n(.*?)```", readme, re.S)
                  if "Session(" in code]  # fmt: skip
    voice = assets.file("demo-media", "beckett.wav")
    file = tmp_path / "program.py"
    changed = program.replace('"call.mp4"', f'{str(voice)!r}, "source.speed": "max"')
    assert changed != program
    file.write_text(changed)
    done = subprocess.run(
        [COMMAND[0], str(file)], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "SentimentMessage" in done.stdout
