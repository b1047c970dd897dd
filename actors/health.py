"""How each stream is doing, told from its packets: counted by hop, so that it is deterministic."""

from collections.abc import Collection
from dataclasses import dataclass

from streamer.feed.messages import StreamHealth, StreamState
from streamer.packets import SECOND, STREAMS, FaceFrames, Stream, VoiceFrames
from streamer.windows import Packet

EVERY = SECOND
"""Session time between two health messages, ns."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one packet brought, and what its stream had lost by then."""

    hop: int
    amount: float
    dropped: int


class Health:
    """Counts what each stream delivers; ``hop`` is the hop's length in ns."""

    def __init__(self, hop: int, streams: Collection[Stream]) -> None:
        self._hop = hop
        self._streams = streams
        self._deliveries: dict[Stream, list[Delivery]] = {stream: [] for stream in STREAMS}
        self._ended: dict[Stream, int] = {}
        self._refused_words = 0

    def count(self, packet: Packet) -> None:
        """Take note of a packet."""
        if isinstance(packet, VoiceFrames):
            stream: Stream = "audio"
            amount, dropped = packet.present * self._hop / SECOND, packet.dropped
        elif isinstance(packet, FaceFrames):
            stream = "vision"
            amount, dropped = float(len(packet.captured_at)), packet.dropped
        else:
            stream = "text"
            self._refused_words += packet.rejected
            amount, dropped = float(len(packet.words)), self._refused_words
        self._deliveries[stream].append(Delivery(packet.hop, amount, dropped))
        if packet.ended:
            self._ended[stream] = packet.hop

    def due(self, hop: int) -> bool:
        """Whether a health message is to follow the window that closed with ``hop``."""
        return (hop + 1) * self._hop // EVERY > hop * self._hop // EVERY

    def streams(
        self, hop: int, muted: Collection[Stream] = (), faulty: Collection[Stream] = ()
    ) -> dict[str, StreamHealth]:
        """The last second up to ``hop``. Words come after the window they belong to, so theirs are
        those up to the hop before."""
        return {
            stream: self._stream(
                stream, hop - (stream == "text"), stream in muted, stream in faulty
            )
            for stream in STREAMS
        }

    def _stream(self, stream: Stream, hop: int, muted: bool, faulty: bool) -> StreamHealth:
        since = hop - max(EVERY // self._hop, 1)
        known = [item for item in self._deliveries[stream] if item.hop <= hop]
        rate = sum(item.amount for item in known if item.hop > since)
        dropped = known[-1].dropped if known else 0
        del self._deliveries[stream][: max(len(known) - EVERY // self._hop - 1, 0)]
        state = self._state(stream, hop, rate)
        if faulty and state == "live":
            state = "stalled"
        if muted and state != "off":
            state = "muted"
        return StreamHealth(state, round(rate, 3), dropped)

    def _state(self, stream: Stream, hop: int, rate: float) -> StreamState:
        if stream not in self._streams:
            return "off"
        if hop > self._ended.get(stream, hop):
            return "ended"
        return "stalled" if rate == 0 and stream != "text" else "live"
