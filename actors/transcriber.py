"""The transcriber's actor: sound in, voice features and words out."""

from typing import Any

from actors.channel import Channel, channel_to
from models.hearing import Hearing, load_whisper
from streamer.packets import AudioHop, VoiceFrames, Words
from streamer.settings import Settings

STOP_TIMEOUT = 2.0


class Transcriber:
    """Sends two packets for every hop: first the voice, then, once decoded, the words.

    Raises AssetError where the model is missing or cannot be read.
    """

    def __init__(self, settings: Settings, output: Any) -> None:
        """``output`` takes the packets: a function, or a method of a Ray actor."""
        self._channel: Channel[VoiceFrames | Words] = channel_to(
            output, settings.paced, "transcriber to analyzer"
        )
        self._hearing = Hearing(settings, load_whisper(settings))

    def open(self) -> str:
        """Warm up."""
        self._hearing.warm_up()
        return "Whisper tiny.en"

    def start(self, epoch: int, resumed: bool = False) -> None:
        """It begins with whatever comes first."""

    def push(self, hop: AudioHop) -> None:
        """Take in the sound of the next hop."""
        for packet in self._hearing.hear(hop):
            self._channel.put(packet)

    def stats(self) -> dict[str, float]:
        """Packets dropped or failed on their way to the analyzer.

        Raises PipelineError where one was not delivered in a session that is not paced.
        """
        self._channel.check()
        return {"dropped": self._channel.dropped, "failed": self._channel.failed}

    def stop(self) -> None:
        """Deliver what waits, for a few seconds at most."""
        self._channel.close(STOP_TIMEOUT)
