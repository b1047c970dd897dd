"""One session's voice, relative to what has been heard of it so far."""

from collections import deque
from dataclasses import replace

from models.features.voice_history import VoiceHistory
from models.features.voice_reader import Reader
from streamer.arrays import checked
from streamer.packets import StreamWindow, Window

HEARD_WELL = 0.7
"""Evidence from which a window's voice is remembered: what noise or gaps have spoiled is to stand
out against the voice, not to become what is normal."""


class VoiceMemory:
    """Feeds a VoiceHistory with the windows of a session, each second of sound at most once.

    A window is held against those that ended before it began, as in training a clip is held
    against earlier clips.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._history = VoiceHistory(reader.prior)
        self._waiting: deque[Window] = deque()
        self._heard_until = -1
        self._latest = -1

    def read(self, window: Window) -> StreamWindow:
        """The voice in ``window`` as the network is given it. A voice that is late stays empty.

        Raises ValueError where its features have another width than the reader's.
        """
        self._hear(window.start)
        audio = window.streams["audio"]
        if not len(audio.features):
            return audio
        checked("voice features", audio.features, ("steps", len(self._reader.prior.mean)))
        checked("voice mask", audio.mask, (len(audio.features),), "b")
        if window.end > self._latest:
            self._latest = window.end
            if audio.evidence.score >= HEARD_WELL:
                self._waiting.append(window)
        relative = self._history.normalise(audio.features)
        return replace(audio, features=self._reader.read(relative[None], audio.mask[None])[0])

    def _hear(self, until: int) -> None:
        while self._waiting and self._waiting[0].end <= until:
            window = self._waiting.popleft()
            if window.start >= self._heard_until:
                audio = window.streams["audio"]
                self._history.hear(audio.features, audio.mask)
                self._heard_until = window.end
