"""MNIST from torchvision's mirrors, in whatever network a class-room has: proxies, portals, stalls, half files.

What arrives is held in memory until its unpacked content has the published SHA-256, and only then becomes a file.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from socket import gaierror
from typing import IO, Literal
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from core.data import mnist
from core.data.idx import parse_idx
from core.data.paths import data_root, write_atomic
from core.errors import DataError

TIMEOUT_SECONDS = 20.0  # without a byte
RETRIES = 2  # per mirror and file, for faults that pass
FIRST_PAUSE_SECONDS = 1.0  # before the first retry, doubled before the next
HEAD_ROOM_BYTES = 65_536  # by which a file may exceed its unpacked content
CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """How far the download is. ``bytes_total`` is None while the server does not say."""

    file: str
    bytes_done: int
    bytes_total: int | None
    files_done: int
    files_total: int


@dataclass(frozen=True, slots=True)
class DownloadState:
    """What a ``Download`` is doing; ``message`` is a sentence for people."""

    status: Literal["running", "done", "stopped", "failed"]
    message: str
    progress: DownloadProgress | None = None


class _Stop(Exception):
    """Somebody asked for it."""


def download_mnist(
    root: Path | None = None,
    *,
    mirrors: Sequence[str] | None = None,
    on_progress: Callable[[DownloadProgress], None] = lambda progress: None,
    should_stop: Callable[[], bool] = lambda: False,
    timeout: float = TIMEOUT_SECONDS,
    pause: float = FIRST_PAUSE_SECONDS,
) -> bool:
    """Put the four files of MNIST into ``<root>/mnist``; a genuine one that is there already is not fetched again.

    root: None means ``data_root()`` · mirrors: base addresses; None means torchvision's
    returns True when all four are there, False when ``should_stop`` said so (whole files stay)
    Raises DataError when no mirror gave a genuine file (one reason for each), or the disk refuses.
    """
    root = root or data_root()
    expected_names = tuple(f"{name}.gz" for name in mnist.FILES)
    mirrors, names = (mirrors, expected_names) if mirrors is not None else _torchvision()
    opener = build_opener(_SameMirrors({urlsplit(mirror).hostname for mirror in mirrors}))
    try:
        for done, name in enumerate(names):
            if should_stop():
                return False
            if _is_there(root, name):
                continue

            def tell(got: int, total: int | None, name: str = name, done: int = done) -> None:
                if should_stop():
                    raise _Stop
                on_progress(DownloadProgress(name, got, total, done, len(names)))

            data = _from_any(mirrors, name, opener, tell, timeout, pause)
            write_atomic(root / "mnist" / name, data)
    except _Stop:
        return False
    return True


class Download:
    """``download_mnist`` in a thread of its own, for a page that must not wait. Ask ``state`` from any thread."""

    def __init__(
        self,
        root: Path | None = None,
        *,
        mirrors: Sequence[str] | None = None,
        timeout: float = TIMEOUT_SECONDS,
        pause: float = FIRST_PAUSE_SECONDS,
    ) -> None:
        self._state = DownloadState("running", "Connecting")
        self._stop = threading.Event()

        def run() -> None:
            try:
                whole = download_mnist(
                    root, mirrors=mirrors, on_progress=self._tell, should_stop=self._stop.is_set,
                    timeout=timeout, pause=pause,
                )  # fmt: skip
                self._end("done", "MNIST is ready") if whole else self._end("stopped", "The download was stopped")
            except DataError as error:
                self._end("failed", str(error))
            except Exception as error:  # noqa: BLE001 - a thread that dies silently would look busy for ever
                self._end("failed", f"The download broke ({type(error).__name__}: {error}).")

        self._thread = threading.Thread(target=run, name="mnist-download", daemon=True)
        self._thread.start()

    @property
    def state(self) -> DownloadState:
        """The latest snapshot."""
        return self._state

    def stop(self) -> None:
        """Ask it to end; it does so with the next bytes that arrive."""
        self._stop.set()

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended, at most ``timeout`` seconds."""
        self._thread.join(timeout)

    def _tell(self, progress: DownloadProgress) -> None:
        message = f"Downloading file {progress.files_done + 1} of {progress.files_total}: {progress.file}"
        self._state = DownloadState("running", message, progress)

    def _end(self, status: Literal["done", "stopped", "failed"], message: str) -> None:
        self._state = DownloadState(status, message, self._state.progress)


class _SameMirrors(HTTPRedirectHandler):
    """Follows a redirect only to another mirror by http or https: not to files, not into the local network."""

    def __init__(self, hosts: set[str | None]) -> None:
        self.hosts = hosts

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: object, newurl: str
    ) -> Request | None:
        target = urlsplit(newurl)
        if target.scheme not in ("http", "https") or target.hostname not in self.hosts:
            fp.close()
            raise DataError(
                f"the server sent us elsewhere ({target.scheme}://{target.hostname}), which was not followed"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _torchvision() -> tuple[Sequence[str], tuple[str, ...]]:
    """Mirrors and file names as torchvision knows them."""
    try:
        from torchvision.datasets import MNIST
    except Exception as error:  # noqa: BLE001 - built for another torch, it raises RuntimeError rather than ImportError
        raise DataError(
            f"MNIST can not be downloaded: torchvision, which knows the addresses, can not be loaded "
            f"({type(error).__name__}: {error}). {mnist.BY_HAND}"
        ) from None
    return tuple(MNIST.mirrors), tuple(name for name, _ in MNIST.resources)


def _is_there(root: Path, name: str) -> bool:
    try:
        mnist.read_file(root, name.removesuffix(".gz"))
    except DataError:
        return False
    return True


def _from_any(
    mirrors: Sequence[str],
    name: str,
    opener: OpenerDirector,
    tell: Callable[[int, int | None], None],
    timeout: float,
    pause: float,
) -> bytes:
    """The genuine file from the first mirror that has it; raises DataError with every mirror's reason."""
    faults = []
    for mirror in mirrors:
        for attempt in range(1 + RETRIES):
            if attempt:
                _wait(pause * 2 ** (attempt - 1), tell)
            try:
                return _fetch(mirror, name, opener, tell, timeout)
            except HTTPError as error:
                error.close()
                fault, passing = f"the server answered {error.code}", error.code >= 500 or error.code in (408, 429)
            except DataError as error:
                fault, passing = str(error), False
            except (OSError, HTTPException, ValueError) as error:
                fault, passing = _reason(error, timeout), True
            if not passing:
                break
        faults.append(f"{urlsplit(mirror).hostname}: {fault}")
    raise DataError(f"{name} can not be downloaded ({'; '.join(faults)}). {mnist.BY_HAND}")


def _fetch(
    mirror: str, name: str, opener: OpenerDirector, tell: Callable[[int, int | None], None], timeout: float
) -> bytes:
    if urlsplit(mirror).scheme not in ("http", "https"):
        raise DataError("its address is neither http nor https")
    stem = name.removesuffix(".gz")
    payload = mnist.FILES[stem]
    limit = payload.unpacked_bytes + HEAD_ROOM_BYTES
    request = Request(f"{mirror.rstrip('/')}/{name}", headers={"User-Agent": "digit-lab"})  # noqa: S310 - checked above
    data = bytearray()
    with opener.open(request, timeout=timeout) as response:
        announced = response.headers.get("Content-Length", "")
        total = int(announced) if announced.isdecimal() else None
        tell(0, total)
        while chunk := response.read1(CHUNK_BYTES):
            data += chunk
            if len(data) > limit:
                raise DataError(f"sent more than {limit:,} bytes")
            tell(len(data), total)
    if total is not None and len(data) < total:
        raise ConnectionError(f"the connection broke off after {len(data):,} of {total:,} bytes")
    whole = bytes(data)
    mnist.verified(parse_idx(whole, name, expect=payload.dims, count=payload.count), stem, name)
    return whole


def _wait(seconds: float, tell: Callable[[int, int | None], None]) -> None:
    """Sleep, but hear a stop."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        tell(0, None)
        time.sleep(min(0.1, left))


def _reason(error: Exception, timeout: float) -> str:
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, TimeoutError):
        return f"nothing came for {timeout:g} seconds"
    if isinstance(cause, gaierror):
        return "not found, is there a network?"
    return str(cause) or type(cause).__name__
