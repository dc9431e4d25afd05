"""The download against a server that behaves as badly as real ones do: the right outcome, and never a partial file."""

from __future__ import annotations

import gzip
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from core.data import download, mnist
from core.data.download import Download, DownloadProgress, download_mnist
from core.errors import DataError

FIRST = "train-images-idx3-ubyte.gz"


class Behaviour(BaseHTTPRequestHandler):
    """The first part of the address says what the server does."""

    protocol_version = "HTTP/1.1"
    files: dict[str, bytes]
    asked: Counter[str]
    released: threading.Event

    def do_GET(self) -> None:
        path = self.path.removeprefix("http://mnist.invalid")
        how, name = path.strip("/").split("/")[-2:]
        self.asked[path] += 1
        content = self.files.get(name, b"")
        if how.isdecimal():
            self.answer(int(how), b"no")
        elif how == "503-then-good":
            self.answer(503, b"busy") if self.asked[path] == 1 else self.answer(200, content)
        elif how == "portal":
            self.answer(200, b"<html><body>Please accept our terms of use</body></html>")
        elif how == "truncated":
            self.answer(200, content[: len(content) // 2], length=len(content))
        elif how == "cut":  # without a length, only the content can tell
            self.answer(200, content[: len(content) // 2], length=None)
        elif how == "stalled":
            self.answer(200, content[:100], length=len(content))
            self.released.wait(10)
        elif how == "silent":
            self.released.wait(10)
        elif how == "wrong":
            self.answer(200, gzip.compress(bytes(16) + gzip.decompress(content)[16:]))
        elif how == "swapped":
            other = "t10k" if name.startswith("train") else "train"
            self.answer(200, self.files[name.replace(name.split("-")[0], other)])
        elif how == "endless":
            self.answer(200, bytes(50_000_000), length=None)
        elif how == "slow":
            self.answer(200, content[:100], length=len(content))
            for at in range(100, len(content), 100):
                if self.released.wait(0.05):
                    break
                self.wfile.write(content[at : at + 100])
        elif how.startswith("redirect"):
            to = {"redirect": f"/good/{name}", "redirect-file": "file:///etc/hostname"}
            self.send_response(302)
            self.send_header("Location", to.get(how, f"http://169.254.169.254/good/{name}"))
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.answer(200, content)

    def answer(self, code: int, body: bytes, length: int | None = -1) -> None:
        self.close_connection = True
        self.send_response(code)
        if length is not None:
            self.send_header("Content-Length", str(len(body) if length < 0 else length))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *parts: Any) -> None:
        pass


@pytest.fixture
def server(small_mnist: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    Behaviour.files = {f"{name}.gz": gzip.compress(content, 1) for name, content in small_mnist.items()}
    Behaviour.asked, Behaviour.released = Counter(), threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), Behaviour) as running:
        running.daemon_threads = True
        running.handle_error = lambda *_: None  # type: ignore[method-assign] # we hang up on it, which it would print
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        Behaviour.released.set()
        running.shutdown()
        thread.join()


def at(server: ThreadingHTTPServer, *ways: str) -> list[str]:
    return [f"http://127.0.0.1:{server.server_address[1]}/{way}/" for way in ways]


def fetch(root: Path, mirrors: list[str], **more: Any) -> bool:
    return download_mnist(root, mirrors=mirrors, **({"timeout": 0.3, "pause": 0.01} | more))


def left_in(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file())


@pytest.mark.parametrize("way", ["good", "503-then-good", "redirect"])
def test_a_good_server_gives_four_genuine_files(tmp_path: Path, server: ThreadingHTTPServer, way: str) -> None:
    seen: list[DownloadProgress] = []
    assert fetch(tmp_path, at(server, way), on_progress=seen.append)
    assert left_in(tmp_path) == sorted(Behaviour.files)
    assert len(mnist.load(tmp_path).train_images) == 30
    assert [one.files_done for one in seen] == sorted(one.files_done for one in seen)
    assert (seen[-1].files_done, seen[-1].files_total) == (3, 4)
    assert seen[-1].bytes_done == seen[-1].bytes_total == len(Behaviour.files[seen[-1].file])


BAD = {
    "404": "answered 404",
    "403": "answered 403",
    "503": "answered 503",
    "portal": "not an IDX file",
    "truncated": "broke off",
    "cut": "ends too early",
    "stalled": "nothing came for 0.3 seconds",
    "silent": "nothing came for 0.3 seconds",
    "wrong": "not an IDX file",
    "swapped": "expected 30",
    "endless": "sent more than",
    "redirect-file": "answered 302",
    "redirect-away": "was not followed",
}


@pytest.mark.parametrize(("way", "reason"), BAD.items(), ids=BAD)
def test_a_bad_server_leaves_no_file_and_says_why(
    tmp_path: Path, server: ThreadingHTTPServer, way: str, reason: str
) -> None:
    with pytest.raises(DataError, match=FIRST) as caught:
        fetch(tmp_path, at(server, way))
    assert reason in str(caught.value)
    assert "127.0.0.1" in str(caught.value)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("way", BAD)
def test_the_second_mirror_is_asked_when_the_first_is_bad(
    tmp_path: Path, server: ThreadingHTTPServer, way: str
) -> None:
    assert fetch(tmp_path, at(server, way, "good"), timeout=0.1)
    assert left_in(tmp_path) == sorted(Behaviour.files)


def test_faults_that_pass_are_tried_three_times_and_others_once(tmp_path: Path, server: ThreadingHTTPServer) -> None:
    for way, times in (("503", 3), ("truncated", 3), ("stalled", 3), ("404", 1), ("portal", 1), ("cut", 1)):
        with pytest.raises(DataError):
            fetch(tmp_path, at(server, way), timeout=0.1)
        assert Behaviour.asked[f"/{way}/{FIRST}"] == times, way


def test_no_network_is_a_data_error(tmp_path: Path, server: ThreadingHTTPServer) -> None:
    server.socket.close()
    with pytest.raises(DataError, match="refused"):
        fetch(tmp_path, at(server, "good"))


def test_a_name_that_is_not_found_is_explained(tmp_path: Path, server: ThreadingHTTPServer) -> None:
    with pytest.raises(DataError, match="is there a network"):
        fetch(tmp_path, ["http://mnist.invalid/good/"])


def test_an_address_that_is_no_web_address_is_refused(tmp_path: Path, small_mnist: dict[str, bytes]) -> None:
    (tmp_path / FIRST).write_bytes(gzip.compress(small_mnist[FIRST.removesuffix(".gz")]))
    with pytest.raises(DataError, match="neither http nor https"):
        fetch(tmp_path / "root", [f"file://{tmp_path}/"])


def test_only_what_is_missing_or_damaged_is_fetched(tmp_path: Path, server: ThreadingHTTPServer) -> None:
    assert fetch(tmp_path, at(server, "good"))
    damaged = tmp_path / "mnist" / FIRST
    damaged.write_bytes(damaged.read_bytes()[:-9])
    Behaviour.asked.clear()
    assert fetch(tmp_path, at(server, "good"))
    assert Behaviour.asked == {f"/good/{FIRST}": 1}
    assert len(mnist.load(tmp_path).train_images) == 30


def test_a_proxy_is_honoured(tmp_path: Path, server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", at(server, "")[0].rstrip("/"))
    monkeypatch.setenv("no_proxy", "")
    assert fetch(tmp_path, ["http://mnist.invalid/good/"])
    assert left_in(tmp_path) == sorted(Behaviour.files)


def test_a_full_or_closed_disk_is_a_data_error(tmp_path: Path, server: ThreadingHTTPServer) -> None:
    (tmp_path / "mnist").write_text("a file where the folder should be")
    with pytest.raises(DataError, match="can not be saved"):
        fetch(tmp_path, at(server, "good"))


@pytest.mark.parametrize("error", [RuntimeError("operator torchvision::nms does not exist"), OSError(), ImportError()])
def test_a_broken_torchvision_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    class Broken:
        def find_spec(self, name: str, *_: object) -> None:
            if name.startswith("torchvision"):
                raise error

    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(DataError, match=r"torchvision.*into the folder “mnist”"):
        download_mnist(tmp_path)


def test_torchvision_knows_mirrors_and_the_names_we_look_for() -> None:
    try:
        mirrors, names = download._torchvision()
    except DataError as error:
        pytest.skip(str(error))
    assert [name.removesuffix(".gz") for name in names] == list(mnist.FILES)
    assert len(mirrors) >= 1


def test_in_the_background_it_reports_and_ends_done(tmp_path: Path, server: ThreadingHTTPServer) -> None:
    running = Download(tmp_path, mirrors=at(server, "good"))
    running.join(5)
    assert running.state.status == "done"
    assert running.state.progress is not None
    assert running.state.progress.files_done == 3
    assert left_in(tmp_path) == sorted(Behaviour.files)


def test_in_the_background_it_can_be_stopped(tmp_path: Path, server: ThreadingHTTPServer) -> None:
    running = Download(tmp_path, mirrors=at(server, "slow"))
    end = time.monotonic() + 5
    while running.state.progress is None and time.monotonic() < end:
        time.sleep(0.01)
    before = running.state
    assert before.status == "running"
    assert before.message.startswith("Downloading file 1 of 4")
    running.stop()
    running.join(5)
    after = running.state
    assert after.status == "stopped"
    assert left_in(tmp_path) == []


def test_in_the_background_a_failure_is_told(tmp_path: Path, server: ThreadingHTTPServer) -> None:
    running = Download(tmp_path, mirrors=at(server, "404"))
    running.join(5)
    assert running.state.status == "failed"
    assert "answered 404" in running.state.message


def test_in_the_background_even_a_bug_does_not_look_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "build_opener", lambda *_: 1 / 0)
    running = Download(tmp_path, mirrors=["http://mnist.invalid/"])
    running.join(5)
    assert running.state.status == "failed"
    assert "ZeroDivisionError" in running.state.message
