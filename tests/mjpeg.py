"""A network camera on loopback, which can be made to hang."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from pathlib import Path

import cv2

RATE = 15.0


class NetworkCamera:
    """Sends the pictures of a film again and again, RATE a second, to whoever asks."""

    def __init__(self, film: Path) -> None:
        reader = cv2.VideoCapture(str(film))
        self.pictures = []
        while len(self.pictures) < 60 and (read := reader.read())[0]:
            self.pictures.append(cv2.imencode(".jpg", read[1])[1].tobytes())
        reader.release()
        self.address = ""
        self.running = threading.Event()
        self.running.set()
        self.closing = threading.Event()

    def hang(self, hanging: bool) -> None:
        """While it hangs it stays connected and sends nothing."""
        if hanging:
            self.running.clear()
        else:
            self.running.set()


@contextmanager
def network_camera(film: Path) -> Iterator[NetworkCamera]:
    camera = NetworkCamera(film)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
            self.end_headers()
            with suppress(OSError):  # the other side has gone
                for picture in cycle(camera.pictures):
                    if camera.closing.wait(1 / RATE):
                        return
                    camera.running.wait()
                    head = (
                        f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}"
                    )
                    self.wfile.write(f"{head}\r\n\r\n".encode() + picture + b"\r\n")

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        camera.address = f"http://127.0.0.1:{server.server_address[1]}/video.mjpg"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield camera
        finally:
            camera.closing.set()
            camera.running.set()
            server.shutdown()
