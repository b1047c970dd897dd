"""A recording's features through a model once more."""

from importlib import metadata
from typing import TypeGuard

import numpy as np
import torch
from msgspec.structs import replace

from actors.analysis import Analysis, device_of, live_estimator, words_encoder
from actors.stand_in import REASON as STANDS_IN
from actors.stand_in import StandIn
from models.estimator import Encoder
from models.features.words import TOKEN_SIZE
from models.identity import MEASURES, features_of, made_of
from streamer.errors import AssetError, SourceError
from streamer.feed.compose import Envelope
from streamer.feed.messages import HealthMessage, Message
from streamer.packets import (
    SECOND,
    Closing,
    FaceFrames,
    Floats,
    Opening,
    TokenStates,
    VoiceFrames,
    Words,
)
from streamer.recording.records import About, Record
from streamer.settings import Settings


class RecordedStates:
    """An encoder that knows what was made of words at the time, by their pseudonyms."""

    def __init__(self) -> None:
        self.missing = 0
        """Texts whose states are not in the recording; they count as no words."""
        self._states: dict[tuple[str, ...], Floats] = {}

    def keep(self, noted: TokenStates) -> None:
        self._states[noted.words] = noted.states

    def forget(self) -> None:
        """What was noted is used at the next look, or never."""
        self._states.clear()

    def encode(self, words: list[str]) -> Floats:
        """As models.estimator.Encoder."""
        if tuple(words) in self._states:
            return self._states[tuple(words)]
        self.missing += bool(words)
        return np.zeros((0, TOKEN_SIZE), np.float32)


class Reanalysis:
    """Records in, messages out: the same that the session told, where the model is the same.

    ``settings`` are those of the recording, with the model to use. The wall clock stands at the
    session's own time, so ``latency_ms`` is that of the analyzer's look for windows. Raises
    AssetError for a model that cannot be read, SettingError for a GPU that is not there.
    """

    def __init__(self, settings: Settings, about: About, name: str) -> None:
        torch.set_num_threads(1)  # as the analyzer does: the last digits depend on it
        self._settings = settings
        self._about = about
        self._name = name
        self._states = RecordedStates()
        self._encoder: Encoder = words_encoder(settings) if about.transcripts else self._states
        live_estimator(settings, self._encoder)  # what cannot be read shows before it begins
        self._model = made_of(settings, device_of(settings))
        self._analysis: Analysis | None = None
        self._stand_in = StandIn(about.window, about.hop)
        self._recorded: HealthMessage | None = None
        self._told: HealthMessage | None = None
        self._now = 0.0
        self._skipped = 0

    @property
    def remarks(self) -> list[str]:
        """What was missing in the recording, a line each."""
        said = []
        if self._skipped:
            said.append(f"{self._skipped} records left out: their analysis' beginning is missing")
        if self._states.missing:
            said.append(f"{self._states.missing} texts left out: their token states are missing")
        return said

    def differences(self, opening: Opening) -> list[str]:
        """What is not the same in this model and the one of ``opening``.

        Raises AssetError where the recorded features or measures are not those it takes.
        """
        recorded = {**opening.made_of, "version": self._about.package}
        present = {**self._model, "version": metadata.version("qamoe-stream")}
        other = [name for name, here in present.items() if recorded.get(name) != here]
        fixed = {features_of(stream) for stream in opening.streams}
        if "vision" in opening.streams:
            fixed.add(MEASURES)
        if self._about.transcripts:
            fixed.discard(features_of("text"))  # words are read again
        if misfits := sorted(fixed & set(other)):
            raise AssetError(
                f"{self._name}: its {' and '.join(misfits)} are not what this version takes with "
                "this checkpoint; replay it as it is, or with those it was made with"
            )
        return other

    def tell(self, record: Record) -> list[Message]:
        """What there is to tell after ``record``.

        Raises SourceError where its features do not fit the model or each other.
        """
        try:
            return self._tell(record)
        except ValueError as error:
            raise SourceError(f"{self._name}: {error}") from None

    def _tell(self, record: Record) -> list[Message]:
        if isinstance(record, Opening):
            self._begin(record)
        elif isinstance(record, TokenStates):
            self._states.keep(record)
        elif isinstance(record, Closing | VoiceFrames | FaceFrames | Words):
            if self._analysis is None:
                self._skipped += 1
            elif isinstance(record, Closing):
                return self._look(self._analysis, record)
            else:
                self._analysis.add(record)
        elif isinstance(record, Message):
            return [] if self._analysis is None else self._from_outside(self._analysis, record)
        return []

    def _from_outside(self, analysis: Analysis, recorded: Message) -> list[Message]:
        """What was told at this place and is not the analysis' own: what the feed said for a silent
        analyzer, and the bye."""
        if getattr(recorded, "reason", None) == STANDS_IN:
            self._stand_in.take(recorded, 0.0)
            if isinstance(recorded, HealthMessage):
                self._recorded = self._told = recorded
            return [replace(recorded, seq=0)]
        return self._bye(analysis, recorded) if isinstance(recorded, HealthMessage) else []

    def _bye(self, analysis: Analysis, recorded: HealthMessage) -> list[Message]:
        """It is the analyzer's, or, where that is gone, the last health once more, by the feed."""
        last, self._recorded = self._recorded, recorded
        if recorded.state != "bye":
            return []
        if last and self._told and _content(last) == _content(recorded):
            return [replace(self._told, state="bye", reason=recorded.reason)]
        return [analysis.bye(recorded.reason or "")]

    def _begin(self, opening: Opening) -> None:
        self.differences(opening)
        about = self._about
        envelope = Envelope(
            about.session, about.participant, opening.epoch, about.paced, opening.session_epoch
        )
        self._analysis = Analysis(
            self._settings,
            opening.streams,
            live_estimator(self._settings, self._encoder),
            envelope,
            lambda: opening.epoch + self._now,
            opening.first_hop,
        )

    def _look(self, analysis: Analysis, closing: Closing) -> list[Message]:
        self._now = closing.now / SECOND
        analysis.set_controls(closing.muted, closing.paused)
        analysis.set_faults(dict(closing.faults), closing.given_up)
        found = []
        for item in analysis.ready(closing.now):
            if not isinstance(item, Closing) and not self._stand_in.has_told(item):
                self._stand_in.take(item, 0.0)
                found.append(item)
        self._states.forget()
        self._told = next(filter(_is_health, reversed(found)), self._told)
        return found


def _content(message: HealthMessage) -> HealthMessage:
    """What it tells of the streams, whoever tells it when."""
    return replace(
        message, seq=0, published_at=0.0, state="running", reason=None, publisher_dropped=0
    )


def _is_health(message: Message) -> TypeGuard[HealthMessage]:
    return isinstance(message, HealthMessage)
