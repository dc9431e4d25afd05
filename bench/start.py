"""From ``make run`` to the first page, as somebody meets it who has run it before.

    python -m bench.start [--rounds 5] [--json]

Needs make, Chromium or Chrome, and ``pip install -r requirements-dev.txt``. Each round starts ``make run`` with an empty store,
waits until it opens a browser (a script stands in for it), and opens Home in a browser that was here before: seconds since the
start of make. The first round is printed and not counted, since it reads programs from the disk. ``python -m core --help`` is
timed as well.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Page, sync_playwright

from bench.moments import MOMENT_TIMEOUT_MS, SILENT, find_browser, settle
from bench.serving import ROOT, START_SECONDS, STOP_SECONDS, about, about_line, folder

LOOK_SECONDS = 0.01


@contextlib.contextmanager
def dashboard(place: Path, port: int) -> Iterator[float]:
    """``make run`` with its runs in ``place``; gives seconds from its start until it opens the browser. Raises RuntimeError."""
    opened, opener = place / "opened", place / "opener"
    opener.write_text(f'#!/bin/sh\ntouch "{opened}"\n')
    opener.chmod(0o755)
    env = {**os.environ, "BROWSER": str(opener), "DIGIT_LAB_RUNS": str(place / "runs")}
    began = time.monotonic()
    process = subprocess.Popen(
        ["make", "run", f"PORT={port}"],
        cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        while not opened.exists():
            if process.poll() is not None or time.monotonic() - began > START_SECONDS:
                raise RuntimeError("make run did not open a browser")
            time.sleep(LOOK_SECONDS)
        yield time.monotonic() - began
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):  # of the group nobody is left
            for _ in range(round(STOP_SECONDS / LOOK_SECONDS)):  # make ends before the server does
                os.killpg(process.pid, 0)
                time.sleep(LOOK_SECONDS)


def start(page: Page, place: Path) -> dict[str, float]:
    """Seconds of one start."""
    began, port = time.monotonic(), free_port()
    with dashboard(place, port) as opened:
        page.goto(f"http://localhost:{port}/", wait_until="commit")
        page.locator("h1").first.wait_for()
        heading = time.monotonic() - began
        settle(page)
        return {"browser_opened_s": opened, "heading_s": heading, "complete_s": time.monotonic() - began}


def free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


def help_seconds() -> float:
    """Of ``python -m core --help``."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "core", "--help"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 for bad input, without make or a browser, or when the page never comes."""
    parser = argparse.ArgumentParser(prog="python -m bench.start", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="starts that count, default 5")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    browser_path = find_browser()
    if options.rounds < 1 or browser_path is None or shutil.which("make") is None:
        reason = "--rounds must be at least 1" if options.rounds < 1 else "needs make, and Chromium or Chrome"
        print(reason, file=sys.stderr)
        return 2
    entries: list[dict[str, float]] = []
    try:
        with folder() as place, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path, args=list(SILENT))
            facts = about("playwright") | {"browser": browser.version}
            print(json.dumps({"about": facts}) if options.json else about_line(facts), flush=True)
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            for number in range(options.rounds + 1):
                page = context.new_page()
                page.set_default_timeout(MOMENT_TIMEOUT_MS)
                entry = start(page, Path(tempfile.mkdtemp(dir=place))) | {"help_s": help_seconds()}
                page.close()
                label = "not counted" if number == 0 else f"{number} of {options.rounds}"
                print(json.dumps({"round": number} | entry) if options.json else text(label, entry), flush=True)
                entries.append(entry)
            browser.close()
    except (RuntimeError, BrowserError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 2
    middle = {name: statistics.median(entry[name] for entry in entries[1:]) for name in entries[0]}
    print(json.dumps({"median": middle}) if options.json else text("median", middle), flush=True)
    return 0


def text(label: str, entry: dict[str, Any]) -> str:
    """A line for people."""
    return (
        f"{label:<12} browser opened after {entry['browser_opened_s']:.2f} s   heading {entry['heading_s']:.2f} s   "
        f"page complete {entry['complete_s']:.2f} s   core --help {entry['help_s']:.2f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
