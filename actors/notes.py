"""What the analyzer notes of its work, for a recording from which it can be done again."""

from dataclasses import replace

from models.estimator import Encoder
from streamer.packets import Floats, TokenStates, Words
from streamer.recording.pseudonyms import Pseudonyms
from streamer.windows import Packet


class Notes:
    """Packets as they may be kept, and, where their words may not, what ``encoder`` made of these.

    It is the analysis' encoder, too, so that it sees what is made.
    """

    def __init__(self, encoder: Encoder, with_words: bool) -> None:
        self._encoder = encoder
        self._with_words = with_words
        self._name = Pseudonyms()
        self._packets: list[Packet] = []
        self._states: list[TokenStates] = []

    def encode(self, words: list[str]) -> Floats:
        """As Encoder."""
        states = self._encoder.encode(words)
        if not self._with_words:
            self._states.append(TokenStates(tuple(map(self._name, words)), states))
        return states

    def add(self, packet: Packet) -> None:
        """Note what has come in."""
        self._packets.append(self._kept(packet))

    def take(self) -> list[Packet | TokenStates]:
        """All that was noted since the last time."""
        noted = [*self._packets, *self._states]
        self._packets, self._states = [], []
        return noted

    def _kept(self, packet: Packet) -> Packet:
        if self._with_words or not isinstance(packet, Words):
            return packet
        named = (replace(word, text=self._name(word.text)) for word in packet.words)
        return replace(packet, words=tuple(named))
