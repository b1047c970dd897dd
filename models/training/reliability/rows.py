"""What is measured in each window of damaged sessions, and what damage does to the features."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.degradation import AUDIO_KINDS, VISION_KINDS, WORDS_KINDS, WordsDamage
from models.rehearsal import hear, watch, windows
from models.reliability.words import words_measures
from models.training.reliability.people import Person, damage
from models.training.reliability.stage import Stage, Trusting
from streamer.packets import Estimate, Floats, Stream, Window, Words
from streamer.settings import DamageSettings
from streamer.windows import Packet

SEVERITIES = (0.1, 0.25, 0.5, 0.75, 1.0)

KINDS: Mapping[Stream, tuple[str, ...]] = {
    "audio": (*AUDIO_KINDS, "surroundings"),
    "vision": tuple(VISION_KINDS),
    "text": tuple(WORDS_KINDS),
}
"""All kinds of damage, by stream; ``surroundings`` is noise out of a recording."""


@dataclass(frozen=True)
class Rows:
    """One session: for each of n windows the ``measures``, by name, NaN where there is none; the
    network's own ``model`` reliability (n,); and ``means`` (n, width), its representation of the
    stream, NaN where it is absent."""

    measures: dict[str, Floats]
    model: Floats
    means: Floats

    def of(self, windows: Sequence[int]) -> "Rows":
        """Those of ``windows``, counted from the session's first."""
        use = list(windows)
        measures = {name: values[use] for name, values in self.measures.items()}
        return Rows(measures, self.model[use], self.means[use])


def save(rows: Mapping[tuple[str, float], Rows], file: Path) -> None:
    """``rows`` by kind and severity, whole or not at all."""
    arrays: dict[str, Floats] = {}
    for (kind, severity), of_case in rows.items():
        start = f"{kind}|{severity}|"
        arrays |= {f"{start}m|{name}": values for name, values in of_case.measures.items()}
        arrays |= {f"{start}model": of_case.model, f"{start}means": of_case.means}
    part = file.with_suffix(".part")
    with part.open("wb") as opened:
        np.savez_compressed(opened, allow_pickle=False, **arrays)
    part.replace(file)


def load(file: Path) -> dict[tuple[str, float], Rows]:
    """What ``save`` wrote."""
    found: dict[tuple[str, float], dict[str, Floats]] = {}
    with np.load(file, allow_pickle=False) as archive:
        for key in archive.files:
            kind, severity, name = key.split("|", 2)
            found.setdefault((kind, float(severity)), {})[name] = archive[key]
    return {
        case: Rows(
            {name[2:]: values for name, values in arrays.items() if name.startswith("m|")},
            arrays["model"],
            arrays["means"],
        )
        for case, arrays in found.items()
    }


def sound_rows(
    person: Person, stage: Stage, encoded: Container[int], *damages: DamageSettings
) -> Rows:
    """Rows of ``person``'s voice with ``damages`` to it; the network is asked of the windows that
    end with the hops ``encoded`` alone."""
    settings = stage.damaged(*damages)
    packets = hear(person.samples, settings, stage.whisper, words=False, encoded=encoded)
    return _rows("audio", packets, stage)


def picture_rows(person: Person, stage: Stage, *damages: DamageSettings) -> Rows:
    """Rows of ``person``'s face with ``damages`` to it."""
    window = stage.settings.window
    hops = round(len(person.frames) / stage.settings.camera.frame_rate / window.hop)
    return _rows("vision", watch(person.frames, stage.damaged(*damages), hops), stage)


def words_rows(packets: Sequence[Packet], stage: Stage, *damages: DamageSettings) -> Rows:
    """Rows of the words among ``packets``, what was heard of an undamaged voice."""
    return _rows("text", damaged_words(packets, stage, *damages), stage)


def damaged_words(
    packets: Sequence[Packet], stage: Stage, *damages: DamageSettings
) -> list[Packet]:
    """``packets`` with ``damages`` to their words."""
    rng = np.random.default_rng(0)
    damage_to = WordsDamage(damages, rng, stage.settings.window.hop_ns)
    return [damage_to.apply(p) if isinstance(p, Words) else p for p in packets]


def cases(noise: Sequence[Path]) -> Iterator[tuple[Stream, str, float, Path | None]]:
    """Stream, kind and severity of every case, and of the surroundings' recordings of ``noise`` by
    turns; none without any."""
    turn = 0
    if not noise:
        return
    for stream, kinds in KINDS.items():
        for kind in kinds:
            for severity in SEVERITIES:
                file = noise[turn % len(noise)] if kind == "surroundings" else None
                turn += kind == "surroundings"
                yield stream, kind, severity, file


def case_damage(
    stream: Stream,
    kind: str,
    severity: float,
    file: Path | None,
    start: float = 0,
    end: float | None = None,
) -> DamageSettings:
    """The damage of a case, from ``start`` to ``end`` seconds."""
    name = "noise" if kind == "surroundings" else kind
    return damage(stream, name, severity, start, end, file=file)


def _rows(stream: Stream, packets: Sequence[Packet], stage: Stage) -> Rows:
    network = Trusting(stage.network)
    estimator = stage.estimator(network)
    kept: dict[int, tuple[Window, Estimate, Floats]] = {}
    width = stage.network.config.width
    for window in windows(packets, stage.settings):
        network.latest = {}
        estimate = estimator.estimate(window)
        mean = network.latest.get(stream)
        values = np.full(width, np.nan) if mean is None else mean[0].numpy()
        kept[window.hop] = window, estimate, values.astype(np.float32)
    ordered = [kept[hop] for hop in sorted(kept)]
    found = [_measures(stream, window) for window, _, _ in ordered]
    names = sorted({name for measures in found for name in measures})
    return Rows(
        {name: np.array([m.get(name, np.nan) for m in found], np.float32) for name in names},
        np.array([estimate.reliability[stream].model for _, estimate, _ in ordered], np.float32),
        np.stack([mean for _, _, mean in ordered]),
    )


def _measures(stream: Stream, window: Window) -> Mapping[str, float]:
    if stream != "text":
        return window.streams[stream].evidence.measures
    audio = window.streams["audio"]
    return words_measures(window, audio.evidence.measures.get("speech_share", 0.0), audio.mask)
