"""Sessions whose reliability does what it is told to, made without any network."""

from collections.abc import Collection, Mapping

import numpy as np

from models.degradation import KINDS
from models.study.reliability.courses import Course
from models.study.settings import BootstrapSettings
from streamer.packets import STREAMS, Floats, Stream

WINDOW, HOP = 4.0, 0.5
ONSET, END, LENGTH = 5.0, 10.0, 15.0
BOOTSTRAP = BootstrapSettings(draws=200, level=0.95, seed=0)
SEVERITIES = (0.1, 0.25, 0.5, 0.75, 1.0)
USUAL = 0.9
ENDS = np.arange(HOP, LENGTH + HOP / 2, HOP).astype(np.float32)


def clean(person: str) -> Course:
    """USUAL reliability of every stream, and a value of 0.2."""
    return course(person, None, "", 0, {})


def course(
    person: str,
    stream: Stream | None,
    kind: str,
    severity: float,
    falls: Mapping[Stream, float],
    *,
    delay: float = 0.5,
    back: float = 0.5,
    shift: float = 0.0,
    unweighted: float = 0.0,
) -> Course:
    """Each of ``falls`` lasts, whole and at once, from the window that ends ``delay`` seconds after
    the onset until the last before ``back`` seconds after the end. So long are the value and the
    unweighted one off by ``shift`` and ``unweighted``."""
    bad = (ONSET + delay <= ENDS) & (END + back > ENDS)
    reliability = {m: (USUAL - falls.get(m, 0) * bad).astype(np.float32) for m in STREAMS}
    return Course(
        person,
        stream,
        kind,
        severity,
        ONSET if stream else 0.0,
        END if stream else 0.0,
        ENDS,
        reliability,
        {m: np.minimum(values / USUAL, 1) for m, values in reliability.items()},
        {m: np.full(len(ENDS), USUAL, np.float32) for m in STREAMS},
        (0.2 + shift * bad).astype(np.float32),
        (0.2 + unweighted * bad).astype(np.float32),
    )


def study(
    generator: np.random.Generator,
    persons: int = 8,
    kinds_of: Mapping[Stream, Collection[str]] = KINDS,
) -> list[Course]:
    """Sessions of all kinds of damage, as they might come out: each kind has its own shape and
    speed, one of them is not seen at all, and the value moves with what is lost."""
    courses = []
    for number in range(persons):
        person = f"voice-{number} face-{number}"
        usual: dict[Stream, float] = {m: generator.uniform(0.85, 0.97) for m in STREAMS}
        truth = np.cumsum(generator.normal(0, 0.05, len(ENDS))) + generator.uniform(-0.5, 0.5)
        courses.append(_session(person, None, "", 0, usual, truth, 1, 1, generator))
        for stream, kinds in kinds_of.items():
            for place, kind in enumerate(kinds):
                power, reach = 0.6 + place % 4 * 0.5, 1 + place % 3
                depth = 0.05 if kind == "second_face" else 1
                courses += [
                    _session(
                        person, stream, kind, severity, usual, truth,
                        depth * severity**power, reach, generator,
                    )
                    for severity in SEVERITIES
                ]  # fmt: skip
    return courses


def _session(
    person: str,
    stream: Stream | None,
    kind: str,
    severity: float,
    usual: Mapping[Stream, float],
    truth: np.ndarray[tuple[int], np.dtype[np.float64]],
    depth: float,
    reach: float,
    generator: np.random.Generator,
) -> Course:
    """Reliability falls as the damage fills the last ``reach`` seconds, by ``depth`` of itself."""
    depth *= generator.uniform(0.75, 1) if stream else 1
    covered = np.clip(np.minimum(ENDS, END) - np.maximum(ENDS - WINDOW, ONSET), 0, None)
    lost = depth * np.minimum(covered / reach, 1) * (stream is not None)
    evidence: dict[Stream, Floats] = {}
    model: dict[Stream, Floats] = {}
    for m in STREAMS:
        own = lost if m == stream else 0.3 * lost * ((stream, m) == ("audio", "text"))
        evidence[m] = np.clip(1 - own + 0.01 * generator.normal(size=len(ENDS)), 0, 1).astype("f4")
        noise = 0.01 * generator.normal(size=len(ENDS))
        model[m] = np.clip(usual[m] * (1 - 0.3 * own) + noise, 0, 1).astype("f4")
    error, rest = 0.3 * lost * generator.normal(size=(2, len(ENDS)))
    value = (truth + 0.4 * error + 0.2 * rest).astype(np.float32)
    value[lost > 0.95] = np.nan
    return Course(
        person,
        stream,
        kind,
        severity,
        ONSET if stream else 0.0,
        END if stream else 0.0,
        ENDS,
        {m: evidence[m] * model[m] for m in STREAMS},
        evidence,
        model,
        value,
        (truth + error).astype(np.float32),
    )
