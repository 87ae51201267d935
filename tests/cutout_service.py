"""A cutout service for tests: a real HTTP server on this machine that fails on demand."""

import contextlib
import socket
import struct
import threading
from collections import defaultdict
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import numpy as np
from astropy.io import fits

PATIENCE = 20
"""How long an answer waits for its test before it gives up [s]."""


def cutout_fits(
    size: int = 64,
    *,
    pixel_scale: float = 0.262,
    seed: int = 0,
    bands: str = "grz",
    flip_east: bool = False,
    flip_north: bool = False,
    cube: np.ndarray | None = None,
) -> bytes:
    """Make a FITS cutout like the Legacy Survey's: a blob in noise, or `cube`."""
    if cube is None:
        rng = np.random.default_rng(seed)
        y, x = np.indices((size, size)) - (size - 1) / 2
        blob = 0.3 * np.exp(-(x**2 + 2 * y**2) / (size / 6) ** 2)
        cube = blob + rng.normal(0, 0.003, (len(bands), size, size))
    header = fits.Header(
        {
            "BANDS": bands,
            "CD1_1": pixel_scale / 3600 * (1 if flip_east else -1),
            "CD1_2": 0.0,
            "CD2_1": 0.0,
            "CD2_2": pixel_scale / 3600 * (-1 if flip_north else 1),
        }
    )
    buffer = BytesIO()
    fits.PrimaryHDU(cube.astype(np.float32), header).writeto(buffer)
    return buffer.getvalue()


class CutoutService:
    """Serves ``/fits-cutout`` and ``/files/{name}`` until the `with` block ends.

    Attributes
    ----------
    faults : dict of str to list of str
        The faults of the next requests for a right ascension (as in the query), one after the
        other; later requests succeed.
    files : dict of str to bytes
        The files that ``/files`` serves, also in part (Range). Their faults are statuses, by name.
    breaks : list of int
        Numbers of bytes after which the next answers of ``/files`` are interrupted.
    etag, ranges, file_headers
        Validator, support of ranges, and more headers of ``/files``.
    requests : list of dict
        Method, path, query and headers of every request so far.
    arrivals : threading.Semaphore
        Released by every request.
    most_at_once : int
        The largest number of requests that were answered at the same time.
    sky : callable or None
        Makes the FITS file for a query; by default a blob in noise.
    gate : threading.Barrier or None
        Each answer waits here, so that a test can see how many requests come at the same time.
    hold_from : int or None
        From this request on (counted from 1) answers wait until `release` is set.
    """

    def __init__(self) -> None:
        self.faults: dict[str, list[str]] = defaultdict(list)
        self.files: dict[str, bytes] = {}
        self.breaks: list[int] = []
        self.etag: str | None = '"one"'
        self.ranges = True
        self.file_headers: dict[str, str] = {}
        self.retry_after = "7"
        self.requests: list[dict] = []
        self.arrivals = threading.Semaphore(0)
        self.most_at_once = 0
        self.sky: Callable[[dict[str, str]], bytes] | None = None
        self.gate: threading.Barrier | None = None
        self.hold_from: int | None = None
        self.holding = threading.Event()
        self.release = threading.Event()
        self.drips = threading.Semaphore(0)
        self._now = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.service = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> "CutoutService":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        host, port = self._server.server_address
        return f"http://{host}:{port}"

    @property
    def url(self) -> str:
        return f"{self.address}/fits-cutout"

    def arrive(self, request: dict) -> int:
        with self._lock:
            self.requests.append(request)
            self.arrivals.release()
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            return len(self.requests)

    def leave(self) -> None:
        with self._lock:
            self._now -= 1

    def next_fault(self, ra: str) -> str | None:
        with self._lock:
            return self.faults[ra].pop(0) if self.faults[ra] else None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body are sent separately; without this the body would wait until the head is
    # acknowledged.
    disable_nagle_algorithm = True

    @property
    def service(self) -> CutoutService:
        return self.server.service

    def log_message(self, *_) -> None:
        pass

    def handle(self) -> None:
        # A client may close the connection before the answer is complete.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            super().handle()

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        number = self.service.arrive(
            {
                "method": self.command,
                "path": parts.path,
                "query": query,
                "headers": dict(self.headers),
            }
        )
        try:
            if self.service.hold_from is not None and number >= self.service.hold_from:
                self.service.holding.set()
                self.service.release.wait(PATIENCE)
            if self.service.gate is not None:
                self.service.gate.wait(PATIENCE)
            if parts.path.startswith("/files/"):
                self._file(parts.path.removeprefix("/files/"))
            else:
                self._cutout(query)
        finally:
            self.service.leave()

    def _cutout(self, query: dict[str, str]) -> None:
        fault = self.service.next_fault(query.get("ra", ""))
        size = int(query.get("size", 64))
        scale = float(query.get("pixscale", 0.262))
        seed = int(float(query.get("ra", 0)) * 1000)
        draw = self.service.sky or (lambda _: cutout_fits(size, pixel_scale=scale, seed=seed))
        body = draw(query)
        match fault:
            case None:
                self._answer(body)
            case "429":
                self._answer(b"slow down", 429, {"Retry-After": self.service.retry_after})
            case status if status.isdecimal():
                self._answer(b"no", int(status))
            case "html":
                self._answer(b"<!DOCTYPE html><html>down for maintenance</html>")
            case "empty":
                self._answer(b"")
            case "text":
                self._answer(b"no overlap")
            case "cut-file":
                self._answer(body[: len(body) // 2])
            case "cut-file-at-block":
                self._answer(body[: len(body) // 2 // 2880 * 2880])
            case "cut-body":
                self._answer(body[: len(body) // 2], length=len(body))
            case "hang-up":
                self._hang_up()
            case "reset":
                self._answer(body[: len(body) // 2], length=len(body))
                self._hang_up()
            case "silence":
                self.service.release.wait(PATIENCE)
                self.close_connection = True
            case "drip":
                self._answer(b"", length=len(body))
                for byte in body:
                    if not self.service.drips.acquire(timeout=PATIENCE):
                        return
                    self.wfile.write(bytes([byte]))
            case "loop":
                self._answer(b"", 302, {"Location": self.path})
                self.service.faults[query["ra"]].append("loop")
            case "empty-sky":
                self._answer(cutout_fits(cube=np.zeros((3, size, size))))
            case "missing-band":
                self._answer(cutout_fits(size, bands="gr"))
            case "nan":
                cube = np.random.default_rng(0).normal(size=(3, size, size))
                cube[1, : size // 2] = np.nan
                self._answer(cutout_fits(cube=cube))
            case _:
                raise ValueError(fault)

    def _file(self, name: str) -> None:
        fault = self.service.next_fault(name)
        if fault or name not in self.service.files:
            return self._answer(b"no", int(fault or 404))
        body, status, headers = self.service.files[name], 200, dict(self.service.file_headers)
        if self.service.etag:
            headers["ETag"] = self.service.etag
        asked = self.headers.get("Range")
        same = self.headers.get("If-Range", self.service.etag) == self.service.etag
        if asked and self.service.ranges and same:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last or len(body)), len(body) - 1)
            if start >= len(body):
                return self._answer(b"", 416, {"Content-Range": f"bytes */{len(body)}"})
            headers["Content-Range"] = f"bytes {start}-{end}/{len(body)}"
            body, status = body[start : end + 1], 206
        sent = self.service.breaks.pop(0) if self.service.breaks else len(body)
        return self._answer(body[:sent], status, headers, length=len(body))

    def _answer(
        self,
        body: bytes,
        status: int = 200,
        headers: dict[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.close_connection = length is not None and length != len(body)

    def _hang_up(self) -> None:
        """Reset the connection, as the machine of a crashed server does."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        self.close_connection = True
