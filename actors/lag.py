"""How far a session is behind, told from its packets and windows."""

from collections.abc import Collection

from streamer.packets import SECOND, FaceFrames, Stream, Window
from streamer.settings import WindowSettings
from streamer.windows import Packet

GRACE = SECOND * 3 // 10
"""After the deadline, ns: a window that is looked at later was held up by the analysis itself."""

LOST_SHARE = 1 / 3
"""Of the pictures that were asked for: more are lost only to a camera that cannot keep up."""

LATE = {"audio": "sound was late", "vision": "pictures were late"}


class Lag:
    """Notes what the packets have lost on their way, and judges windows by it."""

    def __init__(self, settings: WindowSettings, frame_rate: float) -> None:
        self._allowed = round(settings.deadline * SECOND) + GRACE
        self._hop = settings.hop_ns
        self._frame_rate = frame_rate
        self._dropped = 0
        self._loses_pictures = False

    def take(self, packet: Packet) -> None:
        """Take note of a packet."""
        if isinstance(packet, FaceFrames):
            asked = (packet.frame_rate or self._frame_rate) * self._hop / SECOND
            self._loses_pictures = packet.dropped - self._dropped > LOST_SHARE * asked
            self._dropped = packet.dropped

    def of(self, window: Window, now: int, excused: Collection[Stream]) -> str | None:
        """Why ``window``, which closes at session time ``now`` (ns), is behind; None where it is
        not. What is wrong with ``excused`` streams has other causes."""
        for stream, reason in LATE.items():
            if stream in window.late and stream not in excused:
                return reason
        if self._loses_pictures and "vision" not in excused:
            return "pictures were left out"
        return "the analysis was late" if now - window.end > self._allowed else None
