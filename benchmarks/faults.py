"""Every fault, one after the other, in one session on real devices: what the feed makes of it.

    python -m benchmarks.faults [--write docs/faults.md] [--only WORD] [--pause 8]

The microphone is PulseAudio's, the camera a network camera on loopback; both show a real person.
Times vary with the machine, so nothing here is asserted.
"""

import argparse
import os
import time
import wave
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from streamer.assets import Assets
from streamer.errors import PipelineError
from streamer.faults import Fault, Observer, Outcome, actor_faults, leftovers, rehearse
from streamer.outside_faults import disk_full, outside_faults
from streamer.packets import Stream
from streamer.processes import wait_for_end
from streamer.session import Session
from streamer.settings import load_settings
from streamer.signals import interrupt_once
from tests.mjpeg import NetworkCamera, network_camera
from tests.pulse import PulseServer, pulse_server

MEMORY_MB = 700
"""That one actor may hold; the largest has half of that."""
STORE_MB = 80
PATIENCE = 90.0
HOLD = 3.0
STEADY = 3
"""Windows without a fault before the next one is done."""

ALLOWED_GAP, ALLOWED_RECOVERY, ALLOWED_DEVICE = 1.5, 5.0, 3.0


@dataclass
class Scene:
    """A session on devices that can be pulled out, and all that its feed says."""

    session: Session
    observer: Observer
    pulse: PulseServer
    camera: NetworkCamera
    voice: Path
    recording: Path
    _playing: ExitStack

    def play(self) -> None:
        self._playing.enter_context(self.pulse.playing(self.voice))

    def faults(self) -> list[Fault]:
        return [
            *actor_faults(self.session, MEMORY_MB),
            *self.device_faults(),
            *outside_faults(self.session, STORE_MB),
            disk_full(self.session, self.recording),
        ]

    def device_faults(self) -> Iterator[Fault]:
        camera, pulse = self.camera, self.pulse
        sound: tuple[Stream, ...] = ("audio",)
        pictures: tuple[Stream, ...] = ("vision",)
        for name, rate in (("back", 16_000), ("back at 44.1 kHz", 44_100)):
            back = partial(self.plug_in_microphone, rate)
            yield Fault(f"PulseAudio killed, {name}", sound, pulse.stop, back)
        yield Fault("camera unplugged, back", pictures, camera.unplug, camera.plug_in)
        yield Fault(
            "camera hangs", pictures, partial(camera.hang, True), partial(camera.hang, False)
        )
        for mode, name in (("frozen", "repeats its picture"), ("garbage", "sends garbage")):
            begin, end = (partial(setattr, camera, mode, on) for on in (True, False))
            yield Fault(f"camera {name}", pictures, begin, end)
        yield Fault("camera changes its resolution", (), partial(setattr, camera, "small", True))

    def plug_in_microphone(self, rate: int) -> None:
        self.pulse.start(rate)
        self.play()

    def until_it_runs(self) -> None:
        """Returns when both streams could be trusted for a while."""
        began, deadline = time.monotonic(), time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            self.session.finished()
            last = [window for _, window in self.observer.windows(began)][-STEADY:]
            worst = [
                window.reliability[name].value for window in last for name in ("audio", "vision")
            ]
            if len(last) == STEADY and min(worst) > 0:
                return
            time.sleep(0.1)
        told = {name: str(part) for name, part in last[-1].reliability.items()} if last else {}
        raise SystemExit(f"the session does not come to see and hear: {told}")


@contextmanager
def scene(assets: Assets, seconds: float = 900.0) -> Iterator[Scene]:
    """Face and voice of real persons, on a microphone and a camera of this machine's own. So many
    ``seconds`` the voice speaks, from the beginning and whenever the microphone has come back."""
    film = assets.file("demo-media", "WolfgangLanger_Pexels.mp4")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="faults")))
        spoken = assets.file("demo-media", "two_cities.wav")
        voice = repeated(spoken, folder / "voice.wav", seconds)
        pulse = stack.enter_context(pulse_server())
        camera = stack.enter_context(network_camera(film))
        options = {
            "microphone.device": "default",
            "camera.device": camera.address,
            "camera.frame_rate": 5,  # the machine is busy with starting actors enough
            "transcriber.buffer": 4.0,
            "feed.bind": "tcp://127.0.0.1:0",
            "feed.record": str(folder / "a.qmr"),
            "ray.object_store_mb": STORE_MB,
            "supervision.memory_mb": MEMORY_MB,
            "supervision.restarts": 20,
        }
        session = stack.enter_context(Session(load_settings(options=options)))
        observer = stack.enter_context(Observer(session.address, session.name))
        playing = stack.enter_context(ExitStack())
        recording = folder / "a.qmr"
        shown = Scene(session, observer, pulse, camera, voice, recording, playing)
        shown.play()
        session.start()
        stack.callback(session.stop, "done")
        shown.until_it_runs()
        yield shown


def repeated(wav: Path, to: Path, seconds: float) -> Path:
    """The same sound again and again."""
    with wave.open(str(wav)) as source, wave.open(str(to), "wb") as target:
        target.setparams(source.getparams())
        samples = source.readframes(source.getnframes())
        once = source.getnframes() / source.getframerate()
        for _ in range(int(seconds / once)):
            target.writeframes(samples)
    return to


def run(only: str, pause: float) -> tuple[list[Outcome], int]:
    """All faults whose name holds ``only``, after ``pause`` seconds of peace each; what came of
    them, and how many processes they left behind."""
    outcomes = []
    with scene(Assets(load_settings().assets)) as shown:
        below = psutil.Process().children(recursive=True)
        for fault in shown.faults():
            if only not in fault.name:
                continue
            time.sleep(pause)
            outcome = rehearse(fault, shown.observer, shown.session.finished, HOLD, PATIENCE)
            print(row(outcome), flush=True)
            outcomes.append(outcome)
            below += psutil.Process().children(recursive=True)
            shown.until_it_runs()
    wait_for_end(below, 3.0)
    return outcomes, len(leftovers(below))


def row(outcome: Outcome) -> str:
    of_actor = outcome.name.endswith(("killed", "stopped", "swells"))
    limit = ALLOWED_RECOVERY if of_actor else ALLOWED_DEVICE
    cells = [
        outcome.name,
        _seconds(outcome.noticed, None),
        _seconds(outcome.recovered, limit),
        _seconds(outcome.gap, ALLOWED_GAP),
        str(outcome.lost),
        ", ".join(outcome.touched) or "none",
        "; ".join(outcome.reasons[:2]),
    ]
    return f"| {' | '.join(cells)} |"


def _seconds(value: float | None, limit: float | None) -> str:
    if value is None:
        return "-" if limit is None else "**never**"
    missed = limit is not None and value > limit
    return f"**{value:.1f} s**" if missed else f"{value:.1f} s"


COLUMNS = (
    "fault",
    "reads 0 after",
    "recovered after",
    "longest silence",
    "messages lost",
    "others at 0",
    "reasons given",
)
HEAD = f"| {' | '.join(COLUMNS)} |\n{'| --- ' * len(COLUMNS)}|"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="those whose name holds this")
    parser.add_argument("--pause", type=float, default=8.0, help="seconds of peace before each")
    parser.add_argument("--write", type=Path)
    chosen = parser.parse_args()
    interrupt_once()
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(HEAD)
    try:
        outcomes, left = run(chosen.only, chosen.pause)
    except PipelineError as error:
        raise SystemExit(f"the session failed: {error}") from None
    print(f"processes left behind: {left}; load after: {os.getloadavg()[0]:.1f}")
    if chosen.write:
        lines = [HEAD, *map(row, outcomes), "", f"Processes left behind: {left}."]
        chosen.write.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
