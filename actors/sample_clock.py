"""Capture times of a live device's samples."""

from streamer.packets import SECOND

MAX_DRIFT = SECOND // 10
"""Difference between the count of samples and the clock from which on the count is wrong."""

PATIENCE = SECOND * 3 // 20
"""Time for which a delay must last to be a loss: a block that was only held up is followed at once
by the ones behind it, and the delay goes back."""

FOLLOWED_EVERY = 10 * SECOND
"""A device's clock runs off by less than a millisecond in this time as a rule."""


class SampleClock:
    """Places blocks of samples by counting from the first one, and watches the count by the clock.

    Counting keeps neighbouring samples together, whatever the jitter of the callbacks. No block
    comes before its time, so the least delay of many is how far the device's clock has run off: by
    that the count is moved. Where the device lost samples or stalled (more than 0.1 s), it starts
    anew: a gap, not a shift.
    """

    def __init__(self, rate: int, latency: int) -> None:
        """``rate`` in Hz; ``latency`` in ns from the sound to the callback."""
        self._rate = rate
        self._latency = latency
        self._anchor: int | None = None
        self._count = 0
        self._late_since: int | None = None
        self._least_delay = MAX_DRIFT
        self._followed_at = 0

    def place(self, samples: int, now: int) -> int:
        """When the first sample of a block that arrived at ``now`` (ns) was captured."""
        by_clock = now - self._latency - samples * SECOND // self._rate
        if self._anchor is None or self._is_lost(by_clock - self._next(), now):
            self._anchor, self._count, self._late_since = by_clock, 0, None
            self._watch_anew(now)
        self._least_delay = min(self._least_delay, by_clock - self._next())
        if now - self._followed_at >= FOLLOWED_EVERY:
            self._anchor += self._least_delay
            self._watch_anew(now)
        start = self._next()
        self._count += samples
        return start

    def _watch_anew(self, now: int) -> None:
        self._least_delay, self._followed_at = MAX_DRIFT, now

    def _next(self) -> int:
        return (self._anchor or 0) + self._count * SECOND // self._rate

    def _is_lost(self, delay: int, now: int) -> bool:
        if delay <= MAX_DRIFT:
            self._late_since = None
            return delay < -MAX_DRIFT
        if self._late_since is None:
            self._late_since = now
        return now - self._late_since >= PATIENCE
