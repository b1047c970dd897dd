"""One LSL outlet for each participant on a feed, for as long as they are there."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import pylsl

from samples import CHANNELS, NOTHING, lsl_time, sample
from streamer.feed.messages import HealthMessage, Message, SentimentMessage

BUFFERED = 20
"""In hundreds, for a recorder that is slow: with four samples a second, eight minutes."""


@dataclass
class _Open:
    outlet: pylsl.StreamOutlet
    heard_at: float
    stale: bool = False


class Outlets:
    """At most ``most`` at a time; others are counted in ``refused``.

    Who has been silent for ``stale`` seconds gets one sample of NaN, so that nobody takes the last
    value for a current one; the bye closes an outlet.
    """

    def __init__(
        self,
        most: int,
        stale: float,
        *,
        revisions: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.refused = 0
        self._most = most
        self._stale = stale
        self._revisions = revisions
        self._clock = clock
        self._open: dict[tuple[str, str], _Open] = {}

    def hear(self, message: Message) -> None:
        key = (message.session, message.participant)
        if isinstance(message, HealthMessage) and message.state == "bye":
            self._open.pop(key, None)
            return
        known = self._open.get(key) or self._opened(key)
        if known is None:
            return
        known.heard_at, known.stale = self._clock(), False
        if isinstance(message, SentimentMessage) and (self._revisions or not message.revision):
            at = lsl_time(message.captured_at, time.time(), pylsl.local_clock())
            known.outlet.push_sample(sample(message), at)

    def check(self) -> None:
        """To be called about once a second."""
        for known in self._open.values():
            if not known.stale and self._clock() - known.heard_at >= self._stale:
                known.stale = True
                known.outlet.push_sample(NOTHING, pylsl.local_clock())

    def close(self) -> None:
        self._open.clear()

    def _opened(self, key: tuple[str, str]) -> _Open | None:
        if len(self._open) >= self._most:
            self.refused += 1
            return None
        outlet = pylsl.StreamOutlet(describe(*key), max_buffered=BUFFERED)
        self._open[key] = _Open(outlet, self._clock())
        return self._open[key]


def describe(session: str, participant: str) -> pylsl.StreamInfo:
    """What a recorder stores beside the samples. The source id lets an inlet find it again."""
    info = pylsl.StreamInfo(
        name=f"qamoe {participant}",
        type="Sentiment",
        channel_count=len(CHANNELS),
        nominal_srate=pylsl.IRREGULAR_RATE,
        channel_format=pylsl.cf_double64,
        source_id=f"qamoe/{session}/{participant}",
    )
    info.set_channel_labels([channel.label for channel in CHANNELS])
    info.set_channel_units([channel.unit for channel in CHANNELS])
    info.set_channel_types([channel.type for channel in CHANNELS])
    info.desc().append_child_value("manufacturer", "qamoe-stream")
    about = info.desc().append_child("qamoe")
    for name, value in [
        ("schema", "qamoe.sentiment/1"), ("session", session), ("participant", participant)
    ]:  # fmt: skip
        about.append_child_value(name, value)
    return info
