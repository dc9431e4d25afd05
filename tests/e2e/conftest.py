"""A real server and a real browser, as a new user has them: an empty store, no files, nothing but this machine."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from dashboard import PATIENCE_MS, READY, Server, start_server
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A dashboard of its own, stopped at the end; its exit code has to be 0."""
    running = start_server(tmp_path / "runs", tmp_path / "data", tmp_path / "server.log", is_forked=True)
    yield running
    if running.process.poll() is None:
        assert running.stop() == 0, running.log.read_text()
    assert "Traceback" not in running.log.read_text(), running.log.read_text()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium from the system, silent towards the network."""
    executable = next((path for name in BROWSERS if (path := shutil.which(name))), str(MAC) if MAC.exists() else None)
    if executable is None:
        pytest.skip("no Chromium or Chrome on this machine")
    quiet = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-gpu", "--disable-quic", *quiet]
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
    visitor.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    visitor.goto(server.url)
    visitor.wait_for_selector(READY)
    yield visitor
    context.close()
    assert not strangers
    assert not errors
