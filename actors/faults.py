"""What is at fault, by stream, and which windows that concerns."""

from collections.abc import Mapping
from types import MappingProxyType

from streamer.packets import FaceFrames, Stream, VoiceFrames, Window
from streamer.windows import REVISION_LIMIT_SECONDS, Packet

REMEMBERED = REVISION_LIMIT_SECONDS * 5
"""Windows whose faults are kept for their revisions: as many hops as the shortest one allows."""


class Faults:
    """Of two origins: packets tell of devices that deliver nothing, the supervisor of stages that
    are being replaced. A window keeps what was at fault when it closed, whatever its revisions
    bring."""

    def __init__(self) -> None:
        self._devices: dict[Stream, str] = {}
        self._stages: dict[Stream, str] = {}
        self._untold: dict[Stream, str] = {}
        self._closed: dict[int, Mapping[Stream, str]] = {}

    def take(self, packet: Packet) -> None:
        """Note what a packet says of its device. Words come of the same sound as the voice."""
        if isinstance(packet, VoiceFrames):
            streams: tuple[Stream, ...] = ("text", "audio")
        elif isinstance(packet, FaceFrames):
            streams = ("vision",)
        else:
            return
        for stream in streams:
            if packet.fault is None:
                self._devices.pop(stream, None)
            else:
                self._devices[stream] = packet.fault

    def set(self, faults: Mapping[Stream, str]) -> None:
        """The stages that are at fault, in place of those before; each is told by one window at
        least, however soon it is over."""
        self._stages = dict(faults)
        self._untold |= faults

    @property
    def now(self) -> Mapping[Stream, str]:
        return self._devices | self._untold | self._stages

    @property
    def of_stages(self) -> tuple[tuple[Stream, str], ...]:
        return tuple(sorted((self._untold | self._stages).items()))

    @property
    def told(self) -> str | None:
        """All of them in one line, each once."""
        return "; ".join(dict.fromkeys(self.now.values())) or None

    def at(self, window: Window) -> dict[Stream, str]:
        """What was at fault when ``window`` closed."""
        if window.revision == 0:
            self._closed[window.hop] = MappingProxyType(dict(self.now))
            self._closed.pop(window.hop - REMEMBERED, None)
            self._untold = {}
        return dict(self._closed.get(window.hop, {}))
