"""Which addresses a socket may be bound or connect to, and what they must look like."""

import ipaddress
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import zmq

from streamer.errors import SettingError, SourceError
from streamer.feed.keys import client_keys, server_keys

if TYPE_CHECKING:
    from streamer.settings import FeedSettings

_TCP = re.compile(r"tcp://(?P<host>\[[^\]]+\]|[^:\[\]/]+):(?P<port>\*|\d{1,5})", re.ASCII)


def check_bind(bind: str, *, locked: bool = False, setting: str = "feed.bind") -> str:
    """The endpoint of a ``setting``, in the form ZeroMQ binds to.

    Allowed are ``tcp://`` on a loopback address, with a port or ``0`` or ``*`` for any free one,
    and ``ipc://`` with a path; where the socket is ``locked`` with keys, ``tcp://`` on any address
    of this machine, ``*`` for all of them. Raises SettingError for everything else.
    """
    if bind.startswith("ipc://"):
        if not 6 < len(bind.encode()) <= 6 + 100:
            raise SettingError(f"{setting} = {bind}: ipc:// needs a path of at most 100 bytes")
        return bind
    match = _TCP.fullmatch(bind)
    if match is None or (match["port"] != "*" and int(match["port"]) > 65535):
        raise SettingError(
            f"{setting} = {bind}: must look like tcp://127.0.0.1:5556 or ipc:///path/of/socket"
        )
    if not locked and not _is_loopback(match["host"].strip("[]")):
        raise SettingError(
            f"{setting} = {bind}: only loopback (127.0.0.1, [::1], localhost) is allowed without "
            "CURVE keys: make some with qamoe-stream keys new FOLDER, and name it in feed.keys "
            "(--keys FOLDER)"
        )
    # ZeroMQ binds to addresses and interfaces, not to names.
    return bind.replace("//localhost:", "//127.0.0.1:")


def check_feed(settings: "FeedSettings") -> None:
    """Raise SettingError for keys that cannot be used, and addresses that are not allowed with
    them or without."""
    if settings.keys is not None:
        server_keys(settings.keys)
        client_keys(settings.keys)
    locked = settings.keys is not None
    check_bind(settings.bind, locked=locked)
    if settings.control is not None:
        check_bind(settings.control, locked=locked, setting="feed.control")


def check_free(endpoint: str, setting: str = "feed.bind") -> None:
    """Raise SourceError where someone listens at an ``ipc://`` path: ZeroMQ would take it over."""
    if endpoint.startswith("ipc://") and _answers(endpoint.removeprefix("ipc://")):
        raise SourceError(
            f"{setting} = {endpoint}: the address is in use, perhaps by another session; end that "
            "one, or choose another path"
        )


def remove_socket(endpoint: str) -> None:
    """Take away the file of an ``ipc://`` endpoint where nobody listens any more: ZeroMQ leaves
    it."""
    file = Path(endpoint.removeprefix("ipc://"))
    if endpoint.startswith("ipc://") and file.is_socket() and not _answers(str(file)):
        file.unlink(missing_ok=True)


def cannot_bind(bind: str, error: zmq.ZMQError, setting: str = "feed.bind") -> SourceError:
    """What to raise where ZeroMQ does not bind."""
    if error.errno == zmq.EADDRINUSE:
        return SourceError(
            f"{setting} = {bind}: the address is in use, perhaps by another session; end that one, "
            "or choose another address (port 0 takes any free one)"
        )
    return SourceError(f"{setting} = {bind}: cannot bind: {zmq.strerror(error.errno or 0)}")


def cannot_connect(
    address: str, error: zmq.ZMQError, what: str = "feed", port: int = 5556
) -> SettingError:
    """What to raise where ZeroMQ does not take an address to connect to; ``port`` is of the one
    that is shown as an example."""
    return SettingError(
        f"{what} address {address}: {zmq.strerror(error.errno or 0)}; must look like "
        f"tcp://127.0.0.1:{port} or ipc:///path/of/socket"
    )


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect("\0" + path[1:] if path.startswith("@") else path)
        except (TimeoutError, BlockingIOError):  # too busy to answer
            return True
        except OSError:
            return False
    return True


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
