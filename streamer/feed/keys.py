"""CURVE keys in folders: the session's own, its clients', and which clients it lets in.

    keys/
      server.key  server.key_secret    the session's
      client.key  client.key_secret    of those who listen on this machine, the live view among them
      clients/NAME.key                 who else is let in; deleting the file shuts NAME out
      NAME/                            to be handed to NAME: server.key client.key client.key_secret

Public keys end in ``.key``, secret ones in ``.key_secret``, both in the format of ``zmq.auth``.
"""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import zmq
from zmq import auth

from streamer.errors import SettingError

ALLOWED = "clients"
MOST_CLIENTS = 1000
"""Keys that are looked at in ``clients/``."""


@dataclass(frozen=True, slots=True)
class ServerKeys:
    """Of a session; ``folder`` says whom it lets in, and is looked at each time somebody comes."""

    secret: bytes = field(repr=False)
    folder: Path

    def lets_in(self, public: bytes) -> bool:
        """Whether the client with this key is one of ours. A file that is no key lets nobody in."""
        files = [self.folder / "client.key", *sorted((self.folder / ALLOWED).glob("*.key"))]
        return any(_public(file) == public for file in files[:MOST_CLIENTS])


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """Of one client, and the public one of the session it may listen to."""

    public: bytes
    secret: bytes = field(repr=False)
    server: bytes

    def lock(self, socket: "zmq.Socket[bytes]") -> None:
        """Let ``socket`` connect to that session only. To be called before it connects."""
        socket.curve_publickey = self.public
        socket.curve_secretkey = self.secret
        socket.curve_serverkey = self.server


def new_keys(folder: Path) -> None:
    """Make a folder with keys of a session and of a first client.

    Raises SettingError where there is something already, or the folder cannot be made.
    """
    with _made(folder) as draft:
        _create(draft, "server")
        _create(draft, "client")
        (draft / ALLOWED).mkdir(mode=0o700)


def add_client(folder: Path, name: str) -> Path:
    """Make keys of a client ``name``, let it in, and give the folder that is to be handed to it.

    Raises SettingError for an impossible name, one that is taken, and a ``folder`` without keys.
    """
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name) or name in (ALLOWED, ".", ".."):
        raise SettingError(f"client {name!r}: must be 1 to 64 of letters, digits, '.', '_' and '-'")
    server_keys(folder)
    allowed = folder / ALLOWED / f"{name}.key"
    if allowed.exists():
        raise SettingError(f"client {name!r}: {allowed} is there already")
    with _made(folder / name) as draft:
        _create(draft, "client")
        shutil.copy(folder / "server.key", draft)
        allowed.parent.mkdir(mode=0o700, exist_ok=True)
        shutil.copy(draft / "client.key", allowed)
    return folder / name


def server_keys(folder: Path) -> ServerKeys:
    """A session's keys. Raises SettingError where they are missing, damaged or open to others."""
    return ServerKeys(_pair(folder, "server")[1], folder)


def client_keys(folder: Path) -> ClientKeys:
    """A client's keys. Raises SettingError where they are missing, damaged or open to others."""
    server = _public(folder / "server.key")
    if server is None:
        raise SettingError(f"keys {folder}: no public key of the session in server.key")
    return ClientKeys(*_pair(folder, "client"), server)


def _create(folder: Path, name: str) -> None:
    auth.create_certificates(folder, name)
    (folder / f"{name}.key_secret").chmod(0o600)


@contextmanager
def _made(folder: Path) -> Iterator[Path]:
    """A folder to fill that nobody else can look into; in the end it is ``folder``, or nothing."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".keys-") as draft:
            yield Path(draft)
            Path(draft).rename(folder)  # refused where there is anything but an empty folder
            Path(draft).mkdir()
    except OSError as error:
        raise SettingError(f"keys {folder}: cannot make it: {error.strerror or error}") from None


def _pair(folder: Path, name: str) -> tuple[bytes, bytes]:
    file = folder / f"{name}.key_secret"
    try:
        public, secret = auth.load_certificate(file)
        mode = file.stat().st_mode
    except (OSError, ValueError):
        raise SettingError(
            f"keys {folder}: no key pair in {file.name}; qamoe-stream keys new makes a folder of "
            "them, keys add one for a client"
        ) from None
    if secret is None or not _is_key(public) or not _is_key(secret):
        raise SettingError(f"keys {folder}: {file.name} is damaged")
    if mode & 0o077:
        raise SettingError(f"keys {folder}: others may read {file.name}: chmod 600 {file}")
    return public, secret


def _public(file: Path) -> bytes | None:
    try:
        public = auth.load_certificate(file)[0]
    except (OSError, ValueError):
        return None
    return public if _is_key(public) else None


def _is_key(text: bytes) -> bool:
    return len(text) == 40 and text.isascii()
