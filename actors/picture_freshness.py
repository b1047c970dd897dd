"""Whether a camera's pictures are those of now."""

import numpy as np

from streamer.packets import SECOND, Image

GONE = SECOND // 2
"""A camera that gives no picture for so long (ns) though asked again and again has gone."""

FROZEN = SECOND
"""One that repeats its picture for so long (ns), every pixel of it, has gone, too."""

HELD_UP = SECOND // 2
"""After a pause of so long (ns) the next pictures may be old ones that have waited."""

DRAIN = SECOND
"""For so long (ns) at most they are left out."""


class Freshness:
    """Judges a live camera by when it gives its pictures and by whether they change.

    Pictures that have waited in a buffer come at once, one after the other; one of now has to be
    waited for, a third of a period of ``frame_rate`` at least.
    """

    def __init__(self, frame_rate: float) -> None:
        self._wait = round(SECOND / frame_rate / 3)
        self._grabbed_at: int | None = None
        self._held_up_at: int | None = None
        self._image: Image | None = None
        self._changed_at = 0

    def is_fresh(self, asked_at: int, came_at: int) -> bool:
        """Whether a picture asked for and given at these times (ns) is worth looking at; to be
        asked for each one, in order."""
        before, self._grabbed_at = self._grabbed_at, came_at
        if before is not None and came_at - before > HELD_UP:
            self._held_up_at = came_at
            return came_at - asked_at >= self._wait
        if self._held_up_at is None:
            return True
        if came_at - asked_at >= self._wait or came_at - self._held_up_at > DRAIN:
            self._held_up_at = None
            return True
        return False

    def look(self, image: Image, came_at: int) -> None:
        """Compare a picture with the one before."""
        if self._image is None or not np.array_equal(self._image, image):
            self._changed_at = came_at
        self._image = image

    def complaint(self, now: int) -> str | None:
        """What is wrong with the camera at time ``now`` (ns), if anything is."""
        if self._grabbed_at is None:
            return None
        if now - self._grabbed_at > GONE:
            return "has gone"
        if self._image is not None and self._grabbed_at - self._changed_at > FROZEN:
            return "repeats its last picture: it may be unplugged"
        return None
