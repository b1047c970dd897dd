from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest

from models.degradation import AudioDamage, VideoDamage
from models.features.face import FaceTracker
from models.reliability import audio_evidence, face_evidence
from models.voice_activity import VoiceActivity
from streamer.assets import Assets
from streamer.errors import AssetError
from streamer.media import decode_audio, probe
from streamer.packets import SAMPLE_RATE, SECOND, Evidence
from streamer.reel import PLAN, Caption, Plan, Shot, Span, captions, render
from streamer.settings import DamageSettings, Settings, load_settings

FRAME_RATE = 12
WINDOW = 4
SHORT = Plan(shots=(Shot(0, 240, 250),), away=Span(0.4, 0.8), voice=(Span(1, 2),), gain=1, turn=0.1)


@pytest.fixture(scope="module")
def demo() -> Settings:
    return load_settings(Path(__file__).parent.parent / "configs" / "demo.yaml")


def test_the_captions_cover_the_demo_in_order(demo: Settings) -> None:
    shown = captions(demo.damage)
    assert [(caption.start, caption.end) for caption in shown] == [
        (0, 7), (7, 12), (12, 17), (17, 22), (17, 22), (18, 22), (22, 27), (27, 32), (32, 36),
        (36, 41), (41, 46), (46, 52), (46, 52), (52, 58),
    ]  # fmt: skip
    assert shown[0] == Caption(0, 7, "clean sound and picture")
    assert shown[1].text == "muted: the microphone is muted"
    assert [caption.stream for caption in shown] == [
        None, "audio", None, "audio", "vision", "audio", None, "vision", None, "vision",
        None, "audio", "vision", None,
    ]  # fmt: skip
    assert shown[9].text == "the face leaves the picture"
    assert shown[-1].end == PLAN.seconds


def test_captions_name_overlapping_damage_one_by_one() -> None:
    damages = [
        DamageSettings(stream="vision", kind="dark", severity=1, start=5, end=10),
        DamageSettings(stream="audio", kind="mute", severity=1, start=8, end=20),
    ]
    starts = [(caption.start, caption.end) for caption in captions(damages)]
    assert starts == [(0, 5), (5, 10), (8, 20), (20, 36), (36, 41), (41, 58)]


@pytest.mark.slow
@pytest.mark.parallel
def test_the_same_plan_gives_the_same_reel_and_is_rendered_once(
    assets: Assets, tmp_path: Path
) -> None:
    media = assets.path("demo-media")
    first, second = tmp_path / "a.mp4", tmp_path / "new" / "b.mp4"
    render(media, first, SHORT)
    render(media, second, SHORT)
    assert first.read_bytes() == second.read_bytes()
    written = first.stat().st_mtime_ns
    render(media, first, SHORT)
    assert first.stat().st_mtime_ns == written
    render(media, first, replace(SHORT, gain=2))
    assert first.stat().st_mtime_ns > written
    assert [path.name for path in first.parent.glob("a.mp4*")] == ["a.mp4"]


@pytest.mark.slow
@pytest.mark.parallel
def test_a_broken_reel_is_rendered_anew(assets: Assets, tmp_path: Path) -> None:
    target = tmp_path / "reel.mp4"
    target.write_bytes(b"half a film")
    render(assets.path("demo-media"), target, SHORT)
    info = probe(str(target))
    assert info.has_audio
    assert info.has_video
    assert info.duration_seconds == pytest.approx(1, abs=0.1)


def test_missing_media_are_one_line_and_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(AssetError) as error:
        render(tmp_path / "nothing", tmp_path / "reel.mp4", SHORT)
    assert "\n" not in str(error.value)
    assert "nothing" in str(error.value)
    assert list(tmp_path.iterdir()) == []


@dataclass(frozen=True)
class Judged:
    """Evidence of the windows that end at each half second."""

    audio: dict[float, Evidence]
    vision: dict[float, Evidence]


@pytest.fixture(scope="module")
def judged(assets: Assets, demo: Settings, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    reel = tmp_path_factory.mktemp("reel") / "reel.mp4"
    render(assets.path("demo-media"), reel)
    task = assets.file("face-landmarker", "face_landmarker.task")
    ends = [half / 2 for half in range(2 * WINDOW, 2 * round(PLAN.seconds) + 1)]
    return Judged(_heard(reel, demo, ends), _seen(reel, demo, ends, task))


def _heard(reel: Path, demo: Settings, ends: list[float]) -> dict[float, Evidence]:
    damage = AudioDamage(demo.damage, np.random.default_rng(0))
    chunks = [damage.apply(chunk.samples, chunk.captured_at) for chunk in decode_audio(str(reel))]
    samples = np.concatenate(chunks)
    samples = samples[: len(samples) // 320 * 320]
    speech = VoiceActivity()(samples)
    result = {}
    for end in ends:
        first, last = round((end - WINDOW) * SAMPLE_RATE), round(end * SAMPLE_RATE)
        result[end] = audio_evidence(samples[first:last], speech[first // 320 : last // 320])
    return result


def _seen(reel: Path, demo: Settings, ends: list[float], task: Path) -> dict[float, Evidence]:
    damage = VideoDamage(demo.damage, np.random.default_rng(0))
    times, found, measures = [], [], []
    landmarks = np.zeros((0, 2), np.float32)
    with FaceTracker(task, "video") as tracker, av.open(str(reel)) as container:
        for frame in islice(container.decode(video=0), 0, None, PLAN.rate // FRAME_RATE):
            captured_at = round(frame.time * SECOND)
            image = damage.apply(frame.to_ndarray(format="bgr24"), captured_at, landmarks)
            if image is None:
                continue
            face = tracker.track(image, captured_at)
            landmarks = face.landmarks
            times.append(captured_at / SECOND)
            found.append(face.found)
            measures.append(face.measures)
    result = {}
    for end in ends:
        ages = (end - np.array(times)).astype(np.float32)
        use = (ages <= WINDOW) & (ages > 0)
        result[end] = face_evidence(
            np.array(measures)[use], np.array(found)[use], ages[use], WINDOW, FRAME_RATE
        )
    return result


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize(
    ("stream", "start", "end", "reason", "most", "others"),
    [
        ("audio", 7, 12, "silent or muted microphone", 0.01, 0.8),
        ("audio", 18, 22, "noise", 0.45, 0.4),  # and somebody sits behind, against a window
        ("vision", 27, 32, "too dark", 0.65, 0.8),
        ("vision", 36, 41, "no face", 0.35, 0.8),
    ],
    ids=["muted", "cafe", "dark-room", "leaves"],
)
def test_reliability_falls_where_the_demo_says_so(
    judged: Judged, stream: str, start: float, end: float, reason: str, most: float, others: float
) -> None:
    hit = judged.audio if stream == "audio" else judged.vision
    spared = judged.vision if stream == "audio" else judged.audio
    during = [half / 2 for half in range(2 * start + 5, 2 * end + 1)]
    assert all(hit[at].score < most for at in during)
    assert all(hit[at].reason == reason for at in during)
    assert all(spared[at].score > others for at in during)
    assert hit[end + WINDOW - 0.5].score > 0.8


@pytest.mark.slow
@pytest.mark.parallel
def test_the_clean_reel_is_trusted(judged: Judged) -> None:
    for at in (4, 6, 7, 16, 17, 26, 30, 36, 40, 46, 56, 57, 58):
        assert judged.audio[at].score > 0.8
    for at in (4, 8, 14, 26, 27, 36, 45, 46, 56, 57, 58):
        assert judged.vision[at].score > 0.8


@pytest.mark.slow
@pytest.mark.parallel
def test_bad_wifi_hits_sound_and_picture(judged: Judged) -> None:
    for hit in (judged.audio, judged.vision):
        assert min(hit[half / 2].score for half in range(94, 105)) < 0.5


@pytest.mark.slow
@pytest.mark.parallel
def test_sound_and_pictures_of_the_reel_end_in_the_same_hop(assets: Assets, tmp_path: Path) -> None:
    reel = tmp_path / "reel.mp4"
    render(assets.path("demo-media"), reel, SHORT)
    last = [chunk.end / SECOND for chunk in decode_audio(str(reel))][-1]
    assert 0.85 < last <= 1  # one second of pictures: hops end there
