"""From packets to messages: windows through QA-MoE, without threads, sockets or a clock."""

from collections.abc import Callable, Collection, Iterator, Mapping

import torch

from actors.faults import Faults
from actors.health import Health
from actors.lag import Lag
from models.checkpoint import load
from models.checkpoint_files import checkpoint_folder, tuned_weights
from models.estimator import Encoder, Estimator
from models.features.voice_reader import VoiceReader
from models.features.words import WordsEncoder
from streamer.assets import Assets
from streamer.errors import SettingError
from streamer.feed.compose import Envelope, sentiment_message, transcript_message
from streamer.feed.messages import HealthMessage, Message, SessionState
from streamer.feed.messages import Retreat as RetreatNote
from streamer.packets import SECOND, Closing, Stream, Window
from streamer.retreat import Retreat, ladder
from streamer.settings import Settings
from streamer.windows import Packet, WindowAssembler

WORDS_PAUSED = "words paused: the machine is too slow"


class Analysis:
    """One participant's packets in, messages out.

    The same packets, looked at at the same session times, give the same messages but for what the
    wall clock says, be they live or read from a recording. ``envelope`` says whose they are.
    """

    def __init__(
        self,
        settings: Settings,
        streams: Collection[Stream],
        estimator: Estimator,
        envelope: Envelope,
        wall_clock: Callable[[], float],
        first_hop: int = 0,
    ) -> None:
        self.envelope = envelope
        self.late_dropped = 0
        """Messages that were lost on their way to the feed, for health to tell."""
        self._wall_clock = wall_clock
        self._estimator = estimator
        self._transcripts = settings.feed.transcripts
        self._hop = settings.window.hop_ns
        self._assembler = WindowAssembler(
            settings.window,
            streams,
            settings.camera.frame_rate,
            round(settings.window.deadline * SECOND) if settings.paced else None,
            first_hop,
        )
        self._health = Health(self._hop, streams)
        self._retreat = Retreat(ladder(settings, streams), settings.retreat.climb_after)
        self._lag = Lag(settings.window, settings.camera.frame_rate)
        self._faults = Faults()
        self._given_up: tuple[Stream, ...] = ()
        self._windows = 0
        self._last_hop = first_hop - 1
        self._muted: frozenset[Stream] = frozenset()
        self._paused = False

    def add(self, packet: Packet) -> None:
        """Take in a packet. Raises ValueError where its arrays have other shapes."""
        self._health.count(packet)
        self._lag.take(packet)
        self._faults.take(packet)
        self._assembler.add(packet)

    def set_controls(self, muted: Collection[Stream], paused: bool) -> None:
        """From now on ``muted`` streams are not looked at; while ``paused`` nothing is estimated,
        and only health is told."""
        self._muted = frozenset(muted)
        self._paused = paused

    def set_faults(self, faults: Mapping[Stream, str], given_up: Collection[Stream] = ()) -> None:
        """Which streams come to nothing for now because of a stage that is being replaced, and why;
        of those ``given_up`` nothing more will come."""
        self._faults.set(faults)
        self._given_up = tuple(sorted(given_up))
        for stream in self._given_up:
            self._assembler.give_up(stream)

    def ready(self, now: int) -> Iterator[Message | Closing]:
        """What there is to tell at session time ``now`` (ns), after a note of the look that found
        it."""
        noted = False
        for item in self._assembler.ready(now):
            if not noted:
                yield self._closing(now)
                noted = True
            if isinstance(item, Window):
                yield from self._told(item, now)
            elif item.words and self._transcripts and not (self._paused or "text" in self._muted):
                yield transcript_message(self.envelope, item, self._wall_clock())

    @property
    def next_hop(self) -> int:
        """The hop whose window is told next."""
        return self._assembler.next_hop

    @property
    def steps_down(self) -> int:
        """How far it has gone down the ladder that streamer.retreat makes of the settings."""
        return self._retreat.steps_down

    @property
    def finished(self) -> bool:
        """Whether every stream has ended and all is told."""
        return self._assembler.finished

    def bye(self, reason: str) -> HealthMessage:
        """The last message."""
        return self._health_message("bye", reason)

    def _closing(self, now: int) -> Closing:
        muted, faults = tuple(sorted(self._muted)), self._faults.of_stages
        return Closing(now, muted, self._paused, faults, self._given_up)

    def _told(self, window: Window, now: int) -> Iterator[Message]:
        if window.revision == 0:
            self._keep_up(window, now)
        if not self._paused:
            silenced = self._left_out | self._faults.at(window)
            silenced |= dict.fromkeys(self._muted, "muted")
            estimate = self._estimator.estimate(window, silenced)
            yield sentiment_message(self.envelope, window, estimate, self._wall_clock())
        if window.revision == 0:
            self._windows += not self._paused
            self._last_hop = window.hop
            if self._health.due(window.hop):
                state: SessionState = "paused" if self._paused else "running"
                yield self._health_message(state, self._faults.told)

    def _keep_up(self, window: Window, now: int) -> None:
        """Leave out less or more, as the windows come in time or do not."""
        excused = {*self._faults.now, *self._muted}
        if self._retreat.observe(now / SECOND, self._lag.of(window, now, excused)):
            self._assembler.pause_words("text" in self._left_out)

    @property
    def _left_out(self) -> dict[Stream, str]:
        return {"text": WORDS_PAUSED} if not self._retreat.step.words else {}

    def _health_message(self, state: SessionState, reason: str | None) -> HealthMessage:
        until = (self._last_hop + 1) * self._hop
        return HealthMessage(
            session=self.envelope.session,
            participant=self.envelope.participant,
            seq=0,
            session_epoch=self.envelope.session_epoch,
            captured_at=self.envelope.captured_at(until),
            published_at=self._wall_clock(),
            state=state,
            reason=reason,
            uptime_s=until / SECOND,
            windows=self._windows,
            late_windows=self._assembler.late,
            publisher_dropped=self.late_dropped,
            streams=self._health.streams(self._last_hop, self._muted, self._faults.now),
            retreat=self._told_retreat(),
        )

    def _told_retreat(self) -> RetreatNote | None:
        at = self._retreat
        if at.reason is None:
            return None
        return RetreatNote(at.steps_down, at.step.name, at.reason, at.since)


def live_estimator(settings: Settings, encoder: Encoder | None = None) -> Estimator:
    """The estimator of the settings; ``encoder`` reads the words in place of the asset's.

    Raises AssetError for a checkpoint or a word model that cannot be read, SettingError where a
    GPU is asked for that is not there.
    """
    return Estimator(
        load(checkpoint_folder(settings), device_of(settings)),
        encoder or words_encoder(settings),
        VoiceReader.load(tuned_weights(settings, "audio")),
        settings.analyzer.reliability_floor,
    )


def words_encoder(settings: Settings) -> WordsEncoder:
    """The encoder of words with the checkpoint's weights. Raises AssetError."""
    return WordsEncoder(Assets(settings.assets).path("minilm-l6"), tuned_weights(settings, "text"))


def device_of(settings: Settings) -> str:
    """``cuda`` or ``cpu``. Raises SettingError where a GPU is asked for that is not there."""
    wanted = settings.analyzer.device
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise SettingError(
            "setting analyzer.device = 'cuda': this machine shows torch no GPU; use auto or cpu"
        )
    return "cuda" if available and wanted != "cpu" else "cpu"
