"""How the measured evidence falls with each kind of damage, on real recordings.

    python -m benchmarks.evidence [--data DATA] [--part report|fit] [--kinds video:jpeg audio:clip]

Joins clips of one speaker to sessions, does every kind of audio and video damage to them at six
severities, and judges windows of 4 s as the live pipeline does; no network of ours takes part. Two
parts of the data share no speaker and no file: how damage shows was chosen on ``fit``, and what is
printed unless asked otherwise is ``report``. What counts as clean was set on clips of all speakers.
Takes about five minutes of one core.
"""

import argparse
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import spearmanr

from actors.camera import face_landmarker
from actors.source import EndOfStream
from actors.video_sources import FileVideoSource
from models.degradation import AUDIO_KINDS, VISION_KINDS, AudioDamage, VideoDamage
from models.features.face import FaceTracker
from models.reliability import AUDIO, FACE, Ramp, audio_evidence, face_evidence
from models.voice_activity import VoiceActivity
from streamer.media import decode_audio
from streamer.packets import SAMPLE_RATE, SECOND, Evidence, Floats, Stream, VideoFrame
from streamer.settings import DamageSettings, Settings, load_settings

DATA = Path(os.environ.get("QAMOE_DATA", "../shared/data"))
SEVERITIES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
SESSION = 10 * SAMPLE_RATE
VIDEO_SECONDS = 4.6
CLEAN_CLIPS = 60
PREFIX = {"audio": "audio", "vision": "video"}

SPEAKERS = {
    "fit": {"ravdess": ("*-01.*", "*-04.*", "*-15.*"), "nemo": ("EB0_*",), "emodb": ("03*", "08*")},
    "report": {
        "ravdess": ("*-07.*", "*-12.*"),
        "nemo": ("MK0_*", "WR0_*"),
        "emodb": ("11*", "16*"),
    },
}
"""Which files are each speaker's."""

VIDEOS = {
    "fit": ("talking_head_en_8s.mp4", "grid_swiz3n.mpg", "grid_bbaf2n.mpg", "liveportrait_d6.mp4"),
    "report": ("grid_lbax4n.mpg", "liveportrait_d11.mp4", "liveportrait_d14.mp4"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of damage: ``scores`` (recordings, severities) are means over the windows;
    ``measures`` counts which measure was the least, where a window of severity >= 0.5 lost."""

    stream: Stream
    kind: str
    scores: Floats
    measures: Counter[str]

    @property
    def spearman(self) -> float:
        """Rank correlation of score and severity over recordings and severities; 0 where the score
        does not move."""
        if np.ptp(self.scores) == 0:
            return 0.0
        severities = np.broadcast_to(SEVERITIES, self.scores.shape)
        return float(spearmanr(severities.ravel(), self.scores.ravel()).statistic)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--part", choices=tuple(SPEAKERS), default="report")
    parser.add_argument("--kinds", nargs="*", help="such as video:jpeg, by default all")
    options = parser.parse_args()
    if not (options.data / "clips").is_dir():
        parser.error(f"{options.data}: no research data there")
    settings = load_settings()
    rows = [*heard(options.data, options.part, options.kinds, settings),
            *seen(options.data, options.part, options.kinds, settings)]  # fmt: skip
    console = Console(width=120)
    console.print(damage_table(rows))
    console.print(clean_table(options.data, rows, settings))


def heard(data: Path, part: str, kinds: Sequence[str] | None, settings: Settings) -> Iterator[Row]:
    """A row for each kind of audio damage."""
    sessions = [
        _joined(sorted((data / "speech" / corpus).glob(name)))
        for corpus, names in SPEAKERS[part].items()
        for name in names
    ]
    clean = [judge_sound(samples, (), settings) for samples in sessions]
    for kind in _chosen("audio", AUDIO_KINDS, kinds):
        runs = [
            [clean[number]]
            + [
                judge_sound(samples, _damage("audio", kind, severity), settings, number)
                for severity in SEVERITIES[1:]
            ]
            for number, samples in enumerate(sessions)
        ]
        yield _row("audio", kind, runs, AUDIO)


def seen(data: Path, part: str, kinds: Sequence[str] | None, settings: Settings) -> Iterator[Row]:
    """A row for each kind of video damage."""
    chosen = _chosen("vision", VISION_KINDS, kinds)
    if not chosen:
        return
    clips = [_pictures(data / "clips" / name, settings) for name in VIDEOS[part]]
    clean = [judge_pictures(frames, (), settings) for frames in clips]
    for kind in chosen:
        runs = [
            [clean[number]]
            + [
                judge_pictures(frames, _damage("vision", kind, severity), settings, number)
                for severity in SEVERITIES[1:]
            ]
            for number, frames in enumerate(clips)
        ]
        yield _row("vision", kind, runs, FACE)


def judge_sound(
    samples: Floats, damages: Sequence[DamageSettings], settings: Settings, seed: int = 0
) -> list[Evidence]:
    """Evidence of each window of ``samples`` (n,) at 16 kHz, damaged; of all where it is short."""
    damaged = AudioDamage(damages, np.random.default_rng(seed)).apply(samples, 0)
    speech = VoiceActivity()(damaged)
    length, hop = (round(s * 50) for s in (settings.window.length, settings.window.hop))
    length = min(length, len(speech))
    return [
        audio_evidence(damaged[(end - length) * 320 : end * 320], speech[end - length : end])
        for end in range(length, len(speech) + 1, hop)
    ]


def judge_pictures(
    frames: Sequence[VideoFrame],
    damages: Sequence[DamageSettings],
    settings: Settings,
    seed: int = 0,
) -> list[Evidence]:
    """Evidence of each window of ``frames``, damaged; of all where they are short."""
    damage = VideoDamage(damages, np.random.default_rng(seed))
    landmarks = np.zeros((0, 2), np.float32)
    times, found, measures = [], [], []
    with FaceTracker(face_landmarker(settings), "video") as tracker:
        for frame in frames:
            if damage.seeks_face:
                landmarks = tracker.track(frame.image, frame.captured_at).landmarks
            image = damage.apply(frame.image, frame.captured_at, landmarks)
            if image is not None:
                face = tracker.track(image, frame.captured_at)
                landmarks = face.landmarks
                times.append(frame.captured_at)
                found.append(face.found)
                measures.append(face.measures)
    at, flags = np.array(times, np.int64), np.array(found, np.bool_)
    rate, hop = settings.camera.frame_rate, settings.window.hop_ns
    last = frames[-1].captured_at + round(SECOND / rate)
    length = min(round(settings.window.length * SECOND), last)
    result = []
    for end in range(length, last + 1, hop):
        inside = (at >= end - length) & (at < end)
        tail = (end - at[at < end].max()) / SECOND if (at < end).any() else length / SECOND
        table = np.array(measures, np.float32)[inside] if len(at) else np.zeros((0, 0))
        result.append(face_evidence(table, flags[inside], length / SECOND * rate, tail))
    return result


def damage_table(rows: Iterable[Row]) -> Table:
    """Mean score at each severity, rank correlation, and the measures that reacted."""
    table = Table("damage", *(f"{s:g}" for s in SEVERITIES), "Spearman", "measures")
    for row in rows:
        means = [f"{score:.2f}" for score in row.scores.mean(axis=0)]
        named = ", ".join(name for name, _ in row.measures.most_common(2)) or "none"
        table.add_row(f"{PREFIX[row.stream]}:{row.kind}", *means, f"{row.spearman:.2f}", named)
    return table


def clean_table(data: Path, rows: Sequence[Row], settings: Settings) -> Table:
    """Scores of undamaged recordings: the lowest, the mean, and how many exceed 0.8."""
    table = Table("clean", "recordings", "least", "mean", "above 0.8", "measures of those below")
    for corpus in SPEAKERS["fit"]:
        files = sorted((data / "speech" / corpus).glob("*.opus"))
        files = files[:: max(1, len(files) // CLEAN_CLIPS)][:CLEAN_CLIPS]
        runs = [judge_sound(_joined([file]), (), settings) for file in files]
        table.add_row(corpus, *_clean(runs, AUDIO))
    clips = [path for path in sorted((data / "clips").iterdir()) if path.is_file()]
    runs = [judge_sound(_joined([path]), (), settings) for path in clips]
    table.add_row("clips, sound", *_clean(runs, AUDIO))
    if any(row.stream == "vision" for row in rows):
        videos = [data / "clips" / name for names in VIDEOS.values() for name in names]
        runs = [judge_pictures(_pictures(path, settings), (), settings) for path in videos]
        table.add_row("clips, pictures", *_clean(runs, FACE))
    return table


def least(evidence: Evidence, ramps: Mapping[str, Ramp]) -> str | None:
    """The measure that set the score; None where it is 1."""
    scores = {name: ramps[name](value) for name, value in evidence.measures.items()}
    return min(scores, key=lambda name: scores[name]) if evidence.score < 1 and scores else None


def _row(
    stream: Stream,
    kind: str,
    runs: Sequence[Sequence[Sequence[Evidence]]],
    ramps: Mapping[str, Ramp],
) -> Row:
    scores = [[np.mean([e.score for e in windows]) for windows in run] for run in runs]
    named = Counter(
        name
        for run in runs
        for severity, windows in zip(SEVERITIES, run, strict=True)
        for evidence in windows
        if severity >= 0.5 and (name := least(evidence, ramps)) is not None
    )
    return Row(stream, kind, np.array(scores, np.float32), named)


def _clean(runs: Sequence[Sequence[Evidence]], ramps: Mapping[str, Ramp]) -> tuple[str, ...]:
    scores = [float(np.mean([e.score for e in windows])) for windows in runs]
    low = Counter(least(e, ramps) for windows in runs for e in windows if e.score <= 0.8)
    good = sum(score > 0.8 for score in scores)
    measures = ", ".join(f"{name} {count}" for name, count in low.most_common(4))
    mean = f"{np.mean(scores):.3f}"
    return str(len(runs)), f"{min(scores):.2f}", mean, f"{good}/{len(scores)}", measures


def _damage(stream: Stream, kind: str, severity: float) -> tuple[DamageSettings]:
    return (DamageSettings(stream=stream, kind=kind, severity=severity),)


def _chosen(stream: Stream, kinds: Iterable[str], wanted: Sequence[str] | None) -> list[str]:
    return [kind for kind in kinds if wanted is None or f"{PREFIX[stream]}:{kind}" in wanted]


def _joined(files: Sequence[Path]) -> Floats:
    """Sound of ``files``, one after the other in an order that mixes moods, up to SESSION samples;
    one file is taken whole, but for 15 s at the most."""
    if len(files) > 1:
        files = [files[index] for index in np.random.default_rng(0).permutation(len(files))]
    samples = np.zeros(0, np.float32)
    for file in files:
        chunks = [chunk.samples for chunk in decode_audio(str(file))]
        samples = np.concatenate([samples, *chunks])
        if len(samples) > SESSION:
            break
    samples = samples[: SESSION if len(files) > 1 else 15 * SAMPLE_RATE]
    return samples[: len(samples) // 320 * 320]


def _pictures(path: Path, settings: Settings) -> list[VideoFrame]:
    source = FileVideoSource(str(path), settings.camera.frame_rate)
    source.open()
    source.start(0)
    frames: list[VideoFrame] = []
    try:
        while (frame := source.read(1.0)) and frame.captured_at < VIDEO_SECONDS * SECOND:
            frames.append(frame)
    except EndOfStream:
        pass
    finally:
        source.close()
    return frames


if __name__ == "__main__":
    main()
