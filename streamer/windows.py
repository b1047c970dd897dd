"""Event-time windows: cut by capture time, closed by watermark or by deadline, revised by words.

Window ``k`` ends with hop ``k`` and is as long as the settings say. It closes as soon as every
stream has sent its packet of that hop, or, in a paced session, at the deadline without the late
ones. When new words become final, the newest window is handed out again with them, as its next
revision; and so is every window once all its words are final, for the last time. The order of
windows depends on the packets' contents alone, as long as no deadline passes: the same file gives
the same feed.
"""

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np

from models.features.face import face_steps
from models.reliability import absent_stream, face_evidence
from streamer.arrays import checked
from streamer.packets import (
    FACE_MEASURES,
    SECOND,
    FaceFrames,
    Stream,
    StreamWindow,
    VoiceFrames,
    Window,
    Word,
    Words,
)
from streamer.settings import WindowSettings

REVISION_LIMIT_SECONDS = 20
"""A window whose words are not final by then never gets its revision."""

Packet = VoiceFrames | FaceFrames | Words


class WindowAssembler:
    """Packets in, windows out.

    ``streams`` are those that are on; ``deadline`` (ns after a window's end, None for never)
    bounds the wait for a late stream; ``frame_rate`` is the pictures per second to expect;
    ``first_hop`` the one whose window is the first to be closed.
    """

    def __init__(
        self,
        settings: WindowSettings,
        streams: Collection[Stream],
        frame_rate: float,
        deadline: int | None,
        first_hop: int = 0,
    ) -> None:
        self._hop = settings.hop_ns
        self._length = settings.length_ns
        self._frame_rate = frame_rate
        self._deadline = deadline
        self._received: dict[Stream, int] = {
            stream: first_hop - 1 for stream in ("audio", "vision") if stream in streams
        }
        self._ended: dict[Stream, int] = {}
        self._listens = "text" in streams
        self._words_paused = False
        self._voices: dict[int, VoiceFrames] = {}
        self._faces: deque[FaceFrames] = deque()
        self._heard: Words | None = None
        self._waiting: deque[Words] = deque()
        self._words: deque[Word] = deque()
        self._final_until = 0
        self._unrevised: deque[Window] = deque()
        self._next = first_hop
        self.late = 0
        """Windows that closed at their deadline, without some stream."""

    def add(self, packet: Packet) -> None:
        """Take in a packet; each stream's packets come in the order of their hops.

        Raises ValueError for arrays of other shapes than the packet's.
        """
        _check(packet, self._faces[-1].features.shape[1] if self._faces else "size")
        stream: Stream
        if isinstance(packet, Words):
            self._waiting.append(packet)
            return
        if isinstance(packet, VoiceFrames):
            stream = "audio"
            self._voices[packet.hop] = packet
            if packet.hop < self._next:
                self._make_up(packet)
        else:
            stream = "vision"
            self._faces.append(packet)
        self._received[stream] = packet.hop
        if packet.ended:
            self._ended[stream] = packet.hop

    def give_up(self, stream: Stream) -> None:
        """Nothing more will come of ``stream``; without sound there are no words either."""
        if stream in self._received:
            self._ended.setdefault(stream, self._next - 1)
        if stream in ("audio", "text"):
            self._listens = False
            self._unrevised.clear()

    def pause_words(self, paused: bool) -> None:
        """While ``paused`` no words are to come, and windows read as if nobody listened."""
        self._words_paused = paused
        if paused:
            self._heard = None
            self._unrevised.clear()

    @property
    def next_hop(self) -> int:
        """The hop whose window is the next one to be closed."""
        return self._next

    @property
    def finished(self) -> bool:
        """Whether every stream has ended and all has been handed out."""
        return (
            len(self._ended) == len(self._received)
            and self._next > max(self._ended.values(), default=-1)
            and not self._unrevised
        )

    def ready(self, now: int) -> Iterator[Window | Words]:
        """The windows that can be closed or revised at session time ``now`` (ns), in order, and
        before the revisions the words that led to them."""
        while True:
            if self._waiting and (self._waiting[0].hop < self._next or self._all_closed):
                heard = self._waiting.popleft()
                yield heard
                yield from self._revised(heard)
            elif self._all_closed or not self._can_close(now):
                return
            else:
                yield self._close()

    @property
    def _all_closed(self) -> bool:
        ended = len(self._ended) == len(self._received)
        return ended and self._next > max(self._ended.values(), default=-1)

    def _can_close(self, now: int) -> bool:
        complete = all(
            hop >= self._next or stream in self._ended for stream, hop in self._received.items()
        )
        if self._deadline is None and self._listens and self._next > 0:
            # Words never hold a live window up, but where nothing is live their order must not
            # depend on who is faster.
            complete = complete and self._heard is not None and self._heard.hop >= self._next - 1
        end = (self._next + 1) * self._hop
        overdue = self._deadline is not None and now >= end + self._deadline
        self.late += overdue and not complete
        return complete or overdue

    def _close(self) -> Window:
        hop = self._next
        end = (hop + 1) * self._hop
        self._next += 1
        self._forget(end - self._length)
        streams: dict[Stream, StreamWindow] = {}
        if "audio" in self._received:
            streams["audio"] = self._audio(hop)
        if "vision" in self._received:
            streams["vision"] = self._vision(hop, end)
        window = Window(
            hop=hop,
            start=max(end - self._length, 0),
            end=end,
            revision=0,
            words=self._words_before(end),
            words_age=max(end - self._final_until, 0),
            heard=self._heard,
            streams=streams,
            late=tuple(
                stream
                for stream, received in self._received.items()
                if received < hop and stream not in self._ended
            ),
        )
        if self._listens and not self._words_paused:
            self._unrevised.append(window)
            if len(self._unrevised) * self._hop > REVISION_LIMIT_SECONDS * SECOND:
                self._unrevised.popleft()
        return window

    def _make_up(self, voice: VoiceFrames) -> None:
        """A voice that comes after its window has closed is there for the window's revisions."""
        for place, window in enumerate(self._unrevised):
            if window.hop == voice.hop:
                streams = {**window.streams, "audio": self._audio(voice.hop)}
                self._unrevised[place] = replace(window, streams=streams)

    def _audio(self, hop: int) -> StreamWindow:
        voice = self._voices.pop(hop, None)
        if voice is not None:
            return StreamWindow(voice.features, voice.mask, voice.evidence)
        return absent_stream("sound has ended" if "audio" in self._ended else "sound is late")

    def _vision(self, hop: int, end: int) -> StreamWindow:
        if "vision" in self._ended and hop > self._ended["vision"]:
            return absent_stream("pictures have ended")
        if self._received["vision"] < hop:
            return absent_stream("pictures are late")
        start = end - self._length
        joined = _joined(self._faces)
        if joined is None:
            return absent_stream("no pictures from the camera")
        features, mask = face_steps(
            joined.captured_at, joined.features, joined.found, max(start, 0), end
        )
        inside = (joined.captured_at >= start) & (joined.captured_at < end)
        evidence = face_evidence(
            joined.measures[inside],
            joined.found[inside],
            ((end - joined.captured_at[inside]) / SECOND).astype(np.float32),
            min(end, self._length) / SECOND,
            min(packet.frame_rate or self._frame_rate for packet in self._faces),
        )
        return StreamWindow(features, mask, evidence)

    def _revised(self, heard: Words) -> Iterator[Window]:
        """Windows whose words are all there now, and the newest one if it has got new ones."""
        if self._words_paused:
            return
        # Words have the figures of the hypothesis they come from, not of a later one without any.
        told = heard if heard.words or self._heard is None else self._heard
        self._heard = replace(told, hop=heard.hop, final_until=heard.final_until)
        self._words.extend(heard.words)
        self._final_until = heard.final_until
        while self._unrevised and (self._unrevised[0].end <= self._final_until or heard.ended):
            yield self._revision(self._unrevised.popleft(), heard)
        if self._unrevised and heard.words:
            self._unrevised[-1] = self._revision(self._unrevised[-1], heard)
            yield self._unrevised[-1]
        if heard.ended:
            self._listens = False

    def _revision(self, window: Window, heard: Words) -> Window:
        return replace(
            window,
            revision=window.revision + 1,
            words=self._words_before(window.end, since=window.start),
            words_age=0 if heard.ended else max(window.end - self._final_until, 0),
            heard=self._heard,
        )

    def _words_before(self, end: int, since: int = 0) -> tuple[Word, ...]:
        since = max(since, end - self._length)
        return tuple(word for word in self._words if word.start < end and word.end > since)

    def _forget(self, before: int) -> None:
        limit = before - REVISION_LIMIT_SECONDS * SECOND
        while self._words and self._words[0].end < limit:
            self._words.popleft()
        while self._faces and (self._faces[0].hop + 2) * self._hop < before:
            self._faces.popleft()
        for hop in [hop for hop in self._voices if hop < self._next - 1]:
            del self._voices[hop]


def _check(packet: Packet, face_size: int | str) -> None:
    if isinstance(packet, VoiceFrames):
        checked("voice features", packet.features, ("steps", "size"))
        checked("voice mask", packet.mask, (len(packet.features),), "b")
    elif isinstance(packet, FaceFrames):
        count = len(checked("captured_at", packet.captured_at, ("n",), "i"))
        checked("face features", packet.features, (count, face_size))
        checked("found", packet.found, (count,), "b")
        checked("measures", packet.measures, (count, len(FACE_MEASURES)))


def _joined(packets: Collection[FaceFrames]) -> FaceFrames | None:
    """All pictures of ``packets`` as one, or None where there are none."""
    if not any(len(packet.captured_at) for packet in packets):
        return None
    return FaceFrames(
        hop=max(packet.hop for packet in packets),
        captured_at=np.concatenate([packet.captured_at for packet in packets]),
        features=np.concatenate([packet.features for packet in packets]),
        found=np.concatenate([packet.found for packet in packets]),
        measures=np.concatenate([packet.measures for packet in packets]),
    )
