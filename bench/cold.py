"""What the very first visit costs: every page on a server that has just started, in a browser and with runs of its own.

    python -m bench.cold [page ...] [--rounds 1] [--json]

Needs Chromium or Chrome and ``pip install -r requirements-dev.txt``. For each page a server is started with an empty store, and
the page is opened by its address: milliseconds from the beginning of the navigation until its script has ended and its charts
are drawn, and the processor seconds that the server took since it answered first, until it has rested for four seconds. What
the server loads in the background meanwhile (torch, digits, the worker) is part of these.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Error as BrowserError

from bench.moments import MOMENT_TIMEOUT_MS, SILENT, find_browser, settle
from bench.serving import about, about_line, best_dataset, folder, serving

ROOT = Path(__file__).parents[1]
PAGES = ("", *sorted(path.stem for path in (ROOT / "pages").glob("[a-z]*.py")))  # addresses; Home has none


def visit(browser: Browser, page_address: str, place: Path) -> dict[str, Any]:
    """A new server, one visit."""
    with serving(place) as server:
        began = server.cpu_seconds()
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.set_default_timeout(MOMENT_TIMEOUT_MS)
        page.goto(f"{server.url}/{page_address}", wait_until="commit")
        settle(page)
        milliseconds = float(page.evaluate("() => performance.now()"))
        return {
            "page": page_address or "home", "ms": milliseconds, "cpu_seconds_shown": server.cpu_seconds() - began,
            "cpu_seconds_rested": server.rested() - began,
        }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 for bad input, without a browser, or when a page is never complete."""
    parser = argparse.ArgumentParser(prog="python -m bench.cold", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("pages", nargs="*", metavar="page", help=f"of {', '.join(filter(None, PAGES))}; default all")
    parser.add_argument("--rounds", type=int, default=1, help="visits of each page, default 1")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    browser_path, unknown = find_browser(), set(options.pages).difference(PAGES)
    if unknown or options.rounds < 1 or browser_path is None:
        print(
            f"no page {', '.join(sorted(unknown))}: there are {', '.join(filter(None, PAGES))}" if unknown
            else "no Chromium or Chrome on this machine" if browser_path is None else "--rounds must be at least 1",
            file=sys.stderr,
        )  # fmt: skip
        return 2
    try:
        with folder() as place, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path, args=list(SILENT))
            facts = about("playwright") | {"browser": browser.version, "dataset": best_dataset()}
            print(json.dumps({"about": facts}) if options.json else about_line(facts), flush=True)
            for page_address in options.pages or PAGES:
                for _ in range(options.rounds):
                    entry = visit(browser, page_address, Path(tempfile.mkdtemp(dir=place)))
                    print(json.dumps(entry) if options.json else text(entry), flush=True)
            browser.close()
    except (RuntimeError, BrowserError) as error:
        print(re.sub(r"\s+", " ", str(error)), file=sys.stderr)
        return 2
    return 0


def text(entry: dict[str, Any]) -> str:
    """A line for people."""
    return (
        f"{entry['page']:<14} shown after {entry['ms']:>6,.0f} ms   server's processor {entry['cpu_seconds_shown']:>5.1f} s "
        f"until then, {entry['cpu_seconds_rested']:>5.1f} s until it rests"
    )


if __name__ == "__main__":
    sys.exit(main())
