"""A recorded session, published once more."""

import contextlib
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from actors.feed import Feed
from streamer.errors import PipelineError, SettingError, SourceError, UserError
from streamer.feed.messages import Message
from streamer.packets import Opening
from streamer.recording.pace import Pace
from streamer.recording.reader import Recording
from streamer.recording.records import About, Lost, Record
from streamer.settings import Settings, load_settings
from streamer.supervision import Vitals
from streamer.tracing.windows import Work

if TYPE_CHECKING:
    from actors.reanalysis import Reanalysis

STOP_TIMEOUT = 5.0


class Replay:
    """Plays a recording through a feed of its own, in this process; see streamer.run.Playable.

    ``settings`` are those of ``replay_settings``: at ``source.speed`` ``real`` it waits as the
    session did, at ``max`` for slow subscribers only. With ``reanalyze`` the features go through
    the model of the settings, and what that says is published. Entering it raises SourceError for a
    file that is no recording, AssetError for a model that cannot be read or takes other features.
    """

    def __init__(self, settings: Settings, reanalyze: bool) -> None:
        self.name = ""
        self.address = ""
        self.descriptions: dict[str, str] = {}
        self.stop_requested = threading.Event()
        self._file = str(settings.source.file)
        self._settings = settings
        self._reanalyze = reanalyze
        self._model: Reanalysis | None = None
        self._resources = contextlib.ExitStack()
        self._stopping = threading.Event()
        self._failure: Exception | None = None
        self._lost = 0

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as resources:
            self._recording = resources.enter_context(Recording(self._file))
            about = self._recording.about
            self.descriptions = {"recording": f"{self._file}, {_described(about)}"}
            if self._reanalyze:
                self.descriptions["model"] = self._load(about)
            self._feed = Feed(self._settings, about.session, stands_in=False)
            resources.callback(self._feed.stop, "failed")
            self._player = threading.Thread(target=self._play, name="replay", daemon=True)
            self.name = about.session
            self.address = self.descriptions["feed"] = self._feed.open()
            self._resources = resources.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stopping.set()
        self._resources.close()

    def start(self) -> None:
        """Let it play, once somebody listens."""
        self._feed.start(0)
        self._player.start()

    def finished(self) -> bool:
        """Whether all is published. Raises UserError where it could not be."""
        if isinstance(self._failure, UserError):
            raise self._failure
        if self._failure is not None:
            raise PipelineError(f"replay: {type(self._failure).__name__}: {self._failure}")
        self._feed.stats()
        return not self._player.is_alive()

    def stop(self, reason: str) -> None:
        """Stop where it is; say bye where the recording has not."""
        self._stopping.set()
        if self._player.ident is not None:
            self._player.join(STOP_TIMEOUT)
        self._feed.stop(reason)

    epoch = 0

    def take_work(self) -> Sequence[Work]:
        """It has no stages."""
        return ()

    @property
    def vitals(self) -> dict[str, Vitals]:
        """It has no actors."""
        return {}

    @property
    def remarks(self) -> list[str]:
        """What was wrong with the recording, as far as it has been played, a line each."""
        said = self._recording.remarks
        if self._lost:
            said.append(f"{self._lost} deliveries did not come to the disk in time")
        return said + (self._model.remarks if self._model else [])

    def _load(self, about: About) -> str:
        """Get the model ready. In one line, whether it is the recording's."""
        from actors.reanalysis import Reanalysis

        speed = "real" if about.paced else "max"
        source = self._settings.source.model_copy(update={"speed": speed})
        settings = self._settings.model_copy(update={"source": source})
        self._model = Reanalysis(settings, about, f"recording {self._file}")
        with Recording(self._file) as recording:
            opening = next((item for item in recording if isinstance(item, Opening)), None)
        if opening is None:
            raise SourceError(
                f"recording {self._file}: the beginning of its analysis is missing, "
                "it can only be replayed as it is"
            )
        other = self._model.differences(opening)
        return f"not the recording's: other {', '.join(other)}" if other else "the recording's"

    def _play(self) -> None:
        pace = Pace(self._recording.about.paced) if self._settings.paced else None
        try:
            for record in self._recording:
                if pace is not None:
                    pace.wait(record, self._stopping)
                for message in self._told(record):
                    if pace is not None:
                        pace.wait(message, self._stopping)
                    if self._stopping.is_set():
                        return
                    self._feed.push([message])
        except Exception as error:
            self._failure = error

    def _told(self, record: Record) -> Sequence[Message]:
        if isinstance(record, Lost):
            self._lost += record.items
        if self._model is not None:
            return self._model.tell(record)
        return [record] if isinstance(record, Message) else []


def replay_settings(
    file: Path, config: Path | None = None, options: Mapping[str, Any] | None = None
) -> Settings:
    """The settings for a replay of ``file``: those its messages depend on are the recording's, all
    others as load_settings has them. Raises SettingError, and SourceError for no recording."""
    options = {**(options or {}), "source.file": str(file)}
    load_settings(config, options)  # what is wrong with them is not the recording's fault
    with Recording(file) as recording:
        recorded = recording.about.settings
    try:
        settings = load_settings(config, {**options, **recorded})
    except SettingError as error:
        raise SourceError(f"recording {file}: {error}") from None
    feed = settings.feed.model_copy(update={"record": None})
    return settings.model_copy(update={"feed": feed})


def _described(about: About) -> str:
    begun = datetime.fromtimestamp(about.begun_at).astimezone()
    return f"{about.participant} on {begun:%Y-%m-%d at %H:%M:%S}, version {about.package}"
