"""The study's sessions: a voice and a face of people nothing was fitted to, and damage to one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.rehearsal import hear, judged, watch, windows
from models.study.reliability.courses import Course
from models.study.reliability.settings import VOICES, SessionSettings
from models.training.reliability.people import READERS, VIDEOS, Person, Recordings, noises, together
from models.training.reliability.rows import case_damage, damaged_words
from models.training.reliability.stage import Stage
from streamer.packets import SECOND, STREAMS, Estimate, Floats, Stream
from streamer.settings import DamageSettings
from streamer.windows import Packet


@dataclass(frozen=True)
class Task:
    """One kind of damage at all severities, to everybody who shares a video, or, where it is done
    to sound or words, to one person. ``stream`` None: the undamaged session."""

    stream: Stream | None
    kind: str
    group: str

    @property
    def key(self) -> str:
        """Unique, and fit for the name of a file."""
        return "-".join((self.stream or "undamaged", self.kind, self.group)).replace(" ", "-")


def sessions(settings: SessionSettings) -> dict[str, str]:
    """The video of each voice: all faces by turns."""
    videos = VIDEOS["report"]
    return {person: videos[VOICES.index(person) % len(videos)] for person in settings.speakers}


def tasks(settings: SessionSettings) -> list[Task]:
    """What there is to play, undamaged sessions first. Only readers' words are damaged."""
    faces = sessions(settings)
    found = [Task(None, "", person) for person in faces]
    for name in settings.kinds:
        stream, kind = name
        groups = dict.fromkeys(faces.values()) if stream == "vision" else faces
        found += [
            Task(stream, kind, group)
            for group in groups
            if stream != "text" or group in READERS["report"]
        ]
    return found


class Player:
    """Plays tasks; what it has heard and seen of undamaged sessions it keeps."""

    def __init__(self, settings: SessionSettings, data: Path, stage: Stage) -> None:
        self._settings = settings
        self._data = data
        self._stage = stage
        self._recordings = Recordings(data, stage.settings)
        self._people: dict[str, Person] = {}
        self._undamaged: dict[tuple[str, Stream], list[Packet]] = {}

    def play(self, task: Task) -> list[Course]:
        """The courses of all severities of ``task``."""
        if task.stream is None:
            return [self._course(task.group, None, "", 0.0, self._packets(task.group))]
        if task.stream == "vision":
            people = [p for p, video in sessions(self._settings).items() if video == task.group]
        else:
            people = [task.group]
        return [
            course
            for severity in self._settings.severities
            for course in self._damaged(task.stream, task.kind, severity, people)
        ]

    def _damaged(
        self, stream: Stream, kind: str, severity: float, people: Sequence[str]
    ) -> Iterator[Course]:
        """``people`` share what is damaged, so that it is heard or seen once."""
        first = people[0]
        file = self._noise(first, severity) if kind == "surroundings" else None
        start, end = self._settings.onset, self._settings.end
        damage = case_damage(stream, kind, severity, file, start, end)
        damaged = self._damaged_packets(first, stream, damage)
        for person in people:
            other: Stream = "audio" if stream == "vision" else "vision"
            packets = [*damaged, *self._of(person, other)]
            yield self._course(person, stream, kind, severity, packets)

    def _damaged_packets(self, name: str, stream: Stream, damage: DamageSettings) -> list[Packet]:
        if stream == "text":
            return damaged_words(self._of(name, "audio"), self._stage, damage)
        return self._sent(self._person(name), stream, damage)

    def _sent(self, person: Person, stream: Stream, *damages: DamageSettings) -> list[Packet]:
        """What the microphone's or the camera's side sends of ``person``."""
        settings = self._stage.damaged(*damages)
        if stream == "vision":
            hops = round(self._settings.seconds / settings.window.hop)
            return [*watch(person.frames, settings, hops)]
        return [*hear(person.samples, settings, self._stage.whisper, words=person.reads)]

    def _course(
        self,
        name: str,
        stream: Stream | None,
        kind: str,
        severity: float,
        packets: Sequence[Packet],
    ) -> Course:
        stage = self._stage
        told = judged(windows(packets, stage.settings), stage.estimator())
        credulous = judged(windows(packets, stage.settings), stage.credulous())
        estimates = [estimate for _, estimate in told]
        streams = [m for m in STREAMS if m in estimates[0].reliability]
        if not self._person(name).reads:
            streams.remove("text")
        parts = [e.reliability for e in estimates]

        def column(stream: Stream, part: str) -> Floats:
            return np.array([getattr(of[stream], part) for of in parts], np.float32)

        return Course(
            person=self._person(name).name,
            stream=stream,
            kind=kind,
            severity=severity,
            onset=self._settings.onset if stream else 0.0,
            end=self._settings.end if stream else 0.0,
            ends=np.array([window.end / SECOND for window, _ in told], np.float32),
            reliability={m: column(m, "value") for m in streams},
            evidence={m: column(m, "evidence") for m in streams},
            model={m: column(m, "model") for m in streams},
            value=_values(estimates),
            unweighted=_values([estimate for _, estimate in credulous]),
        )

    def _packets(self, name: str) -> list[Packet]:
        """Of the undamaged session."""
        return [*self._of(name, "audio"), *self._of(name, "vision")]

    def _of(self, name: str, stream: Stream) -> list[Packet]:
        person = self._person(name)
        key = (name if stream == "audio" else sessions(self._settings)[name], stream)
        if key not in self._undamaged:
            self._undamaged[key] = self._sent(person, stream)
        return self._undamaged[key]

    def _person(self, name: str) -> Person:
        if name not in self._people:
            seconds, video = self._settings.seconds, sessions(self._settings)[name]
            voice = self._recordings.voice(name, seconds)
            self._people[name] = together(voice, self._recordings.face(video, seconds))
        return self._people[name]

    def _noise(self, name: str, severity: float) -> Path:
        files = noises(self._data, "report")
        turn = 5 * list(sessions(self._settings)).index(name)
        return files[(turn + self._settings.severities.index(severity)) * 7 % len(files)]


def _values(estimates: Sequence[Estimate]) -> Floats:
    return np.array([np.nan if e.value is None else e.value for e in estimates], np.float32)
