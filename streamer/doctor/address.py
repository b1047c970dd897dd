"""Whether the feed can be bound where the settings want it."""

from collections.abc import Iterator

from streamer.doctor.findings import Finding
from streamer.errors import UserError
from streamer.feed.publisher import Publisher
from streamer.settings import Settings


def check_address(settings: Settings) -> Iterator[Finding]:
    """Binds the feed's address for a moment."""
    try:
        with Publisher(settings.feed.bind, settings.feed.encoding, blocking=False) as publisher:
            yield Finding("feed address", "ok", f"{publisher.address} is free")
    except UserError as error:
        yield Finding("feed address", "problem", str(error), "choose another with --bind")
