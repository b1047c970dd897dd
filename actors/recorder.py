"""What the feed's actor keeps of a session, off the way of what it publishes."""

import logging
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

from actors.channel import Channel
from streamer.logs.event import Event
from streamer.recording.records import About, Lost, PlannedDamage, Record
from streamer.recording.writer import MEGABYTE, RecordingWriter
from streamer.settings import Settings

log = logging.getLogger(__name__)

WAITING = 200
"""Deliveries that wait for the disk, of at most some hundred kilobytes each: twenty seconds'."""

CLOSE_TIMEOUT = 2.0


class Recorder:
    """Writes what it is given from a thread of its own; a live session never waits for the disk.

    A ``resumed`` one goes on with what another has written. Raises SettingError where ``file``
    cannot be made.
    """

    def __init__(
        self,
        file: str,
        settings: Settings,
        session: str,
        wall_clock: Callable[[], float] = time.time,
        resumed: bool = False,
    ) -> None:
        self._writer = RecordingWriter(
            Path(file),
            about(settings, session, wall_clock()),
            settings.feed.record_limit * MEGABYTE,
            settings.feed.record_overwrite,
            time.monotonic,
            resumed,
        )
        self._lost = 0
        self._told = False
        self._channel: Channel[Sequence[Record]] = Channel(
            self._write, WAITING, "drop_oldest" if settings.paced else "block", "feed to recording"
        )

    def put(self, records: Sequence[Record]) -> None:
        """Have ``records`` written after those before."""
        self._channel.put(records)

    @property
    def complaint(self) -> str | None:
        """What is wrong with the recording, in one line."""
        if self._writer.ended is not None:
            return (
                f"recording has stopped after {self._writer.size / MEGABYTE:.1f} MB: "
                f"{self._writer.ended} ({self._writer.refused} records not kept)"
            )
        if missing := self._channel.lost:
            return f"recording is incomplete: {missing} deliveries lost, the disk is too slow"
        return None

    def close(self, reason: str) -> None:
        """Write what waits, for a few seconds at most, and end the recording."""
        self._channel.close(CLOSE_TIMEOUT)
        if not self._channel.pending:  # else the disk is stuck, and its file in use
            self._writer.close(reason)

    def _write(self, records: Sequence[Record]) -> None:
        lost = self._channel.lost - self._lost
        if lost:
            self._lost += lost
            self._writer.write([Lost(lost)])
        self._writer.write(records)
        if self._writer.ended is not None and not self._told:
            self._told = True
            log.error(Event("recording stopped", reason=self._writer.ended))


def about(settings: Settings, session: str, begun_at: float) -> About:
    """The first record of a session with these settings."""
    return About(
        package=metadata.version("qamoe-stream"),
        begun_at=begun_at,
        session=session,
        participant=settings.participant,
        paced=settings.paced,
        transcripts=settings.feed.transcripts,
        window=settings.window.length,
        hop=settings.window.hop,
        deadline=settings.window.deadline,
        frame_rate=settings.camera.frame_rate,
        reliability_floor=settings.analyzer.reliability_floor,
        climb_after=settings.retreat.climb_after if settings.retreats else None,
        damage=[
            PlannedDamage(item.stream, item.kind, item.severity, item.start, item.end, item.scene)
            for item in settings.damage
        ],
    )
