"""A network camera for the tests: pictures over HTTP, with all that may go wrong with one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import cv2
import numpy as np

from actors.opencv import open_file

RATE = 15.0


class NetworkCamera:
    """Sends the pictures of a film again and again, RATE a second, to whoever asks.

    ``frozen``: it repeats one picture; ``small``: at half the size; ``garbage``: bytes that are no
    pictures.
    """

    def __init__(self, film: Path) -> None:
        reader = open_file(str(film))
        self._pictures: list[bytes] = []
        self._small: list[bytes] = []
        while len(self._pictures) < 60 and (read := reader.read())[0]:
            half = cv2.resize(read[1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            self._pictures.append(cv2.imencode(".jpg", read[1])[1].tobytes())
            self._small.append(cv2.imencode(".jpg", half)[1].tobytes())
        reader.release()
        self.address = ""
        self.running = threading.Event()
        self.running.set()
        self.frozen = self.small = self.garbage = False
        self._closing = threading.Event()
        self._server: ThreadingHTTPServer | None = None

    def hang(self, hanging: bool) -> None:
        """While it hangs it stays connected and sends nothing."""
        if hanging:
            self.running.clear()
        else:
            self.running.set()

    def plug_in(self) -> None:
        """Serve, at the same address as before."""
        self._closing = closing = threading.Event()
        camera = self
        port = int(self.address.split(":")[2].split("/")[0]) if self.address else 0

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
                self.end_headers()
                with suppress(OSError):  # the other side has gone
                    for picture in camera._stream():
                        if closing.wait(1 / RATE):
                            return
                        head = (
                            "--picture\r\nContent-Type: image/jpeg\r\n"
                            f"Content-Length: {len(picture)}\r\n\r\n"
                        )
                        self.wfile.write(head.encode() + picture + b"\r\n")

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/video.mjpg"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def unplug(self) -> None:
        """Break all connections off and take no more."""
        self._closing.set()
        self.running.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _stream(self) -> Iterator[bytes]:
        noise = np.random.default_rng(0)
        for number in count():
            self.running.wait()
            pictures = self._small if self.small else self._pictures
            place = 0 if self.frozen else number % len(pictures)
            yield noise.bytes(2000) if self.garbage else pictures[place]


@contextmanager
def network_camera(film: Path) -> Iterator[NetworkCamera]:
    camera = NetworkCamera(film)
    camera.plug_in()
    try:
        yield camera
    finally:
        camera.unplug()
