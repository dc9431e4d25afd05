"""A real server and a real browser, as a new user has them: an empty store, no files, nothing but this machine."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

ROOT = Path(__file__).parents[2]
MNIST_ROOT = Path(os.environ.get("DIGIT_LAB_DATA", ROOT / "data")).resolve()
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
READY = '[data-testid="stApp"][data-test-connection-state="CONNECTED"][data-test-script-state="notRunning"]'


@dataclass
class Server:
    """A running dashboard. ``runs`` is its store on disk."""

    process: subprocess.Popen[str]
    url: str
    runs: Path
    log: Path

    def stop(self) -> int:
        """SIGTERM, at most 10 s; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=10)


def start_server(runs: Path, data: Path, log: Path) -> Server:
    """Start the dashboard on a free port and wait until it answers."""
    command = [
        sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.port=0", "--server.headless=true",
    ]  # fmt: skip
    env = {**os.environ, "DIGIT_LAB_RUNS": str(runs), "DIGIT_LAB_DATA": str(data), "PYTHONUNBUFFERED": "1"}
    with log.open("a") as sink:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=sink, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        port = re.search(r"127\.0\.0\.1:(\d+)|localhost:(\d+)", log.read_text())
        if port:
            url = f"http://localhost:{port.group(1) or port.group(2)}"
            try:
                with urllib.request.urlopen(url + "/_stcore/health", timeout=2) as answer:
                    if answer.read() == b"ok":
                        return Server(process, url, runs, log)
            except OSError:
                time.sleep(0.1)
        if process.poll() is not None:
            break
        time.sleep(0.1)
    process.kill()
    raise AssertionError("the server did not start:\n" + log.read_text())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A dashboard of its own, stopped at the end; its exit code has to be 0."""
    running = start_server(tmp_path / "runs", tmp_path / "data", tmp_path / "server.log")
    yield running
    if running.process.poll() is None:
        assert running.stop() == 0, running.log.read_text()
    assert "Traceback" not in running.log.read_text(), running.log.read_text()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium from the system, silent towards the network."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), str(MAC) if MAC.exists() else None)
    if found is None:
        pytest.skip("no Chromium or Chrome on this machine")
    quiet = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-gpu", "--disable-quic", *quiet]
        )
        yield running
        running.close()


def _is_ours(message: ConsoleMessage) -> bool:
    """An error that is not Streamlit's own search for its base path after a deep link."""
    return message.type == "error" and "/_stcore/" not in message.location.get("url", "")


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """A visitor. At the end: no error on the console, no request to anywhere else."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    visitor = context.new_page()
    strangers: list[str] = []
    errors: list[str] = []

    def note(request: Request) -> None:
        if not re.match(r"(https?|wss?)://(localhost|127\.0\.0\.1)[:/]|data:|blob:", request.url):
            strangers.append(request.url)

    visitor.on("request", note)
    visitor.on("pageerror", lambda error: errors.append(str(error)))
    visitor.on("console", lambda message: errors.append(message.text) if _is_ours(message) else None)
    visitor.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    visitor.goto(server.url)
    visitor.wait_for_selector(READY)
    yield visitor
    context.close()
    assert not strangers
    assert not errors


def ready(page: Page) -> None:
    """Wait until the script of the page has run to its end."""
    page.wait_for_selector(READY)


def open_page(page: Page, title: str) -> None:
    """Go to a page through the navigation, as a visitor does."""
    page.get_by_role("link", name=title, exact=True).first.click()
    page.get_by_role("heading", level=1).first.wait_for()
    ready(page)
