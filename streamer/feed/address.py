"""Which addresses the feed may be bound to, and what they must look like."""

import ipaddress
import re
import socket

from streamer.errors import SettingError, SourceError

_TCP = re.compile(r"tcp://(?P<host>\[[^\]]+\]|[^:\[\]/]+):(?P<port>\*|\d{1,5})", re.ASCII)


def check_bind(bind: str) -> str:
    """The endpoint of a ``feed.bind`` setting, in the form ZeroMQ binds to.

    Allowed are ``tcp://`` on a loopback address, with a port or ``0`` or ``*`` for any free one,
    and ``ipc://`` with a path. Raises SettingError for everything else.
    """
    if bind.startswith("ipc://"):
        if not 6 < len(bind.encode()) <= 6 + 100:
            raise SettingError(f"feed.bind = {bind}: ipc:// needs a path of at most 100 bytes")
        return bind
    match = _TCP.fullmatch(bind)
    if match is None or (match["port"] != "*" and int(match["port"]) > 65535):
        raise SettingError(
            f"feed.bind = {bind}: must look like tcp://127.0.0.1:5556 or ipc:///path/of/socket"
        )
    if not _is_loopback(match["host"].strip("[]")):
        raise SettingError(
            f"feed.bind = {bind}: only loopback (127.0.0.1, [::1], localhost) is allowed; other "
            "addresses need CURVE keys, which this version does not offer yet"
        )
    # ZeroMQ binds to addresses and interfaces, not to names.
    return bind.replace("//localhost:", "//127.0.0.1:")


def check_free(endpoint: str) -> None:
    """Raise SourceError where someone listens at an ``ipc://`` path: ZeroMQ would take it over."""
    if not endpoint.startswith("ipc://"):
        return
    path = endpoint.removeprefix("ipc://")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect("\0" + path[1:] if path.startswith("@") else path)
        except OSError:
            return
    raise SourceError(
        f"feed.bind = {endpoint}: the address is in use, perhaps by another session; end that one, "
        "or choose another path"
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
