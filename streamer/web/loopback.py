"""What everything that serves HTTP on this machine alone has in common."""

from streamer.errors import SourceError

LOOPBACK = ("127.0.0.1", "localhost")
"""Names of this machine that no other one answers to."""


def own_hosts(port: int) -> frozenset[str]:
    """What the Host header of a request to ``port`` says. Any other one is a name of somebody
    else's that resolves to this machine, under which a page of theirs would read the answer."""
    return frozenset(f"{name}:{port}" for name in LOOPBACK)


def cannot_listen(setting: str, port: int | str, error: OSError) -> SourceError:
    return SourceError(
        f"{setting} = {port}: {error.strerror}; choose another one (0 takes any free one)"
    )
