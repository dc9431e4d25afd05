"""The first minute: from the end of a first stroke on Home until every network that came with the program has answered.

    python -m bench.first_minute [--visits 12] [--json]

Needs Chromium or Chrome and ``pip install -r requirements-dev.txt``. One server with an empty store is warmed up by a visit
that is not counted, and has come to rest: what later pages need is loaded. Then each visit is a new browser context that opens
Home by its address, draws one stroke and leaves. Two times a visit, in milliseconds: from the beginning of the navigation until
the pad and all cards stand there ("open"), and from the end of the stroke to the first frame in which none waits ("answers").
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Error as BrowserError

from bench.moments import MOMENT_TIMEOUT_MS, READY, SILENT, STROKES, find_browser, moment, stroke
from bench.serving import about, about_line, folder, percentile, report, serving

ANSWERED = "document.querySelector('.reader') && !document.querySelector('.reader[data-state=waiting]')"
SHOWN = "() => document.querySelector('.pad canvas') && document.querySelector('.reader')"
MIN_VISITS = 10  # from which on a 95th percentile is said


def visit(browser: Browser, url: str, number: int) -> tuple[float, float]:
    """Milliseconds until Home stands there, and of the answers to the first stroke."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(MOMENT_TIMEOUT_MS)
    page.goto(url, wait_until="commit")
    page.wait_for_function(SHOWN)
    opened = float(page.evaluate("() => performance.now()"))
    page.wait_for_selector(READY)
    points = STROKES[number % len(STROKES)]
    answered = moment(page, "pointerup", ANSWERED, lambda: stroke(page, points, ".pad canvas"))
    context.close()
    return opened, answered.took


def measure(browser_path: str, visits: int) -> Iterator[dict[str, Any]]:
    """The figures of all visits, and before them what they were measured on."""
    try:
        with folder() as place, serving(place) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path, args=list(SILENT))
            visit(browser, server.url, 0)
            cpu_seconds = server.rested()
            yield about("playwright") | {
                "browser": browser.version,
                "processor seconds until warm": round(cpu_seconds, 1),
            }
            took = [visit(browser, server.url, number) for number in range(visits)]
            for name, values in zip(("open", "answers"), zip(*took, strict=True), strict=True):
                yield {
                    "moment": name, "n": visits, "p50_ms": round(percentile(values, 0.5)),
                    "p95_ms": round(percentile(values, 0.95)), "max_ms": round(max(values)),
                    "load": round(os.getloadavg()[0], 1),
                }  # fmt: skip
            browser.close()
    except BrowserError as error:
        raise RuntimeError(re.sub(r"\s+", " ", str(error))) from None


def text(row: dict[str, Any]) -> str:
    """A line for people."""
    if "moment" not in row:
        return about_line(row)
    return (
        f"{row['moment']:<8} p50 {row['p50_ms']:>6,} ms   p95 {row['p95_ms']:>6,} ms   longest {row['max_ms']:>6,} ms   "
        f"(n = {row['n']}, load {row['load']})"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 for bad input, without a browser, or when an answer never comes."""
    parser = argparse.ArgumentParser(prog="python -m bench.first_minute", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--visits", type=int, default=12, help=f"at least {MIN_VISITS}, default 12")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    browser_path = find_browser()
    if options.visits < MIN_VISITS or browser_path is None:
        fault = (
            "no Chromium or Chrome on this machine"
            if browser_path is None
            else f"--visits must be at least {MIN_VISITS}"
        )
        print(fault, file=sys.stderr)
        return 2
    return report(measure(browser_path, options.visits), text, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
