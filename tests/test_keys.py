"""Folders of keys, and who can listen with them: real sockets, real strangers."""

import logging
import re
import select
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from streamer.errors import SettingError
from streamer.feed import Subscriber
from streamer.feed.door import SAY_EVERY
from streamer.feed.keys import MOST_CLIENTS, add_client, client_keys, new_keys, server_keys
from streamer.feed.messages import Message
from streamer.feed.publisher import Publisher
from tests.commands import Answer
from tests.feed_fixtures import health, sentiment
from tests.waiting import eventually

ANY_PORT = "tcp://127.0.0.1:0"


@pytest.fixture
def publisher(keys: Path) -> Iterator[Publisher]:
    with Publisher(ANY_PORT, "json", blocking=False, keys=server_keys(keys)) as publisher:
        yield publisher


def heard(publisher: Publisher, subscriber: Subscriber, patience: float = 5.0) -> Message | None:
    """What arrives while somebody publishes."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        publisher.publish(sentiment())
        if (message := subscriber.receive(0.05)) is not None:
            return message
    return None


def test_secret_keys_are_the_owners_alone(keys: Path) -> None:
    add_client(keys, "ann")
    secret = sorted(keys.rglob("*.key_secret"))
    assert [str(file.relative_to(keys)) for file in secret] == [
        "ann/client.key_secret",
        "client.key_secret",
        "server.key_secret",
    ]
    assert {file.stat().st_mode & 0o777 for file in secret} == {0o600}
    assert {folder.stat().st_mode & 0o777 for folder in (keys, keys / "ann")} == {0o700}
    assert not list(keys.parent.glob(".keys-*"))


def test_keys_are_never_overwritten(keys: Path) -> None:
    before = {file: file.read_bytes() for file in keys.rglob("*.key*")}
    with pytest.raises(SettingError, match="not empty"):
        new_keys(keys)
    add_client(keys, "ann")
    with pytest.raises(SettingError, match="is there already"):
        add_client(keys, "ann")
    assert before == {file: file.read_bytes() for file in before}


def test_keys_are_all_different_and_kept_out_of_what_is_printed(keys: Path) -> None:
    ann = client_keys(add_client(keys, "ann"))
    own = client_keys(keys)
    assert len({ann.public, ann.secret, own.public, own.secret, own.server}) == 5
    assert own.server == ann.server
    assert ann.secret.decode() not in repr(ann)
    assert server_keys(keys).secret.decode() not in repr(server_keys(keys))


@pytest.mark.parametrize("name", ["", "a/b", "clients", "..", "x" * 65])
def test_impossible_names_are_refused(keys: Path, name: str) -> None:
    with pytest.raises(SettingError, match="client"):
        add_client(keys, name)


def test_bad_keys_are_one_line_that_names_them(keys: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"nothing: no key pair in server\.key_secret.*keys new"):
        server_keys(tmp_path / "nothing")
    with pytest.raises(SettingError, match=r"nothing: no public key"):
        Subscriber("tcp://127.0.0.1:1", keys=tmp_path / "nothing")
    (keys / "client.key_secret").chmod(0o644)
    with pytest.raises(SettingError, match=r"others may read client\.key_secret: chmod 600"):
        client_keys(keys)
    secret = keys / "server.key_secret"
    secret.write_text(re.sub('key = ".{9}', 'key = "', secret.read_text()))
    with pytest.raises(SettingError, match=r"server\.key_secret is damaged"):
        server_keys(keys)


def test_the_owner_and_a_client_listen(publisher: Publisher, keys: Path) -> None:
    for folder in (keys, add_client(keys, "ann")):
        with Subscriber(publisher.address, keys=folder) as subscriber:
            assert heard(publisher, subscriber) is not None
    assert publisher.refused == 0


def stranger(kind: str, keys: Path, elsewhere: Path) -> Path | None:
    """The keys that somebody comes with who is not to be let in."""
    if kind == "none":
        return None
    new_keys(elsewhere)
    if kind == "not let in":
        shutil.copy(keys / "server.key", elsewhere)
    if kind == "shut out":
        folder = add_client(keys, "ann")
        (keys / "clients" / "ann.key").unlink()
        return folder
    return elsewhere


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("none", "it has no key|broke off the handshake, as one without a key may"),
        ("other session", "another session's public key"),
        ("not let in", r"the key of 127\.0\.0\.1 is not among those let in"),
        ("shut out", r"the key of 127\.0\.0\.1 is not among those let in"),
    ],
)
def test_a_stranger_hears_nothing_and_leaves_a_line(
    publisher: Publisher, keys: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture,
    kind: str, why: str,
) -> None:  # fmt: skip
    folder = stranger(kind, keys, tmp_path / "elsewhere")
    with (
        caplog.at_level(logging.WARNING),
        Subscriber(publisher.address, keys=folder) as outside,
        Subscriber(publisher.address, keys=keys) as inside,
    ):
        assert heard(publisher, inside) is not None
        assert eventually(lambda: publisher.refused)
        assert heard(publisher, outside, patience=0.5) is None
        assert heard(publisher, inside) is not None
    lines = [record.getMessage() for record in caplog.records]
    assert re.search(rf"connection refused \(socket: feed, why: .*({why})", lines[0])


def test_a_crowd_of_strangers_leaves_few_lines(
    publisher: Publisher, keys: Path, caplog: pytest.LogCaptureFixture
) -> None:
    crowd = 40
    began = time.monotonic()
    with zmq.Context() as context, caplog.at_level(logging.WARNING):
        strangers = [context.socket(zmq.SUB) for _ in range(crowd)]
        for outside in strangers:
            outside.connect(publisher.address)
        assert eventually(lambda: publisher.refused >= crowd)
        for outside in strangers:
            outside.close(linger=0)
    assert 1 <= len(caplog.records) <= 1 + (time.monotonic() - began) / SAY_EVERY
    with Subscriber(publisher.address, keys=keys) as inside:
        assert heard(publisher, inside) is not None


def test_files_that_are_no_keys_let_nobody_in(keys: Path) -> None:
    (keys / "clients" / "broken.key").write_bytes(b"\xff\x00 curve")
    (keys / "clients" / "folder.key").mkdir()
    (keys / "clients" / "empty.key").write_text("")
    door = server_keys(keys)
    assert door.lets_in(client_keys(keys).public)
    assert not door.lets_in(b"")
    assert not door.lets_in(b"x" * 40)
    assert len(list((keys / "clients").iterdir())) < MOST_CLIENTS


def test_with_keys_any_address_of_the_machine_will_do(keys: Path) -> None:
    with Publisher("tcp://0.0.0.0:0", "json", blocking=False, keys=server_keys(keys)) as publisher:
        port = publisher.address.rpartition(":")[2]
        with Subscriber(f"tcp://127.0.0.1:{port}", keys=keys) as subscriber:
            assert heard(publisher, subscriber) is not None


def overhear(server: socket.socket, port: int, seen: bytearray) -> None:
    """Pass one connection on to ``port``, and keep what goes back and forth."""
    caller, _ = server.accept()
    with caller, socket.create_connection(("127.0.0.1", port)) as called:
        other = {caller: called, called: caller}
        while ready := select.select([caller, called], [], [], 10)[0]:
            for end in ready:
                data = end.recv(65536)
                if not data:
                    return
                seen += data
                other[end].sendall(data)


@pytest.mark.parametrize("locked", [True, False])
def test_with_keys_nothing_can_be_read_on_the_way(keys: Path, locked: bool) -> None:
    seen = bytearray()
    known = server_keys(keys) if locked else None
    with (
        Publisher(ANY_PORT, "json", blocking=False, keys=known) as publisher,
        socket.create_server(("127.0.0.1", 0)) as between,
    ):
        port = int(publisher.address.rpartition(":")[2])
        listening = threading.Thread(target=overhear, args=(between, port, seen), daemon=True)
        listening.start()
        address = f"tcp://127.0.0.1:{between.getsockname()[1]}"
        with Subscriber(address, keys=keys if locked else None) as subscriber:
            assert heard(publisher, subscriber) is not None
        listening.join(10)
    assert (b"positive" in seen) is not locked
    assert len(seen) > 200


def test_the_commands_make_what_tap_needs(
    answer: Answer, tmp_path: Path, publisher: Publisher
) -> None:
    folder = tmp_path / "more" / "keys"
    assert answer("keys", "new", str(folder)).code == 0
    assert answer("keys", "add", str(folder), "ann").code == 0
    assert (folder / "clients" / "ann.key").read_text() == (
        folder / "ann" / "client.key"
    ).read_text()
    again = answer("keys", "new", str(folder))
    assert (again.code, "not empty" in again.complaint) == (2, True)
    publisher.publish(health())
    outside = answer("tap", publisher.address, "--keys", str(folder), "--timeout", "0.3")
    assert outside.code == 3
    assert "does it let these keys in" in outside.said
