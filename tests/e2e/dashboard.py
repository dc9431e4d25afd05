"""Starting a dashboard of one's own, and moving about in it."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import forked
from forked import ForkedProcess
from playwright.sync_api import Locator, Page, expect

ROOT = Path(__file__).parents[2]
MNIST_ROOT = Path(os.environ.get("DIGIT_LAB_DATA", ROOT / "data")).resolve()
PATIENCE_MS = 60_000  # for anything on a page
READY = '[data-testid="stApp"][data-test-connection-state="CONNECTED"][data-test-script-state="notRunning"]'
# Counts from now on how often a script of the page runs, in window.scripts.
COUNT_SCRIPTS = """() => {
  const app = document.querySelector('[data-testid=stApp]');
  window.scripts = 0;
  new MutationObserver(() => { window.scripts += app.dataset.testScriptState === 'running'; })
    .observe(app, {attributes: true, attributeFilter: ['data-test-script-state']});
}"""


@dataclass
class Server:
    """A running dashboard. ``runs`` is its store on disk."""

    process: subprocess.Popen[str] | ForkedProcess
    url: str
    runs: Path
    log: Path

    def stop(self) -> int:
        """SIGTERM, at most 10 s; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=10)


def start_server(
    runs: Path, data: Path, log: Path, *flags: str, base_path: str = "", is_forked: bool = False
) -> Server:  # fmt: skip
    """Start the dashboard on a free port and wait until it answers.

    flags: more of them for Streamlit · base_path: what the addresses begin with, such as "/lab" · is_forked: from a process
    that has imported the libraries already, where there can be one
    """
    arguments = [
        "run", "streamlit_app.py", "--server.port=0", "--server.headless=true", f"--server.baseUrlPath={base_path}", *flags,
    ]  # fmt: skip
    env = {**os.environ, "DIGIT_LAB_RUNS": str(runs), "DIGIT_LAB_DATA": str(data), "PYTHONUNBUFFERED": "1"}
    log.touch()
    process: subprocess.Popen[str] | ForkedProcess
    if is_forked and "forkserver" in multiprocessing.get_all_start_methods():
        process = forked.start(arguments, ROOT, env, log)
    else:
        with log.open("a") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", *arguments],
                cwd=ROOT, env=env, stdout=sink, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        port = re.search(r"127\.0\.0\.1:(\d+)|localhost:(\d+)", log.read_text())
        if port:
            url = f"http://localhost:{port.group(1) or port.group(2)}{base_path}"
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


def ready(page: Page) -> None:
    """Wait until the script of the page has run to its end."""
    page.wait_for_selector(READY)


def open_page(page: Page, title: str) -> None:
    """Go to a page through the navigation, as a visitor does."""
    page.get_by_role("link", name=title, exact=True).first.click()
    arrived(page, "Digit Lab" if title == "Home" else title)


def arrived(page: Page, title: str) -> None:
    """Wait until another page stands there whole: its title first, for until then the page before it counts as ready."""
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    ready(page)


def click_chart(chart: Locator, x: float, y: float) -> None:
    """Click a place of a chart as soon as the chart stands still. x, y: on its first pair of axes"""
    right, down = chart.evaluate("({_fullLayout: {xaxis, yaxis}}, [x, y]) => [xaxis.d2p(x), yaxis.d2p(y)]", [x, y])
    chart.locator(".nsewdrag").first.click(position={"x": right, "y": down})


def last_epoch_drawn(page: Page) -> float:
    """Where the longest line of the first chart ends."""
    return float(
        page.evaluate(
            "() => Math.max(0, ...document.querySelector('.js-plotly-plot').calcdata.flat().map(point => point.x || 0))"
        )
    )
